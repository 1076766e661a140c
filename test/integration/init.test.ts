import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

import { type Finished, run } from '../../src/process';

const cli = resolve('dist', 'cli.js');

let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'rewind-init-')));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Writes files of the user's; an object becomes YAML. */
async function given(files: Readonly<Record<string, string | object>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), typeof content === 'string' ? content : stringify(content));
  }
}

/** Every file below the folder with what is in it. */
async function contents(): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = files.map(async (file) => [file.slice(folder.length + 1), await readFile(file, 'utf8')] as const);
  return Object.fromEntries((await Promise.all(texts)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const init = (...args: string[]): Promise<Finished> => run([process.execPath, cli, 'init', ...args], { cwd: folder });

/** What `rewind init --json` found out and wrote. */
interface Result {
  readonly directory: string;
  readonly project: string;
  readonly database?: string;
  readonly migrations?: string;
  readonly written: readonly string[];
  readonly kept: readonly string[];
}

async function initJson(...args: string[]): Promise<Result> {
  const { exitCode, stdout, stderr } = await init(...args, '--json');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout) as Result;
}

/** The settings that were written. */
async function settings(file = 'Pulumi.dev.yaml'): Promise<Record<string, unknown>> {
  return (parse(await readFile(join(folder, file), 'utf8')) as { config: Record<string, unknown> }).config;
}

/** A command that has to refuse and to leave everything as it was. */
async function refusalOf(...args: string[]): Promise<string> {
  const before = await contents();
  const { exitCode, stdout, stderr } = await init(...args);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(await contents()).toEqual(before);
  return stderr;
}

const web = { image: 'shop-web:1' };
const db = { image: 'postgres:15' };

describe('rewind init changes nothing that exists:', () => {
  test('files of the compose project stay as they are, those that it would write too', async () => {
    await given({
      'compose.yaml': { name: 'shop', services: { web, db } },
      '.env': 'TAG=1\n',
      '.gitignore': 'dist/\n',
      'tsconfig.json': '{}',
      'config/web.conf': 'a',
    });
    const before = await contents();
    const { directory, kept, written } = await initJson();
    expect(directory).toBe(folder);
    expect(kept).toEqual(['tsconfig.json', '.gitignore']);
    expect(await contents()).toMatchObject(before);
    expect(Object.keys(await contents()).sort()).toEqual([...Object.keys(before), ...written].sort());
  });

  test('with the package.json of another program there, it goes to a folder of its own', async () => {
    await given({ 'compose.yaml': { services: { web } }, 'package.json': '{"name":"shop","main":"server.js"}' });
    const before = await contents();
    const { directory } = await initJson();
    expect(directory).toBe(join(folder, 'rewind'));
    expect(await contents()).toMatchObject(before);
    expect(await settings('rewind/Pulumi.dev.yaml')).toEqual({ 'rewind:compose': '../compose.yaml' });
    expect((await contents())['rewind/package.json']).toContain('"rewind": "file:');
  });

  test.each([
    ['Pulumi.yaml', 'name: other\nruntime: nodejs\n'],
    ['index.ts', 'export {};\n'],
    ['package.json', '{"main":"server.js"}'],
  ])('a folder that is named and has a %s of another program is refused', async (name, text) => {
    await given({ 'compose.yaml': { services: { web } }, [`ops/${name}`]: text });
    const said = await refusalOf('--dir', 'ops');
    expect(said).toContain(`${join(folder, 'ops')} is the folder of another program already: it has ${name}.`);
    expect(said).toContain(`rewind init --dir ${join(folder, 'ops', 'rewind')}`);
  });

  test('a second time it refuses, wherever the first one went', async () => {
    await given({ 'compose.yaml': { services: { web } } });
    await initJson();
    expect(await refusalOf()).toContain(`There is a Rewind project in ${folder} already.`);
    await rm(join(folder, 'Pulumi.yaml'));
    await initJson();
    expect(await refusalOf()).toContain(`There is a Rewind project in ${join(folder, 'rewind')} already.`);
  });
});

describe('rewind init finds out', () => {
  test('the name, the database and the migrations of the example stack', async () => {
    const found = await initJson(resolve('examples', 'apex', 'compose.yaml'), '--dir', folder);
    expect(found).toMatchObject({ project: 'apex', database: 'db', migrations: 'migrate' });
    expect(await settings()).toMatchObject({ 'rewind:database': { service: 'db', alembic: { service: 'migrate' } } });
  });

  test.each([
    ['image', 'registry.example.com:5000/library/postgres:16-alpine', {}],
    ['image of an extension', 'timescale/timescaledb-ha:pg16', {}],
    ['environment', 'shop-store:1', { POSTGRES_PASSWORD: 'x' }],
  ])('a database by its %s', async (_, image, environment) => {
    await given({ 'compose.yaml': { services: { web, store: { image, environment } } } });
    expect((await initJson()).database).toBe('store');
  });

  test('which service is the database and which ones use it', async () => {
    const environment = { POSTGRES_PASSWORD: 'x' };
    const backup = { image: 'prodrigestivill/postgres-backup-local:16', environment };
    await given({ 'compose.yaml': { services: { web: { ...web, environment }, db, backup } } });
    expect((await initJson()).database).toBe('db');
  });

  test('that there is no database: an exporter of one is none', async () => {
    await given({ 'compose.yaml': { services: { web, metrics: { image: 'shop-postgres_exporter:1' } } } });
    const found = await initJson();
    expect([found.database, found.migrations]).toEqual([undefined, undefined]);
    expect(await settings()).toEqual({ 'rewind:compose': 'compose.yaml' });
  });

  test.each(['compose.yml', 'docker-compose.yaml', 'docker-compose.yml'])('a %s', async (name) => {
    await given({ [name]: { services: { web } } });
    await initJson();
    expect(await settings()).toEqual({ 'rewind:compose': name });
  });
});

test('an image that is built from the folder of the project is told of, for .rewind would be sent along', async () => {
  await given({
    'compose.yaml': { services: { web: { build: '.' }, db: { ...db, build: './images/db' } } },
    'images/db/Dockerfile': 'FROM postgres:15\n',
  });
  const { stderr } = await init();
  expect(stderr.split('\n')).toEqual([
    expect.stringContaining(`add .rewind, node_modules and Pulumi.*.yaml to ${join(folder, '.dockerignore')}`),
  ]);
  await rm(join(folder, 'Pulumi.yaml'));
  await given({ '.dockerignore': 'node_modules\n.rewind\n' });
  expect(await init('--dir', 'rewind')).toMatchObject({ exitCode: 0, stderr: '' });
});

describe('without a terminal rewind init', () => {
  const two = { 'compose.yaml': { services: { web, main: db, reports: db } } };

  test('names the flag where it cannot decide, and writes nothing', async () => {
    await given(two);
    const said = await refusalOf();
    expect(said).toContain('Several services could be the one that has the Postgres database: main, reports.');
    expect(said).toContain('--database main');
    expect(said.match(/→/g)).toHaveLength(1);
    expect((await initJson('--database', 'reports')).database).toBe('reports');
  });

  test('takes none for an answer', async () => {
    await given(two);
    expect((await initJson('--database', 'none')).database).toBeUndefined();
  });

  test('refuses a service that is none, and a name that Pulumi does not take', async () => {
    await given(two);
    expect(await refusalOf('--database', 'mian')).toContain('There are: main, reports, web; or none.');
    expect(await refusalOf('--database', 'main', '--stack', '../dev')).toContain('--stack is "../dev"');
    expect(await refusalOf('--database', 'main', '--name', 'my shop')).toContain('--name is "my shop"');
  });
});

describe('on a terminal rewind init', () => {
  /** Runs it on a pseudo-terminal and types these lines. */
  function typing(lines: string): Promise<string> {
    const command = `'${process.execPath}' '${cli}' init`;
    return new Promise((done) => {
      const child = execFile('script', ['-qec', command, '/dev/null'], { cwd: folder }, (_, stdout) => {
        done(stdout);
      });
      child.stdin!.write(lines);
    });
  }

  test('asks which of several services has the database, and nothing else', async () => {
    await given({ 'compose.yaml': { services: { web, main: db, reports: db, migrate: web } } });
    const said = await typing('reports\n');
    expect(said.match(/\?/g)).toHaveLength(1);
    expect(said).toContain('Which service has the Postgres database? [main, reports, none]');
    expect(await settings()).toMatchObject({
      'rewind:database': { service: 'reports', alembic: { service: 'migrate' } },
    });
  });
});

describe('a compose file elsewhere', () => {
  test('has its project beside it', async () => {
    await given({ 'deploy/stack.yaml': { name: 'shop', services: { web } } });
    expect(await initJson('deploy/stack.yaml')).toMatchObject({ directory: join(folder, 'deploy'), project: 'shop' });
    expect(await settings('deploy/Pulumi.dev.yaml')).toEqual({ 'rewind:compose': 'stack.yaml' });
  });

  test('is named by its path from a project elsewhere, whose name and stack are as they are given', async () => {
    await given({ 'deploy/stack.yaml': { name: 'shop', services: { web } } });
    await initJson('deploy/stack.yaml', '--dir', 'ops/shop', '--name', 'shop-ops', '--stack', 'production');
    expect(await settings('ops/shop/Pulumi.production.yaml')).toEqual({
      'rewind:compose': '../../deploy/stack.yaml',
    });
    expect((await contents())['ops/shop/Pulumi.yaml']).toMatch(/^name: shop-ops$/m);
  });

  test('that is not there, or that docker compose cannot read, is an error and leaves nothing', async () => {
    expect(await refusalOf()).toContain('rewind init path/to/compose.yaml');
    expect(await refusalOf('deploy/stack.yaml')).toContain('[compose/not-found]');
    await given({ 'compose.yaml': 'services: {web: {imag: shop-web}}\n' });
    expect(await refusalOf()).toContain('[compose/invalid]');
  });
});
