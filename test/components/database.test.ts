import { beforeEach, describe, expect, test, vi } from 'vitest';

import { Database, type DatabaseArgs } from '../../components/database';
import { nothingInside } from '../../src/actions/found-inside';
import type { DatabasePlan } from '../../src/postgres/declared';
import { Sensitive } from '../../src/sensitive';
import { PulumiRecorder } from '../support/pulumi-recorder';

const plan: DatabasePlan = {
  host: '127.0.0.1',
  port: 5433,
  user: 'shop',
  password: new Sensitive('hunter22'),
  database: 'goods',
  roles: [
    { name: 'rewind_verifier', rights: 'read' },
    { name: 'importer', rights: 'write' },
    { name: 'monitor', rights: 'none' },
  ],
  databases: [{ name: 'stock', owner: 'importer' }],
  extensions: ['pg_trgm'],
};

let recorder: PulumiRecorder;
beforeEach(async () => {
  recorder = await PulumiRecorder.start();
});

/** Declares it, and waits until all of it has been declared. */
async function declare(changes: Partial<DatabaseArgs> = {}): Promise<void> {
  const args = { plan, passwordOf: () => 'made-word', after: Promise.resolve([]), found: nothingInside };
  new Database('shop-goods', { ...args, ...changes });
  await vi.waitUntil(() => recorder.resources.length === 9, { timeout: 5000, interval: 5 });
}

describe('a database', () => {
  test('is reached over loopback, with the password as a secret', async () => {
    await declare();
    expect(recorder.the('postgresql', 'shop-goods').inputs).toMatchObject({
      host: '127.0.0.1',
      port: '5433',
      username: 'shop',
      password: { secret: 'hunter22' },
      sslmode: 'disable',
    });
  });

  test('has roles in the groups of their rights, each with its password as a secret', async () => {
    await declare({ passwordOf: (role) => `word-of-${role}` });
    const inputs = Object.fromEntries(recorder.ofType('Role').map(({ name, inputs }) => [name, inputs]));
    expect(inputs).toMatchObject({
      rewind_verifier: { roles: ['pg_read_all_data'], password: { secret: 'word-of-rewind_verifier' } },
      importer: { roles: ['pg_read_all_data', 'pg_write_all_data'], login: true },
      monitor: { roles: [] },
    });
    expect(recorder.ofType('Grant').map(({ name }) => name)).toEqual(['rewind_verifier-connect', 'importer-connect']);
  });

  test('gives a further database to its owner, after that was made', async () => {
    await declare();
    const { inputs, dependencies } = recorder.ofType('Database').find(({ name }) => name === 'stock')!;
    expect(inputs).toMatchObject({ name: 'stock', owner: 'importer' });
    expect(dependencies).toContain('importer');
  });

  test('drops nothing, whatever leaves the declaration', async () => {
    await declare();
    const inside = recorder.resources.filter(({ type }) => /postgresql:index/.test(type));
    expect(inside).toHaveLength(7);
    expect(inside.map(({ retainOnDelete }) => retainOnDelete)).not.toContain(false);
  });

  test('takes up what an earlier declaration has left, and compares no password that is right', async () => {
    const found = {
      roles: new Set(['importer', 'monitor']),
      withPassword: new Set(['monitor']),
      databases: new Set(['stock']),
    };
    await declare({ found });
    expect(recorder.the('Role', 'monitor')).toMatchObject({ importId: 'monitor', ignoreChanges: ['password'] });
    expect(recorder.the('Role', 'importer')).toMatchObject({ importId: 'importer', ignoreChanges: [] });
    expect(recorder.the('Role', 'rewind_verifier')).toMatchObject({ importId: '', ignoreChanges: [] });
    expect(recorder.ofType('Database').find(({ name }) => name === 'stock')).toMatchObject({ importId: 'stock' });
  });
});
