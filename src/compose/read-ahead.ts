import { type ComposeProject, type ComposeSource, loadComposeProject } from './load';

/** What was read so long ago is read anew, in milliseconds: the engine that it was begun for has come to nothing. */
const freshMs = 10_000;

/** Begun, and not asked for yet. */
const begun = new Map<string, { readonly at: number; readonly reading: Promise<ComposeProject> }>();

/** Begins to read a compose project that is about to be asked for, while something else is waited for. */
export function readAhead(source: ComposeSource): void {
  const reading = loadComposeProject(source);
  reading.catch(() => undefined); // told to whoever asks for it
  begun.set(JSON.stringify(source), { at: Date.now(), reading });
}

/**
 * Reads a compose project as {@link loadComposeProject}; one whose reading was begun ahead is that, once.
 *
 * @throws RewindError as loadComposeProject
 */
export function readProject(source: ComposeSource): Promise<ComposeProject> {
  const key = JSON.stringify(source);
  const ahead = begun.get(key);
  begun.delete(key);
  return ahead && Date.now() - ahead.at < freshMs ? ahead.reading : loadComposeProject(source);
}
