import type Docker from 'dockerode';

import { openEvents } from '../docker/event-stream';
import { type EngineEvent, eventOf } from './events';

/** What may make a difference. Of checks of health only whether they have changed what is thought of a container. */
const wanted: Readonly<Record<string, readonly string[]>> = {
  container: [...['create', 'start', 'die', 'oom', 'pause', 'unpause', 'destroy', 'rename', 'update', 'health_status']],
  network: ['create', 'connect', 'disconnect', 'destroy', 'remove'],
  volume: ['create', 'destroy'],
  image: ['tag', 'untag', 'delete', 'load', 'pull', 'import'],
};

/** A line longer than this is no event. */
const longestLine = 1024 * 1024;

/**
 * Tells of what an engine does, as it does it, until the engine ends it or the signal comes. Keeps nothing of what has been.
 *
 * @throws what has ended it before its time
 */
export async function followEvents(
  docker: Docker,
  signal: AbortSignal,
  onEvent: (event: EngineEvent) => void,
): Promise<void> {
  const filters = { type: Object.keys(wanted), event: [...new Set(Object.values(wanted).flat())] };
  const stream = await openEvents(docker, filters, signal);
  let rest = '';
  try {
    for await (const chunk of stream.setEncoding('utf8')) {
      const lines = `${rest}${String(chunk)}`.split('\n');
      rest = lines.pop()!.slice(-longestLine);
      for (const line of lines) if (line.trim() !== '') onEvent(eventOf(line));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    stream.destroy();
  }
}
