import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePorts } from '../../test/support/busy-port';
import { exampleTool } from '../../test/support/example-tools';
import { TestStack } from '../../test/support/stack';
import { installDir } from '../../toolchain/places';
import { Random } from '../random';
import { Mismatch, type SoakOptions } from '../soak';

const application = ['api', 'worker', 'signcalc', 'frontend', 'migrate'];
/** A round: so many seconds of load, with a look at the stack in the middle of it. */
const roundSeconds = 10;
/** Requests a second, at least and at most: what two processors carry beside everything else. */
const rates = { least: 10, most: 40 } as const;

interface Assessed {
  readonly seconds: number;
  readonly triggers: readonly { readonly id: string; readonly service?: string; readonly evidence: string }[];
  readonly advice: { readonly strategy: string };
}

/**
 * Runs the example under a moderate load, and has `rewind assess` look at it time and again: a stack on which nothing is
 * wrong has no reason to roll back.
 *
 * @throws Mismatch at the first trigger
 */
export async function assessHealthy({ project, seed, rounds, say, leaveMismatch }: SoakOptions): Promise<void> {
  const { load } = await exampleTool('load.mjs');
  const [apiPort, webPort] = await freePorts(2);
  const stack = await TestStack.create(project, {
    env: { APEX_API_PORT: String(apiPort), APEX_WEB_PORT: String(webPort) },
  });
  let isToStay = false;
  try {
    await stack.configure({
      compose: join(installDir, 'examples', 'apex', 'compose.yaml'),
      database: { service: 'db', alembic: { service: 'api' } },
      verify: { http: [{ service: 'api', path: '/api/v1/projects' }] },
    });
    await stack.rewind('deploy', ...application.map((service) => `${service}=v0.2.0`));
    for (let round = 1; round <= rounds; round++) {
      const random = new Random(seed * 10_007 + round);
      const rate = rates.least + random.below(rates.most - rates.least + 1);
      const loaded = load({
        url: `http://127.0.0.1:${apiPort}/api/v1/projects`,
        rate,
        seconds: roundSeconds,
        write: 0.3,
        timeoutMs: 5000,
      });
      const looked = (async () => {
        await sleep(1000 * random.below(roundSeconds / 2));
        return stack.rewindJson<Assessed>(['assess']);
      })();
      const [{ requests, failed, p99Ms }, { seconds, triggers, advice }] = await Promise.all([loaded, looked]);
      if (triggers.length > 0) {
        const lines = triggers.map(({ id, service, evidence }) => `${id} (${service ?? 'stack'}): ${evidence}`);
        throw new Mismatch(`round ${round}: ${advice.strategy}, though nothing is wrong`, lines);
      }
      say(
        `${round}: no trigger in ${seconds.toFixed(1)} s; ${rate} requests/s, ${failed} of ${requests} failed, p99 ${p99Ms.toFixed(0)} ms`,
      );
    }
  } catch (error) {
    isToStay = leaveMismatch ?? false;
    throw error;
  } finally {
    if (!isToStay) await stack.remove();
  }
}
