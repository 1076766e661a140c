import { expect, test } from 'vitest';

import { notRunning, serverProblem } from '../../../src/postgres/problems';

const login = { service: 'db', user: 'shop', database: 'sh"op' };
const problemOf = (stderr: string, exitCode = 1): { code: string; message: string } =>
  serverProblem('It failed', { exitCode, stdout: '', stderr }, login);

test.each([
  ['psql: error: FATAL:  password authentication failed for user "shop"', 'database/no-login', 'the password is wrong'],
  ['psql: error: fe_sendauth: no password supplied', 'database/no-login', 'asks shop for a password'],
  ['psql: error: FATAL:  role "shop" does not exist', 'database/no-login', 'does not let shop in'],
  ['psql: error: FATAL:  database "sh"op" does not exist', 'database/unknown', 'no database "sh\\"op"'],
  ['ERROR:  canceling statement due to lock timeout', 'database/locked', 'Somebody holds a lock'],
  ['ERROR:  cannot execute CREATE DATABASE in a read-only transaction', 'database/read-only', 'takes no changes'],
  ['cat: write error: No space left on device', 'database/no-room', 'is full'],
  ['psql: error: connection to server on socket "/x" failed: No such file', 'database/unreachable', 'be reached'],
  ['ERROR:  division by zero', 'database/failed', 'division by zero'],
])('%s is %s', (stderr, code, message) => {
  expect(problemOf(stderr)).toMatchObject({ code, message: expect.stringContaining(message) as string });
});

test('a dump that waited too long for a table says so by a timeout of statements', () => {
  const said = 'pg_dump: error: query failed: ERROR:  canceling statement due to statement timeout\n';
  expect(problemOf(`${said}pg_dump: detail: Query was: LOCK TABLE public.goods IN ACCESS SHARE MODE`).code).toBe(
    'database/locked',
  );
  expect(problemOf(said).code).toBe('database/failed');
});

test('of several lines the one is told that says what is wrong, not what was tried', () => {
  const { message } = problemOf(
    'pg_dump: error: server closed the connection unexpectedly\npg_dump: detail: Command was: COPY',
  );
  expect(message).toContain('It says: pg_dump: error: server closed the connection unexpectedly');
});

test('a program that was killed, and says nothing or no whole line, was killed with its container', () => {
  expect(problemOf('', 137)).toMatchObject(notRunning('db', undefined));
  expect(problemOf('psql:', 137)).toMatchObject(notRunning('db', undefined));
  const unknown = { exitCode: undefined, stdout: '', stderr: '' };
  expect(serverProblem('It failed', unknown, login)).toMatchObject({ code: 'database/unreachable' });
});

test.each([126, 127])('exit code %i means that the container has no such program', (exitCode) => {
  expect(problemOf('sh: psql: not found', exitCode)).toMatchObject({ code: 'database/not-postgres' });
});

const engineSays = 'OCI runtime exec failed: exec failed: unable to start container process: ';

test.each([
  ['exec: "sh": executable file not found in $PATH: unknown', 'database/not-postgres'],
  ['open /proc/714/ns/ipc: no such file or directory: unknown', 'database/unreachable'],
])('the engine, which says %s, tells by what it misses', (reason, code) => {
  expect(
    serverProblem('It failed', { exitCode: 126, stdout: `${engineSays}${reason}`, stderr: '' }, login),
  ).toMatchObject({ code });
});
