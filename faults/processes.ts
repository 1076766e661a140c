import { argumentsOf, descendantsOf, nameOf, processesOf, rememberOrphans } from '../test/support/processes';
import { inspectContainer } from '../test/support/docker';
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
  return (rewind) =>
    killed(
      () => descendantsOf(rewind.pid).filter((pid) => argumentsOf(pid).includes(word)),
      () => `rewind runs no ${word}:\n${listOf(rewind)}`,
    );
}

/** kill -9 of a program that is run in a container. */
export function within(container: string, program: string): Moment {
  return async () => {
    const { Id: id } = await inspectContainer(container);
    await killed(
      () => processesOf(id).filter((pid) => nameOf(pid) === program),
      () => `no ${program} runs in ${container}`,
    );
  };
}

/** Kills what is found, as soon as something is. */
async function killed(find: () => number[], whatIsMissing: () => string): Promise<void> {
  for (const end = Date.now() + 10_000; ;) {
    const found = find();
    killAll(found);
    if (found.length > 0) return;
    if (Date.now() > end) throw new Error(whatIsMissing());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
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
