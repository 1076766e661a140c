import { execa } from 'execa';
import path from 'node:path';
import { expect, test } from 'vitest';

const bootstrap = path.resolve('toolchain/bootstrap.mjs');

test('with an old Node.js, one sentence says which is needed and how to get it', async () => {
  const pretend = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"18.20.4"})';
  const { stderr, exitCode } = await execa(process.execPath, ['--import', pretend, bootstrap, 'start'], {
    reject: false,
  });
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(
    /^Rewind needs Node\.js 20 or newer; this is 18\.20\.4 \(.*\)\.\n {2}→ Install a current one: https:/,
  );
});

test('a verb that does not exist is answered with those that do', async () => {
  const { stderr, exitCode } = await execa(process.execPath, [bootstrap, 'stop'], { reject: false });
  expect(exitCode).toBe(1);
  expect(stderr).toBe('There is no verb stop.\n  → Use one of: start, down, bench, soak, faults, test. [cli/usage]');
});
