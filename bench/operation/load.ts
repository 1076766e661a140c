import { lostRows, type UnderLoad, underLoad } from '../../test/support/under-load';
import { timed } from '../project';
import type { Measured } from '../rows';
import { type Operated, RewindStack } from './rewind-stack';

const rate = 200;

/** Ways back from v0.2.0 to v0.1.0. The last one leaves the schema as it is, which no other may follow. */
const ways: readonly { readonly name: string; readonly args: readonly string[]; readonly loses: boolean }[] = [
  { name: '--database=downgrade', args: ['revert', '--yes', '--database=downgrade'], loses: true },
  { name: '--database=restore', args: ['revert', '--yes', '--database=restore'], loses: true },
  { name: '--only images', args: ['revert', '--yes', '--only', 'images'], loses: false },
];

/**
 * 200 requests a second through the example while it is brought back, half of them writing: which of the rows that the
 * API has acknowledged are neither in the database, nor where the loss statement says that they are.
 */
export async function load(say: (text: string) => void): Promise<Measured[]> {
  return RewindStack.use('load', 18_470, async (stack) => {
    await stack.seed('small');
    const rows: Measured[] = [];
    for (const { name, args, loses } of ways) {
      await stack.bring('v0.2.0');
      const accepting = loses ? await stack.accepting(...args) : [];
      let seconds = 0;
      const seen = await underLoad({ url: stack.url('/version'), rate }, async () => {
        let operated: Operated | undefined;
        seconds = await timed(async () => (operated = await stack.operate(...args, ...accepting)));
        return operated!;
      });
      if (seen.result.state !== 'done') throw new Error(`${name}: ${JSON.stringify(seen.result)}`);
      const { data, loss = [] } = await stack.record(seen.result.operation);
      const kept = data?.keptAs;
      const notLive = await lostRows(stack.project, seen.rows);
      // What a restore puts aside is named before, and stays in the database that is kept.
      const isNamed = kept !== undefined && loss.length > 0;
      const lost = isNamed ? await lostRows(stack.project, notLive, [kept]) : notLive;
      say(
        `${name}: ${seconds.toFixed(1)} s; ${textOf(seen)}; ${notLive.length} not in the database, ${lost.length} lost`,
      );
      const what = `${rate} requests/s during rewind revert ${name}`;
      rows.push(
        { name: `${what}: acknowledged rows that are lost`, unit: 'rows', ours: [lost.length], bar: 0 },
        { name: `${what}: acknowledged rows`, unit: 'rows', ours: [seen.rows.length] },
        { name: `${what}: requests sent`, unit: '/s', ours: [seen.sentPerSecond] },
        { name: `${what}: API away`, unit: 's', ours: [seen.downtimeMs / 1000] },
      );
    }
    return rows;
  });
}

function textOf({ rows, sentPerSecond, requests, failed, downtimeMs, p99Ms }: UnderLoad<unknown>): string {
  return `${sentPerSecond.toFixed(0)} requests/s, ${failed} of ${requests} failed, p99 ${p99Ms.toFixed(0)} ms, API away ${(downtimeMs / 1000).toFixed(2)} s, ${rows.length} rows acknowledged`;
}
