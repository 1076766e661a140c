import { buildImage, removeTaggedImages } from '../../test/support/tagged-images';
import { timed } from '../project';
import type { Measured } from '../rows';
import { type Operated, RewindStack } from './rewind-stack';

const rounds = 3;
/** An API that gets ready, and has no projects in its list of them. */
const wrongApi = 'rewind-bench/apex-api:wrong';
/** An API that gets ready, and takes a second and a half for its list. */
const slowApi = 'rewind-bench/apex-api:slow';
const listIn = '/app/src/apex/api/projects.py';

/** How the runbook calls what has gone wrong, and how long it says that the way back takes, in seconds. */
const runbook = {
  migration: { name: 'failed migration', seconds: 600, says: 'the runbook: 10–15 min' },
  application: { name: 'bad application', seconds: 300, says: 'the runbook: 5–10 min' },
  configuration: { name: 'bad configuration', seconds: 180, says: 'the runbook: 3–5 min' },
  performance: { name: 'performance', seconds: 120, says: 'the runbook: 2–3 min' },
} as const;

interface Case {
  readonly scenario: keyof typeof runbook;
  /** From when to when. */
  readonly span: string;
  /** Makes it go wrong and right again, and says how long that took in seconds, by the name of the span. */
  readonly run: (stack: RewindStack) => Promise<number>;
}

/** The four scenarios of the runbook, each made to happen and brought to its end. */
export async function scenarios(say: (text: string) => void): Promise<Measured[]> {
  await spoil(wrongApi, String.raw`s/return {"projects": documents}/return {"list": documents}/`);
  await spoil(slowApi, String.raw`s/^    documents = cache.get/    __import__("time").sleep(1.5)\n&/`);
  try {
    return await RewindStack.use('scenarios', 18_480, async (stack) => {
      await stack.configure({
        'verify.http[0].service': 'api',
        'verify.http[0].path': '/api/v1/projects',
        'verify.http[0].has[0]': '$.projects',
        'verify.http[1].service': 'frontend',
        'verify.http[1].path': '/api/v1/projects',
        'assess.slowMs': '1000',
      });
      await stack.seed('small');
      const times = cases.map((it) => ({ ...it, ours: [] as number[] }));
      for (let round = 1; round <= rounds; round++) {
        for (const { scenario, span, run, ours } of times) {
          await stack.bring('v0.2.0');
          const seconds = await run(stack);
          ours.push(seconds);
          say(`round ${round}, ${runbook[scenario].name}, ${span}: ${seconds.toFixed(2)} s`);
        }
      }
      return times.map(({ scenario, span, ours }): Measured => {
        const { name, seconds, says } = runbook[scenario];
        return { name: `${name}: ${span}`, unit: 's', ours, peer: [seconds], peerName: says, bar: 1 };
      });
    });
  } finally {
    await removeTaggedImages(wrongApi, slowApi);
  }
}

const cases: readonly Case[] = [
  {
    scenario: 'migration',
    span: 'deploy, undone, rewind verify',
    // The migration itself takes back what it has done: no container is replaced, and the services are started again.
    run: (stack) =>
      timed(async () => {
        const { state, why } = await stack.deploy('v0.3.0');
        if (state !== 'refused' || !why?.includes('migration/failed')) throw new Error(`v0.3.0: ${state}, ${why}`);
        await stack.rewind(['verify', '--level', 'functional']);
      }),
  },
  {
    scenario: 'application',
    span: 'deploy, put back, verified',
    run: (stack) => timed(async () => putBack(await stack.deploy('v0.2.0', { api: wrongApi }))),
  },
  {
    scenario: 'configuration',
    span: 'deploy that never gets ready, put back, verified',
    run: async (stack) => {
      const change = swap('APEX_CACHE_HOST: cache', 'APEX_CACHE_HOST: cash');
      await stack.editFile('compose.yaml', change.there);
      const seconds = await timed(async () => putBack(await stack.deploy('v0.2.0')));
      await stack.editFile('compose.yaml', change.back);
      return seconds;
    },
  },
  {
    scenario: 'configuration',
    span: 'rewind revert --only config, verified',
    run: async (stack) => {
      const change = swap('http://api:8000', 'http://api:8001');
      await stack.editFile('config/frontend/nginx.conf', change.there);
      const { state, verification } = await stack.deploy('v0.2.0', {}, '--no-auto-revert');
      if (state !== 'done' || verification?.ok !== false) throw new Error(`the bad configuration is ${state}`);
      const seconds = await timed(async () => {
        isVerified(await stack.operate('revert', '--only', 'config', '--yes'));
      });
      await stack.editFile('config/frontend/nginx.conf', change.back);
      return seconds;
    },
  },
  {
    scenario: 'performance',
    span: 'rewind assess, rewind revert --quick, verified',
    run: async (stack) => {
      const { state } = await stack.deploy('v0.2.0', { api: slowApi });
      if (state !== 'done') throw new Error(`the slow release is ${state}`);
      return timed(async () => {
        const { triggers } = JSON.parse(await stack.rewind(['assess', '--json'])) as {
          triggers: readonly { id: string; service?: string }[];
        };
        if (!triggers.some(({ id, service }) => id === 'slow' && service === 'api'))
          throw new Error(`assess does not say that the API is slow: ${JSON.stringify(triggers)}`);
        isVerified(await stack.operate('revert', '--quick', '--yes'));
      });
    },
  },
];

/** An image that is the API of v0.2.0 with one line changed. */
function spoil(image: string, script: string): Promise<void> {
  return buildImage(
    image,
    'FROM apex-api:v0.2.0',
    'USER root',
    `RUN cp ${listIn} /tmp/was && sed -i '${script}' ${listIn} && ! cmp -s ${listIn} /tmp/was`,
    'RUN python3 -m compileall -q -f --invalidation-mode unchecked-hash /app/src',
    'USER 10001:10001',
  );
}

function putBack(it: Operated): void {
  if (it.state !== 'put-back' || !it.verification?.ok)
    throw new Error(`this was not put back and verified: ${JSON.stringify(it)}`);
}

function isVerified(it: Operated): void {
  if (it.state !== 'done' || !it.verification?.ok) throw new Error(`this is not verified: ${JSON.stringify(it)}`);
}

/** A change of a text, and the way back. */
function swap(from: string, to: string): Readonly<Record<'there' | 'back', (text: string) => string>> {
  return { there: (text) => text.replaceAll(from, to), back: (text) => text.replaceAll(to, from) };
}
