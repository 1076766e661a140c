import { argumentsOf, descendantsOf, nameOf, rememberOrphans } from '../test/support/processes';
import type { Moment, RunningRewind } from '../test/support/running-rewind';

/** kill -9 of rewind, and of nothing else. */
export const rewindAlone: Moment = (rewind) => rewind.killAlone();

/** kill -9 of rewind and everything that it has started, at once: as a machine that goes down does. */
export const everything: Moment = async (rewind) => {
  const all = descendantsOf(rewind.pid);
  rewind.signal('SIGKILL');
  killAll(all);
  await rewind.end();
};

/** kill -9 of the engine. */
export const engine: Moment = (rewind) => {
  rewind.killEngine();
  return Promise.resolve();
};

/** kill -9 of processes that rewind has started, by what is in their command line. */
export function started(word: string): Moment {
  return async (rewind) => {
    for (const end = Date.now() + 10_000; ;) {
      const found = descendantsOf(rewind.pid).filter((pid) => argumentsOf(pid).includes(word));
      killAll(found);
      if (found.length > 0) return;
      if (Date.now() > end) throw new Error(`rewind runs no ${word}:\n${listOf(rewind)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
}

function killAll(pids: readonly number[]): void {
  rememberOrphans(pids);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended meanwhile
    }
  }
}

function listOf({ pid }: RunningRewind): string {
  return descendantsOf(pid)
    .map((it) => `${it} ${nameOf(it)} ${argumentsOf(it)}`)
    .join('\n');
}
