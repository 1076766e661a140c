import type { Command } from 'commander';
import type Docker from 'dockerode';

import { chooseRestart } from '../../src/actions/choose-restart';
import { PauseMark } from '../../src/actions/pause-mark';
import { recordRestart, type RestartDone } from '../../src/actions/record-restart';
import { restartServices } from '../../src/actions/restart-services';
import type { StackContext } from '../../src/actions/stack-context';
import { withStackLock } from '../../src/actions/stack-lock';
import { type SeenStack, seeStack } from '../../src/assess/see-stack';
import { Cache } from '../../src/cache/cache';
import { mask } from '../../src/container/project-secrets';
import { connect } from '../../src/docker/engine';
import { messageOf, RewindError } from '../../src/errors';
import { StackConfig } from '../../src/releases/stack-config';
import { readSettings, type StackSettings } from '../../src/settings';
import { readLiveServices } from '../../src/verify/live-service';
import { secretsIn } from '../../src/verify/secrets';
import { confirmed, mustBeAsked } from '../confirm';
import { exitCode } from '../exit-codes';
import { reportFailure } from '../failure';
import { onInterrupt } from '../interrupt';
import { printJson } from '../output/json';
import { progressFor } from '../output/progress';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

interface RestartCliOptions extends StackOptions {
  readonly all?: boolean;
  readonly unhealthy?: boolean;
  readonly flushCache?: boolean;
  readonly yes?: boolean;
}

/** `rewind restart`: restarts services in order. */
export function register(program: Command): void {
  stackCommand(program, 'restart', 'restart services in the order of their dependencies, each when those are ready', [
    'rewind restart               # those of the application, and whatever does not run',
    'rewind restart api worker',
    'rewind restart --unhealthy',
    'rewind restart --flush-cache # empties the cache while the application is stopped; asks first',
  ])
    .argument('[service...]', 'the services; without any, those of the application: databases and the like stay up')
    .option('--all', 'every service')
    .option('--unhealthy', 'only what is unhealthy, restarts over and over or does not run')
    .option('--flush-cache', 'empty the cache (rewind:cache) while they are stopped')
    .option('-y, --yes', 'empty it without asking')
    .action(async (named: readonly string[], options: RestartCliOptions) => {
      const { context } = await openSession(options);
      const { docker } = await connect();
      const { config } = await StackConfig.read(context.configFile);
      const { settings, problems } = readSettings({
        cache: config['rewind:cache'],
        infrastructure: config['rewind:infrastructure'],
      });
      RewindError.throwIfAny(problems);
      const cache = options.flushCache ? cacheOf(docker, context.name, settings) : undefined;
      if (cache && !(await mayFlush(cache, options))) return;
      const isChosen = named.length === 0;
      const services = isChosen ? await chosen(docker, context, settings, options) : named;
      if (services.length === 0) {
        const nothing = options.unhealthy ? 'Nothing is unhealthy.' : 'There is nothing to restart.';
        if (options.json) printJson({ stack: context.name, restarted: [], seconds: 0 });
        else process.stdout.write(`${nothing}\n`);
        return;
      }
      const progress = await progressFor(options);
      const startedAt = new Date();
      const stopped: string[] = [];
      let isEmptied = false;
      let seen: SeenStack | undefined;
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
      const work = async (): Promise<string[]> => {
        // What a service has logged before it was stopped is what a restart is asked about later.
        seen = await seeStack(docker, context.name).catch(() => undefined);
        return restartServices(docker, context.name, {
          services,
          ...(cache && {
            whileStopped: async () => {
              await cache.flush();
              isEmptied = true;
              progress.say(`  ${cache.service}: emptied`);
            },
          }),
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
          if (isChosen && !options.unhealthy && !interrupt.signal.aborted)
            await new PauseMark(context.releases.folder).end();
          return restarted;
        });
      };
      const written = async (
        result: RestartDone['result'],
        failure?: string,
      ): Promise<{ readonly operation?: number; readonly unrecorded?: string }> => {
        if (stopped.length === 0) return {};
        try {
          const { number } = await recordRestart(context, {
            startedAt,
            services,
            result,
            ...(isEmptied && cache && { emptied: cache.service }),
            ...(failure !== undefined && { failure }),
            ...(seen && { seen }),
          });
          return { operation: number };
        } catch (error) {
          const unrecorded = messageOf(error);
          if (!options.json) process.stderr.write(`This could not be written down: ${unrecorded}\n`);
          return { unrecorded };
        }
      };
      try {
        const restarted = await withStackLock(context, 'restart', work).catch((error: unknown) => {
          // Nothing else can be under way either where no lock can be written.
          if (error instanceof RewindError && error.code === 'store/unusable') return work();
          throw error;
        });
        if (interrupt.signal.aborted) process.exitCode = exitCode('putBack');
        const seconds = (Date.now() - startedAt.getTime()) / 1000;
        const operation = await (interrupt.signal.aborted ? written('put-back', 'Interrupted.') : written('done'));
        if (options.json) printJson({ stack: context.name, restarted, seconds, ...operation });
        else progress.say(`${counted(restarted)} again (${seconds.toFixed(1)} s).`);
      } catch (error) {
        await written('broken', await withoutSecrets(docker, context.name, error));
        reportFailure(error, stopped.length > 0 ? exitCode('broken') : undefined);
      } finally {
        interrupt.done();
      }
    });
}

/** Why it failed, as it may be written down: with what a service has logged, there may be a secret in it. */
async function withoutSecrets(docker: Docker, stack: string, error: unknown): Promise<string> {
  const text = error instanceof RewindError ? error.render() : messageOf(error);
  const services = await readLiveServices(docker, stack).catch(() => undefined);
  if (!services) return text.split('\n')[0]!;
  return mask(text, secretsIn([...services.values()].flatMap(({ containers }) => containers)));
}

function counted({ length }: readonly string[]): string {
  return length === 1 ? '1 service runs' : `${length} services run`;
}

async function chosen(
  docker: Docker,
  { name, releases }: StackContext,
  { infrastructure }: StackSettings,
  { all = false, unhealthy = false }: RestartCliOptions,
): Promise<string[]> {
  const records = (await releases.list()).flatMap((it) => ('record' in it ? [it.record] : []));
  return chooseRestart(docker, name, records, { all, unhealthy, ...(infrastructure && { infrastructure }) });
}

function cacheOf(docker: Docker, stack: string, { cache }: StackSettings): Cache {
  if (cache) return new Cache(docker, stack, cache);
  throw new RewindError({
    code: 'cli/usage',
    message: 'There is no service that may be emptied.',
    fix: 'Name it: pulumi config set --path rewind:cache.service <service>.',
  });
}

async function mayFlush(cache: Cache, { yes = false, json }: RestartCliOptions): Promise<boolean> {
  if (yes) return true;
  mustBeAsked('rewind restart', json);
  process.stdout.write(`${cache.service} holds:\n${await cache.content()}\n\n`);
  if (await confirmed(`Drop all of it (${cache.command})?`, 'rewind restart', json)) return true;
  process.stdout.write('Nothing has changed.\n');
  return false;
}
