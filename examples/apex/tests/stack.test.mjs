// The whole stack under docker compose, in a project and on ports of its own: what its users and its operators'
// runbook rely on.

import { strict as assert } from 'node:assert';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { missingRows } from '../acknowledged.mjs';
import { databaseContainer, psql } from '../database.mjs';
import { ROOT } from '../images/context.mjs';
import { run } from '../images/run.mjs';
import { load } from '../load.mjs';
import { seed } from '../seed.mjs';

const compose = await findCompose();
const options = { skip: compose ? false : 'there is neither `docker compose` nor docker-compose' };
const project = `apex-test-${process.pid}`;
let folder;
let env;

before(async () => {
  if (!compose) return;
  // A copy: the test changes configuration files.
  folder = await mkdtemp(join(tmpdir(), 'apex-stack-'));
  for (const name of ['compose.yaml', 'config']) await cp(join(ROOT, name), join(folder, name), { recursive: true });
  for (const tag of ['v0.2.0', 'v0.3.0-broken', 'v0.3.0', 'v0.4.0']) {
    await writeFile(join(folder, `${tag}.yaml`), tagged(tag));
  }
  // Docker looks at health once an interval: at the stack's own 10 s this file would take minutes.
  await writeFile(join(folder, 'quick.yaml'), quick());
  env = { APEX_API_PORT: await freePort(), APEX_WEB_PORT: await freePort(), DOCKER_CLI_HINTS: 'false' };
  await up();
});

after(async () => {
  if (!compose) return;
  await run([...compose, '-p', project, 'down', '--volumes', '--timeout', '5'], { cwd: folder, env });
  await rm(folder, { recursive: true, force: true });
});

test('the stack comes up ready, with its schema in place', options, async () => {
  const checks = { database: 'ok', cache: 'ok', object: 'ok', search: 'ok' };
  assert.deepEqual(await api('GET', '/ready'), { status: 200, body: { ready: true, checks } });
  assert.deepEqual((await api('GET', '/version')).body, { service: 'api', version: '0.1.0', revision: '0001' });
});

test('a project is stored, listed, found by a word of it, and there only once', options, async () => {
  const project = { name: 'Harbour gate', location: 'Pier 4', wind_speed_ms: 38 };
  assert.equal((await api('POST', '/api/v1/projects', project)).status, 201);
  assert.equal((await api('POST', '/api/v1/projects', project)).status, 409);
  const keys = ['id', 'name', 'location', 'wind_speed_ms', 'created_at'];
  assert.deepEqual((await api('GET', '/api/v1/projects')).body.projects.map(Object.keys), [keys]);
  assert.equal((await api('GET', '/api/v1/projects?search=harb')).body.projects[0].name, 'Harbour gate');
  assert.deepEqual((await api('GET', '/api/v1/projects?search=nowhere')).body.projects, []);
});

test('a job is calculated by the worker and its sheet kept in the object store', options, async () => {
  const done = await calculated();
  assert.equal(done.state, 'done');
  assert.equal(done.result.formula, '1');
  const sheet = (await api('GET', done.artefact)).body;
  assert.deepEqual([sheet.project, sheet.worker, sheet.result], ['Harbour gate', '0.1.0', done.result]);
});

test('the frontend serves its page and passes calls on to the API', options, async () => {
  const web = `http://127.0.0.1:${env.APEX_WEB_PORT}`;
  assert.match(await (await fetch(web)).text(), /<title>Apex Signs<\/title>/);
  assert.equal((await (await fetch(`${web}/api/v1/projects`)).json()).projects.length, 1);
});

test("the commands of the operators' runbook work", options, async () => {
  const psql = ['exec', '-T', 'db', 'psql', '-U', 'apex', '-d', 'apex', '-t', '-A', '-c'];
  assert.equal(await ok(...psql, 'SELECT version FROM alembic_version;'), '0001');
  assert.equal(await ok(...psql, 'SELECT COUNT(*) FROM projects;'), '1');
  const dump = await ok('exec', '-T', 'db', 'pg_dump', '-U', 'apex', 'apex');
  assert.match(dump, /PostgreSQL database dump complete/);

  assert.equal(await ok('exec', '-T', 'api', 'alembic', 'current'), '0001 (head)');
  await ok('exec', '-T', 'api', 'alembic', 'downgrade', '-1');
  assert.equal((await api('GET', '/ready')).status, 503);
  const restored = await run([...base(), 'exec', '-T', 'db', 'psql', '-q', '-U', 'apex', 'apex'], {
    ...{ cwd: folder, env },
    input: `DROP TABLE alembic_version;\n${dump}`,
  });
  assert.doesNotMatch(restored.tail, /ERROR/);
  assert.equal((await api('GET', '/ready')).status, 200);

  assert.match(await ok('exec', '-T', 'api', 'cat', '/app/src/apex/__init__.py'), /__version__ = "0\.1\.0"/);
  await ok('exec', '-T', 'api', 'python', '-c', '\nfrom apex.api.cache import cache\ncache.clear()\n');
  assert.equal(await ok('exec', '-T', 'cache', 'redis-cli', 'FLUSHDB'), 'OK');
  assert.match(await ok('ps', '--format', 'table {{.Name}}\t{{.Image}}'), /apex-api:v0\.1\.0/);
  await ok('stop', 'api', 'worker', 'signcalc', 'frontend');
  await ok('start', 'db', 'cache', 'object', 'search');
  await ok('start', 'api', 'worker', 'signcalc', 'frontend');
  assert.equal((await api('GET', '/api/v1/projects')).body.projects.length, 1);
  assert.doesNotMatch(await ok('logs', '--tail=1', 'api'), /error/i);
});

test('every service runs without root, capabilities, new privileges or a writable root', options, async () => {
  const ids = (await ok('ps', '--quiet')).split('\n');
  const { stdout } = await run(['docker', 'inspect', ...ids]);
  const containers = JSON.parse(stdout);
  assert.equal(containers.length, 8);
  for (const { Name, Config, HostConfig } of containers) {
    assert.notEqual(Config.User, '', Name);
    assert.equal(HostConfig.ReadonlyRootfs, true, Name);
    assert.deepEqual(HostConfig.CapDrop, ['ALL'], Name);
    assert.deepEqual(HostConfig.SecurityOpt, ['no-new-privileges:true'], Name);
    assert(HostConfig.Memory > 0 && HostConfig.NanoCpus > 0 && HostConfig.PidsLimit > 0, Name);
    for (const ports of Object.values(HostConfig.PortBindings)) assert.equal(ports[0].HostIp, '127.0.0.1', Name);
  }
});

test('every service ends by itself when it is told to', options, async () => {
  for (const id of (await ok('ps', '--quiet')).split('\n')) {
    await run(['docker', 'stop', id]);
    const { stdout } = await run(['docker', 'inspect', id]);
    const [{ Name, State }] = JSON.parse(stdout);
    assert.equal(State.ExitCode, 0, `${Name} was killed or failed`);
  }
  await up();
});

test('v0.2.0 differs in what it answers, calculates and shows', options, async () => {
  const [{ id: earlier }] = await jobs();
  await up('v0.2.0.yaml');
  assert.deepEqual((await api('GET', '/version')).body, { service: 'api', version: '0.2.0', revision: '0003' });
  const inspection = { inspector: 'Ada', outcome: 'repair' };
  assert.equal((await api('POST', '/api/v1/projects/1/inspections', inspection)).status, 201);
  assert.equal((await api('POST', '/api/v1/projects/99/inspections', inspection)).status, 404);
  assert.equal((await api('GET', '/api/v1/projects/1/inspections')).body.inspections[0].inspector, 'Ada');
  const [project] = (await api('GET', '/api/v1/projects')).body.projects;
  assert.deepEqual([project.wind_pressure_pa, project.inspections], [884.5, 1]);
  assert.equal((await calculated()).formula, '2');
  const { formula, result } = (await api('GET', `/api/v1/jobs/${earlier}`)).body;
  assert.deepEqual([formula, result.formula], ['1', undefined]);
  assert.match(await (await fetch(`http://127.0.0.1:${env.APEX_WEB_PORT}/`)).text(), /<title>Apex Signs 2<\/title>/);
});

test('the migration of v0.3.0 fails half way, and leaves nothing of it', options, async () => {
  const result = await run([...base('v0.3.0.yaml'), 'up', '-d', '--wait'], { cwd: folder, env });
  assert.notEqual(result.code, 0);
  assert.match(await ok('logs', 'migrate'), /column "created_by" does not exist/);
  assert.deepEqual(await sql("SELECT version_num, to_regclass('owners') IS NULL FROM alembic_version"), ['0003\tt']);
});

test('v0.3.0-broken is alive, never ready, and says why', options, async () => {
  const result = await run([...base('v0.3.0-broken.yaml'), 'up', '-d', '--wait'], { cwd: folder, env });
  assert.notEqual(result.code, 0);
  assert.equal((await api('GET', '/health')).status, 200);
  const { status, body } = await api('GET', '/ready');
  assert.equal(status, 503);
  assert.match(body.checks.database, /project_tags is missing/);
  assert.match(await ok('logs', '--tail=5', 'api'), /"not ready".*project_tags is missing/);
});

test(
  'back at v0.1.0 the newer schema is left alone, the application works with it, and nothing is lost',
  options,
  async () => {
    await up();
    assert.equal((await api('GET', '/version')).body.version, '0.1.0');
    assert.match(await ok('logs', 'migrate'), /revision 0003 of another release: it stays as it is/);
    const { projects } = (await api('GET', '/api/v1/projects')).body;
    assert.deepEqual(
      projects.map(({ name, wind_pressure_pa: pressure }) => [name, pressure]),
      [['Harbour gate', undefined]],
    );
    assert.equal((await calculated()).result.formula, '1');
    assert.deepEqual(await sql('SELECT version_num, (SELECT count(*) FROM inspections) FROM alembic_version'), [
      '0003\t1',
    ]);
  },
);

test(
  'the image of v0.2.0 takes its migrations back, and v0.1.0 finds its results as it wrote them',
  options,
  async () => {
    const downgrade = ['run', '--rm', 'migrate', 'alembic', 'downgrade', '0001'];
    const result = await run([...base('v0.2.0.yaml'), ...downgrade], { cwd: folder, env });
    assert.equal(result.code, 0, result.tail);
    assert.deepEqual(await sql("SELECT version_num, to_regclass('inspections') IS NULL FROM alembic_version"), [
      '0001\tt',
    ]);
    await up();
    const formulas = new Set((await jobs()).map(({ result: { formula } }) => formula));
    assert.deepEqual([...formulas].sort(), ['1', '2']);
  },
);

test('a job that a killed worker held is done after all', options, async () => {
  await ok('kill', 'signcalc');
  const { body: job } = await api('POST', '/api/v1/jobs', { project_id: 1, sign: SIGN });
  await ok('kill', 'worker');
  await up();
  assert.equal((await settled(job)).state, 'done');
});

test('what the load was told to be stored is in the database, and a row that goes is missed', options, async () => {
  const rows = [];
  const url = `http://127.0.0.1:${env.APEX_API_PORT}/api/v1/projects`;
  const wanted = { rate: 30, seconds: 2, write: 0.8, timeoutMs: 20_000 };
  const seen = await load({ url, ...wanted, onAcknowledged: (row) => rows.push(row) });
  assert.deepEqual([seen.failed, seen.written, rows.length], [0, 48, 48]);
  const container = await databaseContainer(project);
  assert.deepEqual(await missingRows(rows, container), []);
  const projects = rows.filter(({ kind }) => kind === 'project');
  const [job] = rows.filter(({ kind }) => kind === 'job');
  // The number of a project may be another one's after a restore.
  await sql(`DELETE FROM jobs WHERE id = '${job.id}'; UPDATE projects SET name = 'x' WHERE id = ${projects[0].id}`);
  assert.deepEqual(await missingRows([projects[0], job, projects.at(-1)], container), [projects[0], job]);
});

test('the seed is the same each time, and once is enough', options, async () => {
  const container = await databaseContainer(project);
  const sum = "SELECT md5(string_agg(j.id::text || p.name || sign || result || j.created_at, '' ORDER BY j.id))";
  const sums = [];
  for (let round = 0; round < 2; round++) {
    const { projects, bytes } = await seed(container, { jobs: 2500 });
    assert.deepEqual([projects, bytes > 8e6], [3, true]);
    sums.push(
      await sql(`${sum}, count(*) FROM jobs j JOIN projects p ON p.id = j.project_id WHERE p.name LIKE 'Seed %'`),
    );
    await assert.rejects(seed(container), /has 3 seeded projects already/);
    await sql("DELETE FROM projects WHERE name LIKE 'Seed %'");
  }
  assert.match(sums[0][0], /\t2500$/);
  assert.deepEqual(sums[0], sums[1]);
});

test('v0.4.0 has no way back, and v0.2.0 does not work with what it leaves', options, async () => {
  await up('v0.4.0.yaml');
  assert.equal((await api('GET', '/version')).body.revision, '0005');
  const done = await calculated();
  assert.equal((await api('GET', done.artefact)).body.worker, '0.4.0');
  await seed(await databaseContainer(project), { jobs: 50 });
  assert.deepEqual(await sql("SELECT count(*) FROM jobs WHERE formula = '1' AND id::text LIKE '%-5eed-%'"), ['50']);

  const downgrade = await run([...base(), 'exec', '-T', 'api', 'alembic', 'downgrade', '-1'], { cwd: folder, env });
  assert.match(downgrade.tail, /NotImplementedError/);
  assert.deepEqual(await sql('SELECT version_num FROM alembic_version'), ['0005']);
  const back = await run([...base('v0.2.0.yaml'), 'up', '-d', '--wait'], { cwd: folder, env });
  assert.notEqual(back.code, 0);
  assert.match((await api('GET', '/ready')).body.checks.database, /artefact does not exist/);
});

const SIGN = { width_m: 6, height_m: 2, clearance_m: 2.5 };

const sql = async (script) => psql(await databaseContainer(project), script);

/** All jobs, oldest first, as the API shows them. */
async function jobs() {
  const ids = await sql('SELECT id FROM jobs ORDER BY created_at');
  return Promise.all(ids.map(async (id) => (await api('GET', `/api/v1/jobs/${id}`)).body));
}

async function calculated() {
  const { status, body } = await api('POST', '/api/v1/jobs', { project_id: 1, sign: SIGN });
  assert.equal(status, 202);
  return settled(body);
}

async function settled(job) {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    const { body } = await api('GET', `/api/v1/jobs/${job.id}`);
    if (body.state !== 'queued') return body;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`job ${job.id} was not done in 10 s`);
}

async function api(method, path, document) {
  const response = await fetch(`http://127.0.0.1:${env.APEX_API_PORT}${path}`, {
    method,
    headers: document ? { 'content-type': 'application/json' } : {},
    body: document && JSON.stringify(document),
  });
  return { status: response.status, body: await response.json() };
}

function base(...files) {
  return [...compose, '-p', project, ...['compose.yaml', 'quick.yaml', ...files].flatMap((file) => ['-f', file])];
}

async function ok(...args) {
  const result = await run([...base(), ...args], { cwd: folder, env });
  assert.equal(result.code, 0, `${args.join(' ')}: ${result.tail}`);
  return result.stdout.trim();
}

async function up(...files) {
  const result = await run([...base(...files), 'up', '-d', '--wait'], { cwd: folder, env, timeoutMs: 120_000 });
  assert.equal(result.code, 0, result.tail);
}

function tagged(tag) {
  const services = ['api', 'worker', 'signcalc', 'frontend'].map((name) => `  ${name}: {image: "apex-${name}:${tag}"}`);
  return ['services:', ...services, `  migrate: {image: "apex-api:${tag}"}`, ''].join('\n');
}

function quick() {
  const names = ['api', 'worker', 'signcalc', 'frontend', 'db', 'cache', 'object', 'search'];
  const services = names.map((name) => `  ${name}: {healthcheck: {interval: 500ms, retries: 10}}`);
  return ['services:', ...services, ''].join('\n');
}

async function findCompose() {
  for (const argv of [['docker', 'compose'], ['docker-compose']]) {
    if ((await run([...argv, 'version'])).code === 0) return argv;
  }
  return undefined;
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}
