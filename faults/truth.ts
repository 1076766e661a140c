import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { engine, eventually, execIn, inspectNetworks } from '../test/support/docker';
import { untilProved } from '../test/support/until-proved';
import type { Ending } from './fault';
import { type Rig, services } from './rig';

/** A release record, as far as it is held against what runs. */
interface Release {
  readonly number: number;
  readonly revertOf?: number;
  readonly services: Readonly<Record<string, { readonly imageId: string }>>;
  readonly database?: { readonly revisions: readonly string[] };
  readonly config: { readonly 'rewind:env'?: { readonly app?: { readonly LOG_LEVEL?: string } } };
}

/** What runs, as the engine and the database tell. */
export interface Seen {
  readonly containers: Readonly<Record<string, string>>;
  readonly release: number;
  readonly operations: number;
}

/** What is there before a fault. */
export async function look(rig: Rig): Promise<Seen> {
  const [containers, { number }, operations] = await Promise.all([
    rig.containers(),
    newestRelease(rig),
    operationNumbers(rig),
  ]);
  return {
    containers: Object.fromEntries(Object.entries(containers).map(([name, { Id }]) => [name, Id])),
    release: number,
    operations: operations.length,
  };
}

/** How a command has ended, by what it says itself. */
export function endingOf(how: number | NodeJS.Signals): Ending | undefined {
  const endings: Readonly<Record<string, Ending>> = {
    0: 'done',
    1: 'refused',
    3: 'put back',
    4: 'broken',
    5: 'locked',
    SIGKILL: 'killed',
  };
  return endings[how];
}

/** What of an ending is not so: the last lines, the operation's record, and what runs. */
export async function lies(rig: Rig, before: Seen, ending: Ending, said: string): Promise<string[]> {
  const now = await look(rig);
  const last = await latestOperation(rig);
  const found: string[] = [];
  const must = (holds: boolean, what: string): void => {
    if (!holds) found.push(what);
  };
  const recorded = (result: string): void =>
    must(
      (now.operations > before.operations && last.result === result) || said.includes('This could not be written down'),
      `no operation is recorded as ${result}`,
    );
  switch (ending) {
    case 'done': {
      const number = /^r(\d+) runs/m.exec(tail(said))?.[1];
      must(
        number === String(now.release) && now.release > before.release,
        `the last line does not name r${now.release}`,
      );
      recorded('done');
      break;
    }
    case 'refused':
      must(
        /Nothing has changed\.|→ [^\n]* \[[a-z]+\/[a-z-]+\]/.test(tail(said)),
        'the last lines do not say that it was refused',
      );
      must(now.release === before.release, `there is a release r${now.release}`);
      for (const [name, id] of Object.entries(before.containers)) {
        must(now.containers[name] === id, `${name} was replaced, although nothing is said to have changed`);
      }
      break;
    case 'put back':
      must(
        /r\d+, which ran before, runs again/.test(tail(said)),
        'the last lines do not say that what ran before runs',
      );
      recorded('put-back');
      break;
    case 'broken':
      must(
        said.includes('could not be put back') && /rewind (revert|restart)/.test(tail(said)),
        'the last lines do not say what is to be typed',
      );
      break;
    case 'locked':
      must(said.includes('[release/locked]'), 'it does not say that the stack is locked');
      break;
    case 'killed':
      break;
  }
  return found;
}

/**
 * What is not as it has to be where the stack has come to rest.
 *
 * @param isAtR1 - whether it is to be the release that was asked for; else the one that ran before
 */
export async function flaws(rig: Rig, isAtR1: boolean): Promise<string[]> {
  const found: string[] = [];
  const must = (holds: boolean, what: string): void => {
    if (!holds) found.push(what);
  };
  const [release, containers] = await Promise.all([newestRelease(rig), rig.containers()]);
  must(Object.keys(containers).sort().join() === services.join(), `there are ${Object.keys(containers).join(', ')}`);
  for (const service of services) {
    const container = containers[service];
    must(container?.State.Running === true, `${service} does not run`);
    must(
      container?.Image === release.services[service]?.imageId,
      `${service} does not run the image of r${release.number}`,
    );
  }
  const version = isAtR1 ? 'v1' : 'v2';
  const { Id: image } = await (await engine()).getImage(rig.image(version)).inspect();
  must(containers['app']?.Image === image, `app does not run ${version}`);
  const level = `LOG_LEVEL=${release.config['rewind:env']?.app?.LOG_LEVEL ?? 'info'}`;
  must(containers['app']?.Config.Env.includes(level) === true, `app does not have ${level}, as r${release.number}`);
  const revision = await rig.revision();
  must(release.database?.revisions.join() === revision, `the schema is at ${revision}, not as r${release.number}`);
  const rows = await rig.rowsAreIn();
  must(rows !== undefined, 'rows are lost');
  must(isAtR1 || rows === 'the database', `r2 runs, but its rows are in ${rows ?? 'no place'}`);
  return [...found, ...(await leftovers(rig)), ...(await planned(rig))];
}

/** What is left of a command that did not get to its end. */
async function leftovers(rig: Rig): Promise<string[]> {
  const names = await readdir(rig.store);
  const files = names.filter((name) => /^(lock|operation\.json|next\.yaml|paused\.json)|\.new$/.test(name));
  const drafts = (await readdir(join(rig.store, 'snapshots'))).filter((name) => name.startsWith('.'));
  // Snapshots are proved in the background, one after the other.
  await untilProved(`${rig.project}/dev`);
  const [databases, sessions] = await settled(async () => {
    const sql = `SELECT datname, state, left(query, 60) FROM pg_stat_activity WHERE application_name = 'rewind'`;
    return [
      (await rig.database.databases('shadow|prepared|proof')).join(),
      await rig.database.sql(sql, 'postgres'),
    ] as const;
  });
  const staged = await execIn(rig.container('db'), 'sh', '-c', 'ls $PGDATA/base/pgsql_tmp 2>/dev/null | grep rewind');
  const ours = await (
    await engine()
  ).listContainers({ all: true, filters: { label: [`dev.rewind.stack=${rig.project}/dev`] } });
  const oneOffs = await (
    await engine()
  ).listContainers({ all: true, filters: { label: [`dev.rewind.one-off-stack=${rig.project}/dev`] } });
  const networks = Object.keys(await inspectNetworks(rig.project));
  const state = await stateOf(rig);
  const locks = await readdir(join(rig.stack.directory, '.rewind', 'state', '.pulumi', 'locks'), { recursive: true })
    .then((all) => all.filter((name) => name.endsWith('.json')))
    .catch(() => []);
  const damaged = (await operationsOf(rig)).flatMap(({ damage }) => damage ?? []);
  return [
    ...files.map((name) => `${name} is left in the store`),
    ...drafts.map((name) => `half a snapshot is left: ${name}`),
    ...(databases === '' ? [] : [`databases are left: ${databases}`]),
    ...(sessions === '' ? [] : [`sessions are left: ${sessions}`]),
    ...(staged === '' ? [] : [`files are left in the container of the database: ${staged}`]),
    ...(ours.length === services.length ? [] : [`there are ${ours.length} containers of the stack`]),
    ...oneOffs.map(({ Names: [name], State: state }) => `a container that was to run once is left: ${name}, ${state}`),
    ...(networks.length === 1 ? [] : [`there are the networks ${networks.join(', ')}`]),
    ...(state.includes('"pending_operations"') ? ['pulumi has pending operations'] : []),
    ...locks.map((name) => `the lock of pulumi is left: ${name}`),
    ...damaged,
  ];
}

/** What pulumi has written down of the stack, as it lies in the folder of the backend. */
function stateOf(rig: Rig): Promise<string> {
  const folder = join(rig.stack.directory, '.rewind', 'state', '.pulumi', 'stacks');
  return readFile(join(folder, rig.project, 'dev.json'), 'utf8');
}

async function planned(rig: Rig): Promise<string[]> {
  const steps = Object.entries(await rig.stack.plannedSteps());
  return steps.map(([name, op]) => `pulumi preview: ${op} ${name}`);
}

/** The newest texts, once they are all empty; or after ten seconds. */
async function settled<T extends readonly string[]>(ask: () => Promise<T>): Promise<T> {
  let texts = await ask();
  const areEmpty = async (): Promise<boolean> => (texts = await ask()).every((text) => text === '');
  await eventually(areEmpty, 'nothing').catch(() => undefined);
  return texts;
}

async function newestRelease(rig: Rig): Promise<Release> {
  const folder = join(rig.store, 'releases');
  const numbers = (await readdir(folder)).flatMap((name) => Number(/^r(\d+)\.json$/.exec(name)?.[1] ?? []));
  return JSON.parse(await readFile(join(folder, `r${Math.max(...numbers)}.json`), 'utf8')) as Release;
}

async function operationNumbers(rig: Rig): Promise<number[]> {
  const names = await readdir(join(rig.store, 'operations'));
  return names.flatMap((name) => Number(/^o(\d+)\.json$/.exec(name)?.[1] ?? [])).sort((a, b) => a - b);
}

async function latestOperation(rig: Rig): Promise<Operation> {
  const number = (await operationNumbers(rig)).at(-1) ?? 0;
  return JSON.parse(await readFile(join(rig.store, 'operations', `o${number}.json`), 'utf8')) as Operation;
}

interface Operation {
  readonly number: number;
  readonly result?: string;
  readonly damage?: string;
}

function operationsOf(rig: Rig): Promise<Operation[]> {
  return rig.stack.rewindJson<Operation[]>(['report', '--list']);
}

function tail(said: string): string {
  return said.trimEnd().split('\n').slice(-12).join('\n');
}
