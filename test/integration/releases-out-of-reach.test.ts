import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { run } from '../../src/process';
import { freePorts } from '../support/busy-port';
import { containerIds, inspectContainer } from '../support/docker';
import { nextEvent } from '../support/engine-events';
import type { Told } from '../support/refusal';
import { RunningRewind } from '../support/running-rewind';
import { type SmallDisk, smallDisk } from '../support/small-disk';
import { TestStack } from '../support/stack';
import { imageId, makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

// r1 and r3 run version 1, r2 version 2. What a command needs is taken away from it, and comes back.

const project = 'rewind-out-of-reach';
const box = (tag: string): string => `rewind-out-of-reach/box:${tag}`;
const api = `${project}-api-1`;

let stack: TestStack;
let disk: SmallDisk | undefined;

beforeAll(async () => {
  await makeTaggedImages({ [box('v1')]: 'plain', [box('v2')]: 'newer' });
  stack = await TestStack.create(project);
  disk = await smallDisk(join(stack.directory, 'disk'), '1m');
  if (disk) await stack.configure({ store: 'file://./disk' });
  await stack.write('compose.yaml', { services: { api: { image: box('v1') } } });
  for (const tag of ['v1', 'v2', 'v1']) await stack.rewind('deploy', `api=${tag}`);
});

afterAll(async () => {
  await disk?.unmount();
  await stack.remove();
  await removeTaggedImages(box('v1'), box('v2'));
});

const configuration = (): Promise<string> => readFile(join(stack.directory, 'Pulumi.dev.yaml'), 'utf8');
const state = async (): Promise<unknown> => [await containerIds(project), await configuration()];

const changes = [
  ['deploy', 'api=v2'],
  ['revert', 'r2', '--yes'],
] as const;

/** A command fails within half a minute, with one error as JSON and as text, and nothing has changed. */
async function refused(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const before = await state();
  const started = Date.now();
  const asJson = await stack.tryRewind([...command, '--json'], env);
  expect(Date.now() - started).toBeLessThan(30_000);
  expect([asJson.exitCode, asJson.stderr]).toEqual([1, '']);
  const { errors, why } = JSON.parse(asJson.stdout) as { errors?: Told[]; why?: string };
  const asText = await stack.tryRewind(command, env);
  expect(asText.exitCode).toBe(1);
  expect(`${asText.stdout}${asText.stderr}`).not.toMatch(/\n\s+at |unhandled|\.js:\d|\[object |\u001b/);
  expect(await state()).toEqual(before);
  if (why !== undefined) return why;
  expect(errors).toHaveLength(1);
  return `${errors![0]!.message}\n  → ${errors![0]!.fix} [${errors![0]!.code}]`;
}

describe('a store', () => {
  test('that is read-only is told of before anything changes; plan, history and restart do without', async ({
    skip,
  }) => {
    if (!disk) return skip('this process may not mount a file system');
    await disk.readOnly(true);
    try {
      for (const command of changes) {
        expect(await refused(command)).toMatch(
          /^The store’s folder \S+ cannot be written: .*read-only.*\n {2}→ Make the folder writable .+ \[store\/unusable\]$/,
        );
      }
      expect(await stack.rewindJson(['plan', 'r2'])).toMatchObject({
        services: [{ service: 'api', action: 'replace' }],
      });
      expect(await stack.rewindJson(['history'])).toHaveLength(3);
      expect(await stack.rewindJson(['restart'])).toMatchObject({
        restarted: ['api'],
        unrecorded: expect.stringContaining('read-only') as string,
      });
    } finally {
      await disk.readOnly(false);
    }
  });

  test('that is full is told of before anything changes', async ({ skip }) => {
    if (!disk) return skip('this process may not mount a file system');
    const filler = join(disk.path, 'filler');
    // To the last byte, and so that there is room for small files, but not for a release.
    for (const left of [0, 64 * 1024]) {
      await run(['dd', 'if=/dev/zero', `of=${filler}`, 'bs=4096']);
      await run(['truncate', `--size=-${left}`, filler]);
      try {
        for (const command of changes) {
          expect(await refused(command)).toMatch(/no space left on device[^]* → [^]*\[store\/unusable\]$/);
        }
        expect(await stack.rewindJson(['plan', 'r2'])).toMatchObject({ obstacles: [] });
      } finally {
        await run(['rm', filler]);
      }
    }
  });

  test('that cannot be written any more once services run has what ran before put back', async ({ skip }) => {
    if (!disk) return skip('this process may not mount a file system');
    const before = await configuration();
    const moment = nextEvent(api, 'destroy');
    const rewind = RunningRewind.start(stack, 'deploy', 'api=v2');
    await rewind.until(moment);
    await disk.readOnly(true);
    try {
      expect(await rewind.end()).toBe(3);
      expect(rewind.stdout).toMatch(/\[store\/unusable\]\n\nputting back r3\n[^]*r3, which ran before, runs again/);
    } finally {
      await disk.readOnly(false);
    }
    expect((await inspectContainer(api)).Image).toBe(await imageId(box('v1')));
    expect(await configuration()).toBe(before);
    expect(await stack.plannedSteps()).toEqual({});
    expect(await stack.rewindJson(['deploy'])).toMatchObject({ state: 'done', release: { number: 3 } });
  });
});

describe('a state backend', () => {
  test('whose folder is gone', async () => {
    const url = `file://${join(stack.directory, 'no-such-folder')}`;
    for (const command of [...changes, ['plan', 'r2'], ['history']]) {
      const told = await refused(command, { PULUMI_BACKEND_URL: url });
      expect(told).toContain('no-such-folder: no such file or directory');
      expect(told).toMatch(/\n {2}→ .*PULUMI_BACKEND_URL.* \[pulumi\/failed\]$/);
    }
    await expect(stat(join(stack.directory, 'no-such-folder'))).rejects.toThrow('ENOENT');
  });

  test('where nobody listens', async () => {
    const [port] = await freePorts(1);
    const env = { PULUMI_BACKEND_URL: `http://127.0.0.1:${port}`, PULUMI_ACCESS_TOKEN: 'none' };
    expect(await refused(['deploy', 'api=v2'], env)).toMatch(/\n {2}→ .*PULUMI_BACKEND_URL.* \[pulumi\/failed\]$/);
  });
});

test('a Docker engine that does not answer is named, by every command that needs it', async () => {
  const env = { DOCKER_HOST: `unix://${join(stack.directory, 'no.sock')}` };
  for (const command of [...changes, ['plan', 'r2'], ['restart']]) {
    expect(await refused(command, env)).toMatch(
      /^No Docker engine answers at unix:\/\/\S+\/no\.sock \(DOCKER_HOST\): .+\n {2}→ Start Docker .+ \[docker\/unreachable\]$/,
    );
  }
});

describe('a compose file that has moved', () => {
  test('is named by deploy, and a kept release runs without it', async () => {
    const path = join(stack.directory, 'compose.yaml');
    await rename(path, `${path}.moved`);
    try {
      const told = await refused(['deploy', 'api=v2']);
      expect(told).toContain('The compose file compose.yaml (rewind:compose');
      expect(told).toMatch(/\[compose\/not-found\]$/);
      expect(await stack.rewindJson(['revert', 'r2', '--yes'])).toMatchObject({
        state: 'done',
        release: { number: 4 },
      });
      expect((await inspectContainer(api)).Image).toBe(await imageId(box('v2')));
      expect(await stack.plannedSteps()).toEqual({});
    } finally {
      await rename(`${path}.moved`, path);
    }
  });
});

describe('output', () => {
  test('in a pipe is plain lines; a reader that goes away does not stop the work', async () => {
    const out = await stack.rewind('deploy', 'api=v1');
    expect(out).toMatch(
      /^The stack runs the kept model of r2; .+\ndeploy api=v1\n {2}api: \S+\n[^]*\nr5 runs, verified by \d+ probes \(.+\)\.$/,
    );
    expect(out).not.toContain('\u001b');
    const command = stack.rewindCommand('deploy', 'api=v2').join(' ');
    await run(['sh', '-c', `${command} | head -n 1`], { cwd: stack.directory, env: stack.env });
    expect(await stack.rewindJson(['deploy'])).toMatchObject({ state: 'done', release: { number: 6 } });
  });

  test('on a terminal is a list that is kept up to date', async ({ skip }) => {
    const command = stack.rewindCommand('deploy', 'api=v1').join(' ');
    const log = join(stack.directory, 'typescript');
    await writeFile(log, '');
    const { exitCode, notFound } = await run(['script', '--quiet', '--return', '--command', command, log], {
      cwd: stack.directory,
      env: { ...stack.env, TERM: 'xterm', CI: '' },
    });
    if (notFound) return skip('the command script (util-linux) is missing');
    expect(exitCode).toBe(0);
    const shown = await readFile(log, 'utf8');
    expect(shown).toContain('\u001b[');
    expect(shown).toMatch(/api/);
    expect(shown).toMatch(/r7 runs, verified by \d+ probes \(.+\)\./);
  });
});
