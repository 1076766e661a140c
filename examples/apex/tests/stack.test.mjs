// The whole stack under docker compose, in a project and on ports of its own: what its users and its operators'
// runbook rely on.

import { strict as assert } from 'node:assert';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT } from '../images/context.mjs';
import { run } from '../images/run.mjs';

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
  await writeFile(join(folder, 'v0.2.0.yaml'), tagged('v0.2.0'));
  await writeFile(join(folder, 'v0.3.0-broken.yaml'), tagged('v0.3.0-broken'));
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
  await up('v0.2.0.yaml');
  assert.equal((await api('GET', '/version')).body.version, '0.2.0');
  assert.equal((await api('GET', '/api/v1/projects')).body.projects[0].wind_pressure_pa, 884.5);
  assert.equal((await calculated()).result.formula, '2');
  assert.match(await (await fetch(`http://127.0.0.1:${env.APEX_WEB_PORT}/`)).text(), /<title>Apex Signs 2<\/title>/);
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

test('back at v0.1.0 everything is as it was, and nothing is lost', options, async () => {
  await up();
  assert.equal((await api('GET', '/version')).body.version, '0.1.0');
  const { projects } = (await api('GET', '/api/v1/projects')).body;
  assert.deepEqual(
    projects.map(({ name, wind_pressure_pa: pressure }) => [name, pressure]),
    [['Harbour gate', undefined]],
  );
  assert.equal((await calculated()).result.formula, '1');
});

test('a job that a killed worker held is done after all', options, async () => {
  await ok('kill', 'signcalc');
  const { body: job } = await api('POST', '/api/v1/jobs', { project_id: 1, sign: SIGN });
  await ok('kill', 'worker');
  await up();
  assert.equal((await settled(job)).state, 'done');
});

const SIGN = { width_m: 6, height_m: 2, clearance_m: 2.5 };

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
  return ['services:', ...services, ''].join('\n');
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
