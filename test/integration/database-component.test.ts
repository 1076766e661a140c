import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { execIn } from '../support/docker';
import { TestStack } from '../support/stack';
import { databaseService } from '../support/test-database';

// One stack with a real Postgres and the provider that works inside of it: each test goes on from where the one before
// it left.

const project = 'rewind-inside';
const port = 47_815;
const password = 'word-nobody-may-see';
const chosen = 'chosen-word-nobody-may-see';

const compose = (ports: readonly string[]): object => ({
  services: {
    db: { ...databaseService('shop', { password }), ports },
  },
  volumes: { data: {} },
});

const database = {
  service: 'db',
  verifier: true,
  roles: { reports: 'read', importer: 'write' },
  databases: { stock: 'importer' },
  extensions: ['pgcrypto'],
};

let stack: TestStack;

const quietly = ['psql', '-X', '-q', '-At', '-P', 'pager=off', '-v', 'ON_ERROR_STOP=1'] as const;
/** What psql prints, errors too. */
const psql = (user: string, text: string, name = 'shop'): Promise<string> =>
  execIn(`${project}-db-1`, ...quietly, '-U', user, '-d', name, '-c', text);

const rolesThere = (): Promise<string> =>
  psql('shop', `SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_'`);

beforeAll(async () => {
  stack = await TestStack.create(project);
  await stack.write('compose.yaml', compose([]));
  await stack.configure({ database: { service: 'db' } });
  await stack.up();
  await psql('shop', 'CREATE TABLE goods (id int PRIMARY KEY); INSERT INTO goods VALUES (1), (2)');
});

afterAll(async () => {
  await stack.remove();
});

describe('what is declared inside of the database', () => {
  test('needs a port, and says how to publish one for this machine alone; nothing has changed then', async () => {
    await stack.configure({ database });
    const { ok, output } = await stack.tryUp();
    expect(ok).toBe(false);
    expect(output).toContain('db publishes it on no fixed port of this machine');
    expect(output).toContain('services.db.ports: ["127.0.0.1:5432:5432"]');
    expect(await rolesThere()).toBe('shop');
  });

  test('is there after an update: roles, databases and extensions', async () => {
    await stack.write('compose.yaml', compose([`127.0.0.1:${port}:5432`]));
    await stack.configureSecret('passwords.reports', chosen);
    await stack.up();
    expect(await rolesThere()).toBe('importer reports rewind_verifier shop');
    expect(await psql('shop', `SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'stock'`)).toBe(
      'importer',
    );
    expect(await psql('shop', `SELECT extname FROM pg_extension WHERE extname = 'pgcrypto'`)).toBe('pgcrypto');
  });

  test('is no change afterwards, with a look at the server or without', async () => {
    expect(await stack.plannedSteps()).toEqual({});
    await stack.preview('--refresh', '--expect-no-changes');
  });

  test('has a role for verification that reads every table, also those to come, and can write none', async () => {
    await psql('shop', 'CREATE TABLE later (id int); INSERT INTO later VALUES (7)');
    expect(await psql('rewind_verifier', 'SELECT count(*) FROM goods')).toBe('2');
    expect(await psql('rewind_verifier', 'SELECT id FROM later')).toBe('7');
    expect(await psql('rewind_verifier', 'INSERT INTO goods VALUES (3)')).toContain('permission denied');
    expect(await psql('rewind_verifier', 'DELETE FROM later')).toContain('permission denied');
    expect(await psql('rewind_verifier', 'CREATE TABLE mine (id int)')).toContain('permission denied');
    expect(await psql('rewind_verifier', 'DROP TABLE later')).toContain('must be owner');
  });

  test('lets a role write where that is declared, and only there', async () => {
    await psql('importer', 'INSERT INTO goods VALUES (3)');
    expect(await psql('reports', 'INSERT INTO goods VALUES (4)')).toContain('permission denied');
  });

  test('lets a role in with its password alone', async () => {
    const login = (word: string): Promise<string> =>
      execIn(
        `${project}-db-1`,
        ...['env', `PGPASSWORD=${word}`, ...quietly, '-h', `${project}-db-1`],
        ...['-U', 'reports', '-d', 'shop', '-c', 'SELECT 1'],
      );
    expect(await login(chosen)).toBe('1');
    expect(await login('another-word')).toContain('password authentication failed');
  });

  test('shows no password: not in the state, not in what was printed', async () => {
    const state = await stack.exported();
    expect(state).toContain('rewind_verifier');
    for (const text of [state, ...stack.printed]) {
      expect(text).not.toContain(password);
      expect(text).not.toContain(chosen);
    }
  });

  test('is put back where somebody has changed it', async () => {
    await psql('shop', 'REVOKE pg_read_all_data FROM reports');
    await stack.up('--refresh');
    expect(await psql('reports', 'SELECT count(*) FROM goods')).toBe('3');
  });

  test('stays in the server when it is no longer declared, with all its data', async () => {
    await psql('importer', 'CREATE TABLE parts (id int); INSERT INTO parts VALUES (1)', 'stock');
    await stack.configure({ database: { service: 'db' } });
    await stack.up();
    expect(await stack.exported()).not.toContain('rewind_verifier');
    expect(await rolesThere()).toBe('importer reports rewind_verifier shop');
    expect(await psql('importer', 'SELECT count(*) FROM parts', 'stock')).toBe('1');
    expect(await psql('shop', 'SELECT count(*) FROM goods')).toBe('3');
  });

  test('is taken up again when it is declared again, be it with another password', async () => {
    await stack.configure({ database });
    await stack.up();
    expect(await stack.plannedSteps()).toEqual({});
    await stack.configureSecret('passwords.reports', `${chosen}-2`);
    expect(await stack.plannedSteps()).toEqual({ reports: 'update' });
    await stack.up();
    expect(await stack.plannedSteps()).toEqual({});
    expect(await psql('importer', 'SELECT count(*) FROM parts', 'stock')).toBe('1');
  });
});
