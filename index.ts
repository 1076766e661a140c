import { ComposeStack, prepareFromConfig } from './components';

const stack = ComposeStack.whenReady('stack', prepareFromConfig());

/** By service: the image as it was asked for, and its immutable ID. */
export const services = stack.then((it) => it.services);

/** Content hash of each configuration file, by its path: what `rewind:files` takes to bring it back. */
export const files = stack.then((it) => it.files);
