import { alone, settled, together } from '../alone';
import { type Outage, sparingly, startProbe } from '../probe';
import { timed } from '../project';
import type { Measured } from '../rows';
import { RewindStack } from './rewind-stack';
import { RunbookStack } from './runbook-stack';

const size = '300MB';
const rounds = 3;
const bars = { quickSeconds: 5, fullSeconds: 20, outageSeconds: 4, totalRatio: 0.3, outageRatio: 0.1 } as const;
const peerName = 'the runbook’s commands, without its pauses';
const seededJob = '/api/v1/jobs/00000001-5eed-4000-8000-000000000000';

interface Timed {
  readonly total: number;
  readonly outage: Outage;
}

/** Another configuration: a file that the calculation service mounts. */
const otherFactors = (round: number) => (text: string) =>
  text.replace(/"gust_factor": [\d.]+/, `"gust_factor": 0.9${round}`);

/**
 * The whole rollback of v0.2.0 to v0.1.0 on 300 MB of data, beside the runbook's own commands on a stack of its own:
 * everything (data, images, configuration, verified), and the images only.
 */
export async function operation(say: (text: string) => void): Promise<Measured[]> {
  return RewindStack.use('operation', 18_460, (rewind) =>
    RunbookStack.use(async (runbook) => {
      await Promise.all([rewind.seed(size), runbook.seed(size)]);
      await runbook.backUp();
      const stacks = { ours: rewind, peer: runbook };
      const full = await takeTurns('full', stacks, say, {
        ours: (round) => fullByRewind(rewind, round, say),
        peer: async (round) => {
          await runbook.deploy('v0.2.0', otherFactors(round));
          return probed(runbook, runbook.url, () => runbook.fullRollback());
        },
      });
      const quick = await takeTurns('quick', stacks, say, {
        ours: async () => {
          await rewind.bring('v0.2.0');
          return probed(rewind, rewind.url(seededJob), async () => {
            verified(await rewind.operate('revert', '--quick', '--only', 'images', '--yes'));
          });
        },
        peer: async () => {
          await runbook.deploy('v0.2.0');
          return probed(runbook, runbook.url, () => runbook.quickRollback());
        },
      });
      return [
        ...rowsOf('full rollback', full, bars.fullSeconds, bars.outageSeconds),
        ...rowsOf('quick rollback (images)', quick, bars.quickSeconds),
      ];
    }),
  );
}

async function fullByRewind(rewind: RewindStack, round: number, say: (text: string) => void): Promise<Timed> {
  await rewind.editFile('config/signcalc/factors.json', otherFactors(round));
  await rewind.bring('v0.2.0');
  const revert = ['revert', '--yes', '--database=restore', '--verify', 'functional'];
  const accepting = await rewind.accepting(...revert);
  let phases = '';
  const result = await probed(rewind, rewind.url(seededJob), async () => {
    const operated = verified(await rewind.operate(...revert, ...accepting));
    phases = String(operated.operation);
  });
  say(`phases: ${await phasesOf(rewind, Number(phases))}`);
  await rewind.rewind(['snapshot', 'prune', '--databases', '--yes']);
  return result;
}

async function phasesOf(rewind: RewindStack, operation: number): Promise<string> {
  const { phases } = await rewind.record(operation);
  return phases.map(({ name, seconds }) => `${name} ${seconds.toFixed(2)} s`).join(', ');
}

function verified<T extends { readonly state: string; readonly verification?: { readonly ok: boolean } }>(it: T): T {
  if (it.state === 'done' && it.verification?.ok) return it;
  throw new Error(`this is no verified rollback: ${JSON.stringify(it)}`);
}

async function takeTurns(
  what: string,
  stacks: Readonly<Record<'ours' | 'peer', { readonly label: string }>>,
  say: (text: string) => void,
  sides: Readonly<Record<'ours' | 'peer', (round: number) => Promise<Timed>>>,
): Promise<Record<'ours' | 'peer', Timed[]>> {
  const results: Record<'ours' | 'peer', Timed[]> = { ours: [], peer: [] };
  for (let round = 1; round <= rounds; round++) {
    const order = ['ours', 'peer'] as const;
    for (const side of round % 2 === 1 ? order : order.toReversed()) {
      await alone(stacks[side], Object.values(stacks));
      const result = await sides[side](round);
      results[side].push(result);
      const { total, outage } = result;
      say(
        `${what}, round ${round}, ${side === 'ours' ? 'rewind' : 'runbook'}: ${total.toFixed(2)} s in all, API away ${outage.seconds.toFixed(2)} s`,
      );
    }
  }
  await together(Object.values(stacks));
  return results;
}

async function probed(stack: { readonly label: string }, url: string, work: () => Promise<unknown>): Promise<Timed> {
  await settled(stack);
  const probe = startProbe(url, sparingly);
  const total = await timed(work);
  return { total, outage: await probe.stop() };
}

/** Each figure against its own bar, and beside the runbook. */
function rowsOf(
  name: string,
  { ours, peer }: Readonly<Record<'ours' | 'peer', readonly Timed[]>>,
  totalBar: number,
  outageBar?: number,
): Measured[] {
  const all = { ours: ours.map(({ total }) => total), peer: peer.map(({ total }) => total) };
  const away = { ours: ours.map(({ outage }) => outage.seconds), peer: peer.map(({ outage }) => outage.seconds) };
  return [
    { name: `${name}: until verified`, unit: 's', ours: all.ours, bar: totalBar },
    { name: `${name}: until verified`, unit: 's', ...all, peerName, bar: bars.totalRatio },
    { name: `${name}: API away`, unit: 's', ours: away.ours, ...(outageBar !== undefined && { bar: outageBar }) },
    { name: `${name}: API away`, unit: 's', ...away, peerName, bar: bars.outageRatio },
  ];
}
