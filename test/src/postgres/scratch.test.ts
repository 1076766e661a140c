import { expect, test } from 'vitest';

import { removeAbandoned, removeLeft } from '../../../src/postgres/scratch';
import type { PostgresServer } from '../../../src/postgres/server';

/** A server with databases, of which some are held by a session for a number of questions more. */
function serverWith(databases: readonly string[], held: Record<string, number> = {}) {
  const left = new Set(databases);
  const server = {
    database: 'shop',
    maintenance: 'postgres',
    databasesLike: (suffix: string) => Promise.resolve([...left].filter((name) => name.includes(suffix))),
    query: (sql: string) => {
      if (!sql.includes('pg_try_advisory')) return Promise.resolve([{ folder: '/data' }]);
      const name = databases.find((it) => sql.includes(`rewind ${it}`))!;
      held[name] = (held[name] ?? 0) - 1;
      return Promise.resolve([{ free: held[name] < 0 }]);
    },
    tool: () => Promise.resolve({ exitCode: 0, stdout: '', stderr: '' }),
    execute: (sql: string) => {
      left.delete(/"(.*?)"/.exec(sql)?.[1] ?? '');
      return Promise.resolve();
    },
  } as unknown as PostgresServer;
  return { server, left };
}

const [shadow, prepared, proof, kept] = [
  'shop.shadow-20260301-101500',
  'shop.prepared-20260301-101500',
  'shop.proof-20260301-101500',
  'shop.before-20260301-101500',
];

test('databases of processes that were killed are removed; what somebody works with is told, and stays', async () => {
  const { server, left } = serverWith([shadow, prepared, proof, kept], { [proof]: 1 });
  expect(await removeAbandoned(server)).toEqual([proof]);
  expect([...left]).toEqual([prepared, proof, kept]);
});

test('what an update that has failed was restoring, or had restored, is removed, when its session has ended', async () => {
  const { server, left } = serverWith([shadow, prepared, proof, kept], { [shadow]: 2 });
  await removeLeft(server);
  expect([...left]).toEqual([proof, kept]);
});

test('a session that does not end is not waited for for ever', async () => {
  const { server, left } = serverWith([shadow], { [shadow]: 1000 });
  await removeLeft(server, 10);
  expect([...left]).toEqual([shadow]);
});
