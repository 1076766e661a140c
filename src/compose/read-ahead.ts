import { type ComposeProject, type ComposeSource, loadComposeProject } from './load';

/** Begun, and not asked for yet. */
const begun = new Map<string, Promise<ComposeProject>>();

/** Begins to read a compose project that is about to be asked for, while something else is waited for. */
export function readAhead(source: ComposeSource): void {
  const reading = loadComposeProject(source);
  reading.catch(() => undefined); // told to whoever asks for it
  begun.set(JSON.stringify(source), reading);
}

/**
 * Reads a compose project as {@link loadComposeProject}; one whose reading was begun ahead is that, once.
 *
 * @throws RewindError as loadComposeProject
 */
export function readProject(source: ComposeSource): Promise<ComposeProject> {
  const key = JSON.stringify(source);
  const reading = begun.get(key) ?? loadComposeProject(source);
  begun.delete(key);
  return reading;
}
