import { run } from '../../src/process';
import { boxImages, makeBoxImages } from './images';

/** Names for images of a test's own, each with what it is to stand for. */
export type Tags = Readonly<Record<string, keyof typeof boxImages>>;

/** Makes the images of the fixtures and gives them names of the test's own, which no other test moves. */
export async function makeTaggedImages(tags: Tags): Promise<void> {
  await makeBoxImages();
  for (const [name, kind] of Object.entries(tags)) await tagImage(boxImages[kind], name);
}

/** `docker tag`: a name for an image, taken from whichever image has it. */
export async function tagImage(image: string, name: string): Promise<void> {
  const { exitCode, stderr } = await run(['docker', 'tag', image, name]);
  if (exitCode !== 0) throw new Error(`docker tag ${image} ${name} failed: ${stderr}`);
}

/** Removes the names again. */
export async function removeTaggedImages(...names: string[]): Promise<void> {
  await run(['docker', 'rmi', ...names]);
}

/** ID of an image. */
export async function imageId(name: string): Promise<string> {
  return (await run(['docker', 'image', 'inspect', '--format', '{{.Id}}', name])).stdout;
}

/** `docker build` of a Dockerfile without a context: an image with an ID of its own. */
export async function buildImage(name: string, ...instructions: string[]): Promise<void> {
  const { exitCode, stderr } = await run(['docker', 'build', '--quiet', '--tag', name, '-'], {
    input: instructions.join('\n'),
  });
  if (exitCode !== 0) throw new Error(`docker build of ${name} failed: ${stderr}`);
}
