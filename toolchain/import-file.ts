const place = Symbol.for('rewind.import');

type Import = (url: string) => Promise<unknown>;

interface Lender {
  [place]?: Import;
}

/** Lends import() to code that Node.js does not load itself, and that has none of its own: see cli/launch.ts. */
export function lendImport(): void {
  (globalThis as Lender)[place] = (url) => import(url);
}

/** Imports a file that is no part of the bundle. */
export async function importFile(url: string): Promise<unknown> {
  const lent = (globalThis as Lender)[place];
  return lent ? lent(url) : import(url);
}
