import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, RewindError } from '../src/errors';
import { importFile } from './import-file';
import { installDir } from './places';

/** What examples/apex/images/build.mjs exports. */
interface ImageBuilder {
  readonly buildImages: (options: {
    onProgress: (event: { image: string; step: 'start' | 'line' | 'done' | 'kept'; text?: string }) => void;
    signal: AbortSignal;
  }) => Promise<{ readonly built: readonly string[]; readonly kept: readonly string[] }>;
}

/**
 * Brings the images of the example stack up to date.
 *
 * @returns the outcome, for people
 * @throws RewindError setup/images
 */
export async function buildExampleImages(report: (detail: string) => void, signal: AbortSignal): Promise<string> {
  const module = pathToFileURL(path.join(installDir, 'examples', 'apex', 'images', 'build.mjs')).href;
  const { buildImages } = (await importFile(module)) as ImageBuilder;
  try {
    const { built, kept } = await buildImages({
      onProgress: ({ image, step }) => {
        if (step === 'start') report(`building ${image}`);
      },
      signal,
    });
    return `${built.length} built, ${kept.length} up to date`;
  } catch (error) {
    throw new RewindError({
      code: 'setup/images',
      message: messageOf(error),
      fix:
        (error as { fix?: string }).fix ??
        'See the message above; `node examples/apex/images/build.mjs --verbose` shows all.',
      cause: error,
    });
  }
}
