import { ComposeStack, prepareFromConfig, stackOutput } from './components';

const stack = ComposeStack.whenReady('stack', prepareFromConfig());

/** By service: the image as it was asked for, and its immutable ID. */
export const services = stackOutput(stack, (it) => it.services);

/** Content hash of each configuration file, by its path: what `rewind:files` takes to bring it back. */
export const files = stackOutput(stack, (it) => it.files);
