import { engine } from './docker';

/** Resolves with the first event of a kind that happens to a container after this was called: `create`, `kill`, … */
export async function nextEvent(container: string, action: string): Promise<void> {
  const docker = await engine();
  const stream = await docker.getEvents({ filters: { type: ['container'], container: [container], event: [action] } });
  await new Promise<void>((resolve, reject) => {
    stream.once('data', () => resolve()).once('error', reject);
  });
  (stream as unknown as { destroy: () => void }).destroy();
}

/** The same in an update that replaces the container: a health check counts only once the new one has been started. */
export async function momentOf(container: string, action: string): Promise<void> {
  if (action.startsWith('exec')) await nextEvent(container, 'start');
  await nextEvent(container, action);
}
