import { toolVariables } from '../../toolchain/environment';
import { ensureToolchain } from '../../toolchain/setup';
import { makeBoxImages, removeBoxImages } from './images';

/**
 * Gets the tools that the integration tests use, as `npm start` does, and puts them on PATH for all of them; makes the
 * images of the fixtures, for files at work at the same time would all make them.
 *
 * @returns what to do after the last test: the files share the images of the fixtures, so none removes them by itself
 */
export default async function setup(): Promise<() => Promise<void>> {
  const toolchain = await ensureToolchain({ images: true });
  await makeBoxImages();
  Object.assign(process.env, toolVariables(toolchain, process.env));
  return removeBoxImages;
}
