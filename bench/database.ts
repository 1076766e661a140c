import { DatabaseStack } from './database-stack';
import { settled } from './alone';
import { type Outage, sparingly, startProbe } from './probe';
import { timed } from './project';
import type { Measured } from './rows';

/** Sizes of the example's database, and how often each is restored in each way. */
export const databaseSizes: Readonly<Record<string, { readonly rounds: number }>> = {
  '10MB': { rounds: 3 },
  '300MB': { rounds: 3 },
  '3GB': { rounds: 1 },
};

const outageBarSeconds = 3;
/** How much longer the outage of a larger database may be than that of the smallest: not at all, but for noise. */
const growthBar = 1.25;
const memoryBarMegabytes = 200;
const downgradeBarSeconds = 8;

interface Timed {
  readonly total: number;
  readonly outage: Outage;
}

/** What restoring a database of one size took, by each way. */
interface Restores {
  readonly size: string;
  /** Restored from the snapshot's archive. */
  readonly ours: readonly (Timed & { readonly peakMegabytes: number })[];
  /** What its proof has restored, and left. */
  readonly ready: readonly Timed[];
  readonly runbook: readonly Timed[];
  readonly bare: readonly number[];
  /** Peak memory of taking the snapshot, in megabytes. */
  readonly snapshotMegabytes: number;
}

/**
 * The data of a snapshot brought back under the running example, beside the runbook's own way and a bare `pg_restore`;
 * and a rollback that takes migrations back.
 *
 * @param sizes - those of {@link databaseSizes}
 */
export async function database(say: (text: string) => void, sizes: readonly string[]): Promise<Measured[]> {
  const all: Restores[] = [];
  for (const size of sizes) all.push(await DatabaseStack.use((stack) => restores(stack, size, say)));
  const rows = all.flatMap(rowsOf);
  const [smallest, ...larger] = all;
  const growth = larger.map((it): Measured => ({
    name: `rewind snapshot restore, ${it.size}: application away`,
    unit: 's',
    ours: it.ours.map(({ outage }) => outage.seconds),
    peer: smallest!.ours.map(({ outage }) => outage.seconds),
    peerName: `the same with ${smallest!.size}`,
    bar: growthBar,
  }));
  return [...rows, ...growth, ...(await DatabaseStack.use((stack) => downgrade(stack, say)))];
}

async function restores(stack: DatabaseStack, size: string, say: (text: string) => void): Promise<Restores> {
  const { rounds } = databaseSizes[size]!;
  say(`${size}: seeded and dumped in ${(await timed(() => stack.fill(size))).toFixed(1)} s`);
  // Proved at once: in the background that would go on while the first restore is measured.
  const snapshot = await stack.rewind('snapshot', 'create', '--prove', '--json');
  const { id } = JSON.parse(snapshot.stdout) as { id: string };
  const leaveNone = ['snapshot', 'prune', '--databases', '--yes'] as const;
  await stack.rewind(...leaveNone);
  const found = {
    ours: [] as (Timed & { peakMegabytes: number })[],
    ready: [] as Timed[],
    runbook: [] as Timed[],
    bare: [] as number[],
  };
  const ways = {
    ready: async (): Promise<void> => {
      await stack.rewind('snapshot', 'verify', id);
      found.ready.push(await probed(stack, () => stack.rewind('snapshot', 'restore', id, '--yes', '--json')));
      say(`${size}, rewind, what its proof has left: ${textOf(found.ready.at(-1)!)}`);
      await stack.rewind(...leaveNone);
    },
    ours: async (): Promise<void> => {
      let peakMegabytes = 0;
      const result = await probed(stack, async () => {
        ({ peakMegabytes } = await stack.rewind('snapshot', 'restore', id, '--yes', '--json'));
      });
      found.ours.push({ ...result, peakMegabytes });
      say(`${size}, rewind: ${textOf(result)}, ${peakMegabytes.toFixed(0)} MB`);
      await stack.rewind(...leaveNone);
    },
    runbook: async (): Promise<void> => {
      const result = await probed(stack, () => stack.restoreByRunbook());
      found.runbook.push(result);
      say(`${size}, runbook: ${textOf(result)}`);
    },
    bare: async (): Promise<void> => {
      found.bare.push(await timed(() => stack.bareRestore()));
      say(`${size}, pg_restore -j2: ${found.bare.at(-1)!.toFixed(2)} s`);
      await stack.dropBareRestore();
    },
  };
  for (let round = 1; round <= rounds; round++) {
    const order = [ways.ours, ways.ready, ways.runbook, ways.bare];
    for (const way of round % 2 === 1 ? order : order.reverse()) await way();
  }
  return { size, ...found, snapshotMegabytes: snapshot.peakMegabytes };
}

async function probed(stack: DatabaseStack, work: () => Promise<unknown>, perSecond?: number): Promise<Timed> {
  await settled(stack);
  const probe = startProbe(stack.url, perSecond);
  const total = await timed(work);
  return { total, outage: await probe.stop() };
}

function textOf({ total, outage }: Timed): string {
  return `${total.toFixed(2)} s in all, API away ${outage.seconds.toFixed(2)} s (${outage.failed} of ${outage.asked} requests failed)`;
}

function rowsOf({ size, ours, ready, runbook, bare, snapshotMegabytes }: Restores): Measured[] {
  const name = `rewind snapshot restore, ${size}`;
  const away = ours.map(({ outage }) => outage.seconds);
  const total = ours.map((it) => it.total);
  const peerName = 'the runbook: drop, psql < dump, alembic';
  return [
    { name: `${name}: application away`, unit: 's', ours: away, bar: outageBarSeconds },
    {
      name: `${name}: application away`,
      unit: 's',
      ours: away,
      peer: runbook.map(({ outage }) => outage.seconds),
      peerName,
    },
    { name: `${name}: in all`, unit: 's', ours: total, peer: runbook.map((it) => it.total), peerName },
    { name: `${name}: in all`, unit: 's', ours: total, peer: bare, peerName: 'pg_restore -j2' },
    {
      name: `${name}: in all`,
      unit: 's',
      ours: total,
      peer: bare.map((seconds) => 1.2 * seconds + 5),
      peerName: '1.2 × pg_restore -j2 + 5 s',
      bar: 1,
    },
    { name: `${name}, of what its proof has left: in all`, unit: 's', ours: ready.map((it) => it.total) },
    {
      name: `${name}, of what its proof has left: application away`,
      unit: 's',
      ours: ready.map(({ outage }) => outage.seconds),
      bar: outageBarSeconds,
    },
    {
      name: `${name}: peak memory`,
      unit: 'MB',
      ours: [Math.max(...ours.map(({ peakMegabytes }) => peakMegabytes))],
      bar: memoryBarMegabytes,
    },
    {
      name: `rewind snapshot create, ${size}: peak memory`,
      unit: 'MB',
      ours: [snapshotMegabytes],
      bar: memoryBarMegabytes,
    },
  ];
}

/** v0.2.0 of the example rolled back to v0.1.0, its two migrations with it. */
async function downgrade(stack: DatabaseStack, say: (text: string) => void): Promise<Measured[]> {
  const { stdout: help } = await stack.rewind('revert', '--help');
  if (!help.includes('--database')) {
    say('the downgrade rollback is left out: rewind revert leaves the schema as it is');
    return [];
  }
  await stack.fill('small');
  // What undoing the example's migrations takes away.
  const accepted = ['--accept-loss', 'public.jobs.formula,public.jobs.result'];
  const results: Timed[] = [];
  for (let round = 0; round < 3; round++) {
    await stack.deploy('v0.2.0');
    results.push(
      await probed(stack, () => stack.rewind('revert', '--yes', '--database=downgrade', ...accepted), sparingly),
    );
    say(`downgrade rollback: ${textOf(results.at(-1)!)}`);
    const revision = await stack.revision();
    if (revision !== '0001') throw new Error(`the database is at ${revision} after the downgrade`);
  }
  const name = 'rewind revert --database=downgrade';
  return [
    { name: `${name}: in all`, unit: 's', ours: results.map(({ total }) => total), bar: downgradeBarSeconds },
    { name: `${name}: API away`, unit: 's', ours: results.map(({ outage }) => outage.seconds) },
  ];
}
