import { exampleTool } from './example-tools';

/** A version of Postgres to test with. */
export interface PostgresImage {
  readonly version: string;
  /** Makes the image. @returns its name; undefined if it cannot be had here */
  readonly made: () => Promise<string | undefined>;
}

/** The oldest version that Rewind works with, the example's, and the newest that a released Debian has. */
export const postgresImages: readonly PostgresImage[] = [
  { version: '13', made: () => madeOf('bullseye', '13') },
  { version: '15', made: () => madeOf('bookworm', '15') },
  { version: '17', made: () => madeOf('trixie', '17') },
];

/** What apt says where a release of Debian is no more. */
const goneFromMirror = /E: .*(does not have a Release file|Failed to fetch)/;

/** Makes the example's image of the database on another Debian. An old one may be gone from where packages are. */
async function madeOf(release: string, version: string): Promise<string | undefined> {
  const [{ debianBase }, { buildImages }, { postgres }] = await Promise.all([
    exampleTool('images/base.mjs'),
    exampleTool('images/build.mjs'),
    exampleTool('images/catalogue.mjs'),
  ]);
  const base = debianBase(release);
  const image = postgres(version, base);
  try {
    await buildImages({ images: [base, image] });
    return image.name;
  } catch (error) {
    const { code = '', message } = error as Error & { code?: string };
    if (code.startsWith('EXAMPLE_BASE_') || goneFromMirror.test(message)) return undefined;
    throw error;
  }
}
