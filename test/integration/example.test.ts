import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { freePorts } from '../support/busy-port';
import { containerIds, execIn, inspectContainer } from '../support/docker';
import { type PulumiRun, TestStack } from '../support/stack';
import { imageId } from '../support/tagged-images';

// The example as its users have it, under a project name and ports of its own. Each test goes on from where the one
// before it has left the stack.

const project = 'rewind-example-tested';
const application = ['api', 'frontend', 'migrate', 'signcalc', 'worker'];
const infrastructure = ['cache', 'db', 'object', 'search'];

let stack: TestStack;
let api: string;

beforeAll(async () => {
  const [apiPort, webPort] = await freePorts(2);
  api = `http://127.0.0.1:${apiPort}`;
  stack = await TestStack.create(project, {
    env: { APEX_API_PORT: String(apiPort), APEX_WEB_PORT: String(webPort) },
  });
  await stack.configure({ compose: join(__dirname, '..', '..', 'examples', 'apex', 'compose.yaml') });
});

afterAll(async () => {
  await stack.remove();
});

/** `pulumi config set` of the application's tags, as a release does it. */
async function setTags(tag: string): Promise<void> {
  const tags = application.flatMap((service) => ['--plaintext', `rewind:tags.${service}=${tag}`]);
  await stack.pulumi('config', 'set-all', '--path', ...tags);
}

async function ask(path: string, body?: object): Promise<unknown> {
  const response = await fetch(api + path, {
    signal: AbortSignal.timeout(5000),
    ...(body && { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return response.json();
}

const projectNames = async (): Promise<string[]> =>
  ((await ask('/api/v1/projects')) as { projects: { name: string }[] }).projects.map(({ name }) => name);

const inDatabase = async (sql: string): Promise<string> =>
  (await execIn(`${project}-db-1`, 'psql', '-XAt', '-P', 'pager=off', '-U', 'apex', '-c', sql)).trim();

/** The services whose containers are not those of before. */
async function replacedSince(before: Record<string, string>): Promise<string[]> {
  const now = await containerIds(project);
  return Object.keys(now)
    .filter((name) => now[name] !== before[name])
    .map((name) => name.slice(project.length + 1, -2));
}

test('comes up at v0.1.0 with every service, and a refresh finds nothing', async () => {
  await setTags('v0.1.0');
  await stack.up();
  expect((await replacedSince({})).sort()).toEqual([...application, ...infrastructure].sort());
  expect(await ask('/version')).toMatchObject({ version: '0.1.0' });
  await ask('/api/v1/projects', { name: 'Kept', location: 'Hull', wind_speed_ms: 30 });
  expect(await projectNames()).toEqual(['Kept']);
  expect(await stack.refresh()).toMatch(/Resources:\n\s+\d+ unchanged/);
  expect(await stack.plannedSteps()).toEqual({});
});

test('is released at v0.2.0: the application is replaced, the infrastructure runs on, the data is there', async () => {
  const before = await containerIds(project);
  await setTags('v0.2.0');
  await stack.up();
  expect(await replacedSince(before)).toEqual(application);
  expect(await ask('/version')).toMatchObject({ version: '0.2.0', revision: '0003' });
  expect(await projectNames()).toEqual(['Kept']);
  await ask('/api/v1/projects/1/inspections', { inspector: 'Ada', outcome: 'sound' });
});

test('keeps running at v0.2.0 on the schema of before where the migration of v0.3.0 fails', async () => {
  const before = await containerIds(project);
  await setTags('v0.3.0');
  const { ok, output } = await stack.tryPulumi(['up', '--yes', '--skip-preview']);
  expect(ok).toBe(false);
  expect(output).toMatch(/column "created_by" does not exist/);
  expect(await replacedSince(before)).toEqual(['migrate']);
  expect(await ask('/ready')).toMatchObject({ ready: true });
  expect(await inDatabase(`SELECT version_num, to_regclass('owners') FROM alembic_version`)).toBe('0003|');
});

describe('at a release that never gets ready,', () => {
  let run: PulumiRun;
  let before: Record<string, string>;

  beforeAll(async () => {
    before = await containerIds(project);
    await setTags('v0.3.0-broken');
    run = await stack.tryPulumi(['up', '--yes', '--skip-preview']);
  });

  test('the update fails with the service, what its check said, and its last log lines', () => {
    expect(run.ok).toBe(false);
    const report = run.output.slice(run.output.indexOf('Diagnostics:'));
    expect(report).toMatch(/error: Service api (is unhealthy|did not become ready within 35 s)\./);
    expect(report).toMatch(/Its health check said \(exit code \d+\):[\s\S]*503/);
    expect(report).toMatch(/Its last log lines:[\s\S]*the table project_tags is missing/);
    expect(report).toContain('pulumi config set --path rewind:tags.api <earlier tag>');
    expect(report.match(/error:/g)).toHaveLength(1);
  });

  test('what depends on the service keeps running at the version before', async () => {
    const replaced = await replacedSince(before);
    expect(replaced).toContain('api');
    expect(replaced).not.toContain('frontend');
    expect((await inspectContainer(`${project}-frontend-1`)).Image).toBe(await imageId('apex-frontend:v0.2.0'));
    for (const service of infrastructure) expect(replaced).not.toContain(service);
  });

  test('no password is in what the update says', () => {
    expect(run.output).not.toMatch(/apex-example/);
  });
});

test('is back at v0.2.0 with the tags of before, and then at v0.1.0, with the data of before', async () => {
  for (const version of ['0.2.0', '0.1.0']) {
    await setTags(`v${version}`);
    await stack.up();
    expect(await ask('/version')).toMatchObject({ version });
    expect(await projectNames()).toEqual(['Kept']);
  }
  expect(await stack.plannedSteps()).toEqual({});
  // The schema is kept, with what only the newer release knows of.
  const kept = 'SELECT version_num, (SELECT count(*) FROM inspections) FROM alembic_version';
  expect(await inDatabase(kept)).toBe('0003|1');
});
