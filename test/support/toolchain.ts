import { toolVariables } from '../../toolchain/environment';
import { ensureToolchain } from '../../toolchain/setup';

/** Gets the tools that the integration tests use, as `npm start` does, and puts them on PATH for all of them. */
export default async function setup(): Promise<void> {
  const toolchain = await ensureToolchain({ images: true });
  Object.assign(process.env, toolVariables(toolchain, process.env));
}
