import type { Command } from 'commander';

import { restartServices } from '../../src/actions/restart-services';
import { connect } from '../../src/docker/engine';
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
      const restarted = await restartServices(docker, context.name, services, {
        onStopped: (service) => {
          progress.say(`  ${service}: stopped`);
        },
        onReady: (service) => {
          progress.say(`✔ ${service}: ready`);
        },
      });
      const seconds = (Date.now() - started) / 1000;
      if (options.json) printJson({ stack: context.name, restarted, seconds });
      else progress.say(`${restarted.length} services run again (${seconds.toFixed(1)} s).`);
    });
}
