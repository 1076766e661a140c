import { expect, test } from 'vitest';

import { run } from '../../src/process';

const node = process.execPath;

test('a process gives its exit code and what it printed, without the last line end', async () => {
  const program = 'console.log("out"); console.error("err"); process.exit(3)';
  expect(await run([node, '-e', program])).toEqual({ exitCode: 3, stdout: 'out', stderr: 'err', notFound: false });
});

test('a program that is not there is no exception', async () => {
  expect(await run(['no-such-program-anywhere'])).toMatchObject({ exitCode: undefined, notFound: true });
});

test('a process has the environment of this one, what is added to it, and the folder that it is given', async () => {
  const program = 'console.log(process.env.ADDED, process.env.PATH !== undefined, process.cwd())';
  expect((await run([node, '-e', program], { env: { ADDED: 'yes' }, cwd: '/' })).stdout).toBe('yes true /');
});

test('a process reads what it is given, and nothing otherwise', async () => {
  const program = 'console.log(require("fs").readFileSync(0, "utf8").length)';
  expect((await run([node, '-e', program], { input: 'four' })).stdout).toBe('4');
  expect((await run([node, '-e', program])).stdout).toBe('0');
});

test('a process that takes too long, or is not wanted any more, is ended', async () => {
  const forever = 'setInterval(() => {}, 1000)';
  expect((await run([node, '-e', forever], { timeoutMs: 50 })).exitCode).toBeUndefined();
  expect((await run([node, '-e', forever], { signal: AbortSignal.timeout(50) })).exitCode).toBeUndefined();
});
