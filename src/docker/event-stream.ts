import type Docker from 'dockerode';

type EventStream = NodeJS.ReadableStream & { readonly destroy: () => void };

/**
 * Opens what an engine tells of what it does, a document of JSON a line: https://docs.docker.com/reference/api/engine/
 *
 * @param filters - kinds, events, containers
 * @param signal - ends it
 */
export async function openEvents(
  docker: Docker,
  filters: Readonly<Record<string, readonly string[]>>,
  signal: AbortSignal,
): Promise<EventStream> {
  const opened = await docker.getEvents({ filters: JSON.stringify(filters) } as Docker.GetEventsOptions);
  const stream = opened as EventStream;
  const stop = (): void => {
    stream.destroy();
  };
  signal.addEventListener('abort', stop, { once: true });
  stream.once('close', () => {
    signal.removeEventListener('abort', stop);
  });
  if (signal.aborted) stop();
  return stream;
}
