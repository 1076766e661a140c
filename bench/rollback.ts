import { alone, settled, together } from './alone';
import { type Outage, sparingly, startProbe } from './probe';
import { composeStacks, type ExampleStack, rewindStacks } from './example-stacks';
import { timed } from './project';
import type { Measured } from './rows';
import { swarmStack } from './swarm-stack';

interface Rollback {
  readonly total: number;
  readonly outage: Outage;
}

/** Brings several stacks to v0.2.0 and back, in turns, each alone on the machine; measures the way back. */
async function takeTurns(
  stacks: Readonly<Record<string, ExampleStack>>,
  rounds: number,
  say: (text: string) => void,
): Promise<Record<string, Rollback[]>> {
  const results: Record<string, Rollback[]> = Object.fromEntries(Object.keys(stacks).map((side) => [side, []]));
  for (let round = 1; round <= rounds; round++) {
    const sides = Object.entries(stacks);
    for (const [side, stack] of round % 2 === 1 ? sides : sides.reverse()) {
      await alone(stack, Object.values(stacks));
      await stack.forward();
      await settled(stack);
      const probe = startProbe(`http://127.0.0.1:${stack.apiPort}/version`, sparingly);
      const total = await timed(stack.back);
      const outage = await probe.stop();
      results[side]!.push({ total, outage });
      say(
        `round ${round}, ${side}: ${total.toFixed(2)} s in all, API away ${outage.seconds.toFixed(2)} s (${outage.failed} of ${outage.asked} requests failed)`,
      );
    }
  }
  return results;
}

/**
 * The example stack, 4 of its 8 services from v0.2.0 back to v0.1.0: `pulumi up` against `docker compose up -d --wait`
 * with the same images, alternating, each stack up all the time.
 */
export async function rollback(say: (text: string) => void): Promise<Measured[]> {
  const { pulumi } = await rewindStacks(18_400);
  const { compose } = await composeStacks(18_410);
  try {
    const results = await takeTurns({ ours: pulumi, peer: compose }, 5, say);
    const peerName = 'docker compose up -d --wait';
    const of = (pick: (result: Rollback) => number): Pick<Measured, 'ours' | 'peer' | 'peerName'> => ({
      ours: results['ours']!.map(pick),
      peer: results['peer']!.map(pick),
      peerName,
    });
    const name = 'rollback of 4 of 8 services';
    return [
      { name: `${name}: until every service is ready`, unit: 's', bar: 0.3, ...of((r) => r.total) },
      { name: `${name}: API away`, unit: 's', bar: 0.75, ...of((r) => r.outage.seconds) },
      { name: `${name}: failed API requests`, unit: 'requests', ...of((r) => r.outage.failed) },
    ];
  } finally {
    await together([pulumi, compose]);
    await Promise.all([pulumi.remove(), compose.remove()]);
  }
}

/** Bars of `rewind revert`: its time as a part of each peer's. */
const totalBars = { pulumi: 1, compose: 0.25, swarm: 0.2, runbook: 0.15 } as const;
const peerNames = {
  pulumi: 'pulumi up with the earlier tags',
  compose: 'docker compose up -d --wait',
  swarm: 'docker service rollback',
  runbook: 'the runbook: down, retag, up, wait',
} as const;

/** The same way back by `rewind revert`, beside bare `pulumi up`, docker compose, Swarm and the runbook's steps. */
export async function revert(say: (text: string) => void): Promise<Measured[]> {
  // The Swarm first, and last to go: joining and leaving one upsets the networks that are there.
  const swarm = await swarmStack(18_420).catch((error: unknown) => {
    say(`Swarm is left out: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  });
  const rewind = await rewindStacks(18_400);
  const peers = await composeStacks(18_410);
  const stacks = {
    revert: rewind.revert,
    pulumi: rewind.pulumi,
    compose: peers.compose,
    runbook: peers.runbook,
    ...(swarm && { swarm }),
  };
  try {
    const results = await takeTurns(stacks, 3, say);
    const ours = results['revert']!;
    const rows = (['pulumi', 'compose', 'swarm', 'runbook'] as const).flatMap((peer): Measured[] => {
      const theirs = results[peer];
      if (!theirs) return [];
      return [
        {
          name: 'rewind revert: until every service is ready',
          unit: 's',
          ours: ours.map((r) => r.total),
          peer: theirs.map((r) => r.total),
          peerName: peerNames[peer],
          bar: totalBars[peer],
        },
      ];
    });
    const away = (list: readonly Rollback[]): number[] => list.map((r) => r.outage.seconds);
    const outage: Measured = {
      name: 'rewind revert: API away',
      unit: 's',
      ours: away(ours),
      peer: away(results['compose']!),
      peerName: peerNames.compose,
      bar: 0.7,
    };
    return [...rows, outage];
  } finally {
    await together(Object.values(stacks));
    await Promise.all([rewind.pulumi.remove(), peers.compose.remove(), peers.runbook.remove()]);
    await swarm?.remove();
  }
}
