import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { engine, eventually, execIn, inspectContainer } from '../support/docker';
import { buildMigrationImage, type TestMigration } from '../support/migration-images';
import { TestStack } from '../support/stack';
import { buildImage, makeTaggedImages, removeTaggedImages } from '../support/tagged-images';
import { databaseService, TestDatabase } from '../support/test-database';

// Each reason to roll back, brought about for real: every service does what the file /tmp/do of its container says.

const project = 'rewind-assess';
const base = `${project}/base:1`;
const box = `${project}/box:1`;
const app = `${project}/app:1`;

const goods: TestMigration = {
  revision: '0001',
  about: 'Goods',
  upgrade: ['CREATE TABLE goods (id int PRIMARY KEY)'],
  downgrade: ['DROP TABLE goods'],
};

/** Serves pages, and does what it is told besides. */
const program = [
  'mkdir -p /tmp/www/cgi-bin',
  'printf "#!/bin/sh\\necho; sleep \\$(cat /tmp/slow 2>/dev/null || echo 0)\\n" > /tmp/www/cgi-bin/page',
  'chmod +x /tmp/www/cgi-bin/page',
  'httpd -p 80 -h /tmp/www',
  'while :; do [ -e /tmp/do ] && sh /tmp/do; sleep 0.2; done',
].join('; ');

const service = {
  image: box,
  init: true,
  restart: 'always',
  depends_on: { db: { condition: 'service_healthy' } },
  healthcheck: { test: ['CMD', 'test', '!', '-e', '/tmp/sick'], interval: '1s', retries: 1 },
  mem_limit: '40m',
  cpus: 0.3,
};

interface Assessment {
  readonly triggers: readonly { readonly id: string; readonly service?: string; readonly evidence: string }[];
  readonly cascades: readonly { readonly cause: string; readonly followers: readonly string[] }[];
  readonly advice: { readonly strategy: string; readonly command?: string };
  readonly seconds: number;
}

let stack: TestStack;
let database: TestDatabase;

const assess = (...args: string[]): Promise<Assessment> => stack.rewindJson<Assessment>(['assess', ...args]);
const one = `${project}-one-1`;

/** What holds, of one service or as a whole. */
async function found(name?: string): Promise<string[]> {
  return (await assess()).triggers.filter(({ service: of }) => name === undefined || of === name).map(({ id }) => id);
}

/** Waits until a trigger holds. */
const until = (id: string, name: string): Promise<true> =>
  eventually(async () => (await found(name)).includes(id) || undefined, id, 90_000);

/** Puts everything back as the release has it. */
async function mend(): Promise<void> {
  const docker = await engine();
  await docker.getContainer(one).remove({ force: true });
  await stack.up('--refresh');
  expect(await found()).toEqual([]);
}

beforeAll(async () => {
  await makeTaggedImages({ [base]: 'plain' });
  await buildImage(box, `FROM ${base}`, `CMD ["sh", "-c", ${JSON.stringify(program)}]`);
  await buildMigrationImage(app, { migrations: [goods] });
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', {
    services: {
      db: databaseService('shop'),
      one: { ...service, ports: ['127.0.0.1:18741:80'] },
      two: { ...service, depends_on: { one: { condition: 'service_healthy' } } },
      app: {
        image: app,
        command: ['sleep', 'infinity'],
        init: true,
        environment: { DATABASE_URL: 'postgresql://shop:word@db/shop' },
        depends_on: { db: { condition: 'service_healthy' } },
      },
    },
    // Small enough to be filled.
    volumes: { data: { driver_opts: { type: 'tmpfs', device: 'tmpfs', o: 'size=256m,uid=999,gid=999,mode=0700' } } },
  });
  await stack.configure({
    database: { service: 'db', alembic: { service: 'app' } },
    assess: { slowMs: 1500 },
    verify: {
      http: [{ service: 'one', path: '/cgi-bin/page' }],
      sql: [{ name: 'goods have numbers', query: 'SELECT count(*) FROM goods WHERE id < 0', equals: 0 }],
    },
  });
  await stack.rewind('deploy', '--verify', 'none');
  database = new TestDatabase(`${project}-db-1`, 'shop', 'shop');
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(base, box, app);
});

describe('a healthy stack', () => {
  test('has no reason to roll back', async () => {
    const { triggers, advice } = await assess();
    expect(triggers).toEqual([]);
    expect(advice.strategy).toBe('nothing');
  });
});

describe('a reason is found, with its evidence:', () => {
  test('a health check that fails, and what only follows from it', async () => {
    await execIn(one, 'touch', '/tmp/sick');
    await execIn(`${project}-two-1`, 'touch', '/tmp/sick');
    await until('unhealthy', 'two');
    const { triggers, cascades, advice } = await assess();
    expect(triggers.find(({ id, service: of }) => id === 'unhealthy' && of === 'one')?.evidence).toContain(one);
    expect(cascades).toEqual([{ cause: 'one', followers: ['two'] }]);
    expect(advice.strategy).toBe('restart');
    await execIn(`${project}-two-1`, 'rm', '/tmp/sick');
    await mend();
  });

  test('a service that was stopped', async () => {
    const docker = await engine();
    await docker.getContainer(one).stop();
    expect(await found('one')).toContain('stopped');
    expect(await stack.rewind('assess')).toMatch(/has ended with exit code/);
    await mend();
  });

  test('one that crashes again and again', async () => {
    await execIn(one, 'sh', '-c', 'echo "kill 1" > /tmp/do');
    await until('restart-loop', 'one');
    await until('does-not-start', 'one');
    await mend();
  });

  test('one that is killed for its memory', async () => {
    await execIn(one, 'sh', '-c', 'echo "head -c 60m /dev/zero | tail" > /tmp/do');
    await until('out-of-memory', 'one');
    await mend();
  });

  test('one that is about to be', async () => {
    await execIn(one, 'sh', '-c', 'head -c 37m /dev/zero > /dev/shm/much');
    expect(await found('one')).toContain('memory-near-limit');
    await mend();
  });

  test('one that uses all of the processor that it may', async () => {
    await execIn(one, 'sh', '-c', 'echo "while :; do :; done" > /tmp/do');
    // So little that it is given it, however busy the machine is with other tests.
    const docker = await engine();
    await docker.getContainer(one).update({ NanoCpus: 2e7 });
    await until('cpu-at-limit', 'one');
    await mend();
  });

  test('answers that are too slow', async () => {
    await execIn(one, 'sh', '-c', 'echo 2 > /tmp/slow');
    expect(await found('one')).toContain('slow');
    await mend();
  });

  test('answers that are errors', async () => {
    await execIn(one, 'sh', '-c', 'rm -r /tmp/www; killall httpd');
    expect(await found('one')).toContain('errors');
    await mend();
  });

  test('an image that somebody has swapped', async () => {
    const docker = await engine();
    const { HostConfig: host, Config: config } = await inspectContainer(one);
    await docker.getContainer(one).remove({ force: true });
    const options = { name: one, Image: base, Cmd: ['sleep', '3600'], Labels: config.Labels, HostConfig: host };
    await (await docker.createContainer(options)).start();
    expect(await found('one')).toContain('drift');
    await mend();
  });

  test('a schema that was changed by hand, and a revision that the image does not know', async () => {
    await database.sql('CREATE INDEX by_hand ON goods (id)');
    expect(await found('db')).toContain('schema-changed');
    await database.sql('DROP INDEX by_hand');
    await database.sql(`UPDATE alembic_version SET version_num = '0009'`);
    expect(await found('db')).toContain('revision-mismatch');
    await database.sql(`UPDATE alembic_version SET version_num = '0001'`);
    expect(await found()).toEqual([]);
  });

  test('data that fails its checks', async () => {
    await database.sql('INSERT INTO goods VALUES (-1)');
    const { triggers, advice } = await assess();
    expect(triggers).toMatchObject([{ id: 'data-check-failed', service: 'db' }]);
    expect(triggers[0]!.evidence).toContain('goods have numbers');
    expect(advice.strategy).toBe('fix-forward');
    await database.sql('DELETE FROM goods WHERE id < 0');
  });

  test('a migration that was left half applied', async () => {
    await database.sql('INSERT INTO goods VALUES (1), (2)');
    expect(await database.sql('CREATE UNIQUE INDEX CONCURRENTLY half ON goods ((1))')).toContain('could not create');
    const { triggers, advice } = await assess();
    expect(triggers.find(({ id }) => id === 'migration-failed')?.evidence).toContain('half');
    expect(advice.strategy).not.toBe('nothing');
    await database.sql('DROP INDEX half');
    await database.sql('DELETE FROM goods');
    expect(await found()).toEqual([]);
  });

  test('a disk that is nearly full', async () => {
    const much = '/var/lib/postgresql/data/much';
    const free = `$(df -Pk /var/lib/postgresql/data | awk 'NR == 2 { print $4 }')`;
    await execIn(`${project}-db-1`, 'sh', '-c', `head -c $(( ${free} - 18000 ))k /dev/zero > ${much}`);
    const { triggers } = await assess();
    await execIn(`${project}-db-1`, 'rm', much);
    expect(triggers.map(({ id, evidence }) => `${id}: ${evidence}`).join('\n')).toMatch(
      /disk-nearly-full: .*the database/,
    );
  });

  test('a database that refuses connections, and a service that has lost its own', async () => {
    await database.sql('ALTER DATABASE shop ALLOW_CONNECTIONS false', 'postgres');
    const connect = "import psycopg2; psycopg2.connect('postgresql://shop:word@db/shop')";
    const into = `for i in 1 2 3; do python3 -c "${connect}" > /proc/1/fd/1 2>&1; done; true`;
    await execIn(`${project}-app-1`, 'sh', '-c', into);
    expect(await found('db')).toContain('database-unreachable');
    expect(await found('app')).toContain('database-lost');
    await database.sql('ALTER DATABASE shop ALLOW_CONNECTIONS true', 'postgres');
  });

  test('a security problem, as it is declared', async () => {
    const { triggers } = await assess('--security', 'a token was in a log');
    expect(triggers.at(-1)).toMatchObject({ id: 'security', evidence: 'a token was in a log' });
  });
});

test('what was found is kept, with the containers and what they have logged last', async () => {
  await assess('--security', 'a token was in a log');
  const report = await stack.rewind('report');
  expect(report).toContain('a security problem was declared');
  expect(report).toContain(one);
  expect(report).not.toContain('word@db');
});
