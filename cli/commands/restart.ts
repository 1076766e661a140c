import type { Command } from 'commander';

import { PauseMark } from '../../src/actions/pause-mark';
import { restartServices } from '../../src/actions/restart-services';
import { withStackLock } from '../../src/actions/stack-lock';
import { connect } from '../../src/docker/engine';
import { RewindError } from '../../src/errors';
import { exitCode } from '../exit-codes';
import { reportFailure } from '../failure';
import { onInterrupt } from '../interrupt';
import { printJson } from '../output/json';
import { progressFor } from '../output/progress';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

/** `rewind restart`: restarts services in order. */
export function register(program: Command): void {
  stackCommand(program, 'restart', 'restart services in the order of their dependencies, each when those are ready', [
    'rewind restart              # all of them',
    'rewind restart api worker',
  ])
    .argument('[service...]', 'the services; without any, all')
    .action(async (services: readonly string[], options: StackOptions) => {
      const { context } = await openSession(options);
      const progress = await progressFor(options);
      const { docker } = await connect();
      const started = Date.now();
      const stopped: string[] = [];
      const interrupt = onInterrupt({
        onFirst: () => {
          if (!options.json) process.stderr.write('Starting again what is stopped. Once more to leave it as it is.\n');
        },
        onSecond: () => {
          const fix = 'Run the same command again: it starts what is stopped.';
          if (options.json) printJson({ stack: context.name, state: 'left', fix });
          else process.stderr.write(`Left as it is. ${fix}\n`);
        },
      });
      const work = (): Promise<string[]> =>
        restartServices(docker, context.name, {
          services,
          onStopped: (service) => {
            stopped.push(service);
            progress.say(`  ${service}: stopped`);
          },
          onReady: (service) => {
            progress.say(`✔ ${service}: ready`);
          },
          signal: interrupt.signal,
        }).then(async (restarted) => {
          // What a killed restore has left stopped runs, too.
          if (services.length === 0 && !interrupt.signal.aborted) await new PauseMark(context.releases.folder).end();
          return restarted;
        });
      try {
        const restarted = await withStackLock(context, 'restart', work).catch((error: unknown) => {
          // Nothing else can be under way either where no lock can be written.
          if (error instanceof RewindError && error.code === 'store/unusable') return work();
          throw error;
        });
        if (interrupt.signal.aborted) process.exitCode = exitCode('putBack');
        const seconds = (Date.now() - started) / 1000;
        if (options.json) printJson({ stack: context.name, restarted, seconds });
        else progress.say(`${counted(restarted)} again (${seconds.toFixed(1)} s).`);
      } catch (error) {
        reportFailure(error, stopped.length > 0 ? exitCode('broken') : undefined);
      } finally {
        interrupt.done();
      }
    });
}

function counted({ length }: readonly string[]): string {
  return length === 1 ? '1 service runs' : `${length} services run`;
}
