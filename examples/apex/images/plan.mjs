import { createHash } from 'node:crypto';
import { hashFolders } from './context.mjs';

/** The label that tells which inputs an image was built from. */
export const INPUTS_LABEL = 'dev.rewind.example.inputs';

/**
 * Which images have to be built: those that are not there or were built from other inputs, and the parents that these
 * need. An image's inputs are its own files and settings and the inputs of its parents.
 *
 * @param {object[]} images the catalogue, parents first
 * @param {Map<string, Record<string, string>>} present labels of the images that exist, by name
 * @param {boolean} [force] takes none for up to date
 * @returns {Promise<{wanted: object[], kept: string[]}>} wanted ones carry their `hash`
 */
export async function plan(images, present, force = false) {
  const hashes = new Map();
  const hashed = [];
  for (const image of images) {
    const { name, sameAs } = image;
    const hash = sameAs === undefined ? await hashOf(image, hashes) : hashes.get(sameAs);
    hashes.set(name, hash);
    hashed.push({ ...image, hash, stale: force || present.get(name)?.[INPUTS_LABEL] !== hash });
  }
  // Children first: a parent is built only where a child asks for it. Images keep the layers of a removed parent.
  const wanted = new Set();
  for (const { name, stale, internal, parents = [] } of hashed.toReversed()) {
    if ((!internal && stale) || (wanted.has(name) && stale)) {
      wanted.add(name);
      parents.forEach((parent) => wanted.add(parent));
    }
  }
  const isWanted = ({ name, stale }) => wanted.has(name) && stale;
  return {
    wanted: hashed.filter(isWanted),
    kept: hashed.filter((image) => !isWanted(image)).map(({ name }) => name),
  };
}

async function hashOf({ context, dockerfile, args, parents = [] }, hashes) {
  const own = [await hashFolders(context), dockerfile, args, parents.map((parent) => hashes.get(parent))];
  return createHash('sha256').update(JSON.stringify(own)).digest('hex').slice(0, 32);
}
