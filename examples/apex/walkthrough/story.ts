import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { PulumiCli } from '../../../src/automation/pulumi-cli';
import { condenseDiff, condenseProgress } from './condense';

/** The Pulumi stack and the compose project of the walk-through; no other project on the machine is touched. */
export const stackName = 'dev';
export const composeProject = 'rewind-apex';

const services = ['api', 'worker', 'signcalc', 'frontend', 'migrate'];
const composeFile = join('examples', 'apex', 'compose.yaml');
const probePauseMs = 20;

/** What the walk-through needs. */
export interface StoryOptions {
  readonly pulumi: PulumiCli;
  /** Where the story is told, one line a call. */
  readonly tell: (line?: string) => void;
  /** Base URL of a running service that publishes a port, e.g. http://127.0.0.1:8000 of `api`. */
  readonly urlOf: (service: string) => Promise<string>;
}

/** A chapter's time, for the table at the end. */
interface Timing {
  readonly what: string;
  readonly ms: number;
}

/** Tells the main job on the example: up, a release, the preview of its rollback, the rollback. */
export async function tellStory(options: StoryOptions): Promise<void> {
  const { pulumi, tell } = options;
  const times: Timing[] = [];
  const chapter = async (title: string, work: () => Promise<void>): Promise<void> => {
    tell();
    tell(`━━ ${title}`);
    await work();
  };

  await pulumi.run(['stack', 'select', '--create', stackName]);
  await pulumi.run([
    ...['config', 'set-all', '--plaintext', `rewind:compose=${composeFile}`],
    ...['--plaintext', `rewind:project=${composeProject}`],
  ]);
  await pulumi.run([
    ...['config', 'set-all', '--path', '--plaintext', 'rewind:database.service=db'],
    ...['--plaintext', 'rewind:database.alembic.service=api'],
  ]);

  await chapter('1. The stack comes up at v0.1.0', async () => {
    await setTags(options, 'v0.1.0');
    times.push({ what: 'up at v0.1.0', ms: await up(options) });
    await addProject(options);
    await ask(options);
  });
  await chapter('2. v0.2.0 is released', async () => {
    await setTags(options, 'v0.2.0');
    times.push({ what: 'release of v0.2.0', ms: await up(options) });
    await addInspection(options);
    await ask(options);
  });
  await chapter('3. What would a rollback change? Nothing is touched yet', async () => {
    await setTags(options, 'v0.1.0');
    tell('$ pulumi preview --diff');
    const started = Date.now();
    const diff = await pulumi.run(['preview', '--diff', '--suppress-outputs']);
    times.push({ what: 'preview of the rollback', ms: Date.now() - started });
    for (const line of condenseDiff(diff)) tell(`  ${line}`);
  });
  await chapter('4. The rollback', async () => {
    const probe = watchApi(await options.urlOf('api'));
    times.push({ what: 'rollback to v0.1.0', ms: await up(options) });
    const { downMs, failed, asked } = await probe.stop();
    tell(`  the API was away for ${seconds(downMs)} (${failed} of ${asked} requests failed)`);
    times.push({ what: '  of which the API was away', ms: downMs });
    await ask(options);
  });

  tell();
  tell('━━ How long it took');
  for (const { what, ms } of times) tell(`  ${what.padEnd(32)} ${seconds(ms).padStart(8)}`);
  tell();
  tell('━━ Go on by hand');
  tell('  eval "$(npx rewind env)"                                 # puts pulumi and its settings into this shell');
  tell('  pulumi config set --path rewind:tags.api v0.2.0          # or any image, or an environment variable:');
  tell('  pulumi config set --path rewind:env.api.APEX_LOG_LEVEL debug');
  tell('  pulumi preview --diff                                    # what it would change');
  tell('  pulumi up                                                # do it');
  tell('  npx rewind history                                       # the releases that this made');
  tell(
    '  npx rewind revert r2                                     # says what it does, asks, and brings that one back',
  );
  tell(
    '  npx rewind snapshot create --prove                       # a backup of the data that is known to be restorable',
  );
  tell(`  open ${await options.urlOf('frontend')}`);
  tell(
    '  npm run down                                             # takes it down; the data stays (--volumes: drops it)',
  );
}

async function setTags({ pulumi, tell }: StoryOptions, tag: string): Promise<void> {
  const tags = services.map((service) => `rewind:tags.${service}=${tag}`);
  tell('$ pulumi config set-all --path \\');
  tell(`    ${tags.map((setting) => `--plaintext ${setting}`).join(' \\\n    ')}`);
  await pulumi.run(['config', 'set-all', '--path', ...tags.flatMap((setting) => ['--plaintext', setting])]);
}

/** @returns how long it took, in milliseconds */
async function up({ pulumi, tell }: StoryOptions): Promise<number> {
  tell('$ pulumi up --yes --skip-preview');
  const started = Date.now();
  await pulumi.run(['up', '--yes', '--skip-preview', '--suppress-outputs'], (line) => {
    const short = condenseProgress(line);
    if (short !== undefined) tell(`  ${short}`);
  });
  const ms = Date.now() - started;
  tell(`  every service is ready after ${seconds(ms)}`);
  return ms;
}

/** Writes something into the database, to be there after the rollback. */
async function addProject({ urlOf, tell }: StoryOptions): Promise<void> {
  const url = `${await urlOf('api')}/api/v1/projects`;
  const { projects } = (await (await fetch(url)).json()) as { projects: unknown[] };
  if (projects.length === 0) await post(tell, url, { name: 'Harbour Sign' });
}

/** Writes something that only v0.2.0 has a table for. */
async function addInspection({ urlOf, tell }: StoryOptions): Promise<void> {
  const url = `${await urlOf('api')}/api/v1/projects`;
  const { projects } = (await (await fetch(url)).json()) as { projects: { id: number; inspections: number }[] };
  const first = projects[0];
  if (first?.inspections === 0)
    await post(tell, `${url}/${first.id}/inspections`, { inspector: 'Ada', outcome: 'sound' });
}

async function post(tell: StoryOptions['tell'], url: string, document: object): Promise<void> {
  const body = JSON.stringify(document);
  tell(`$ curl ${url} -d '${body}'`);
  const answer = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  tell(`  ${(await answer.text()).trim()}`);
}

/** Shows what the API and the web page answer now. */
async function ask({ urlOf, tell }: StoryOptions): Promise<void> {
  const [api, web] = await Promise.all([urlOf('api'), urlOf('frontend')]);
  for (const path of ['/version', '/api/v1/projects']) {
    tell(`$ curl ${api}${path}`);
    tell(`  ${(await (await fetch(api + path)).text()).trim().slice(0, 240)}`);
  }
  const title = /<title>(.*?)<\/title>/s.exec(await (await fetch(web)).text())?.[1];
  tell(`$ curl ${web}`);
  tell(`  <title>${title ?? ''}</title>`);
}

/** Asks the API for its version about 50 times a second and notes for how long it did not answer. */
function watchApi(api: string): { stop: () => Promise<{ downMs: number; failed: number; asked: number }> } {
  let stopped = false;
  let asked = 0;
  let failed = 0;
  let downMs = 0;
  const watch = async (): Promise<void> => {
    let lastGood = Date.now();
    let away = false;
    while (!stopped) {
      asked++;
      const good = await fetch(`${api}/version`, { signal: AbortSignal.timeout(1000) }).then(
        (response) => response.ok,
        () => false,
      );
      if (good) {
        if (away) downMs = Math.max(downMs, Date.now() - lastGood);
        lastGood = Date.now();
      } else failed++;
      away = !good;
      await sleep(probePauseMs);
    }
  };
  const watching = watch();
  return {
    stop: async () => {
      stopped = true;
      await watching;
      return { downMs, failed, asked };
    },
  };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
