import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { run } from '../../src/process';
import { footprint } from '../support/footprint';
import { changesSince, lifeSigns, type LiveState, liveEnvironment, liveState } from '../support/live-state';
import { TestStack } from '../support/stack';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

const project = 'rewind-release-secrets';
const image = 'rewind-release-secrets/box:1';
const api = `${project}-api-1`;

/** By where it comes from: the value in the first release, and in the second. */
const secrets = {
  plain: ['plain-4711-first', 'plain-0815-second'],
  awkward: [' awkward "4711" \\first $x\nline-of-4711\n', ' awkward "0815" \\second $x\nline-of-0815\n'],
  whole: ['whole-4711-first', 'whole-0815-second'],
  interpolated: ['interpolated-4711-first', 'interpolated-0815-second'],
  variable: ['variable-4711-first', 'variable-0815-second'],
  file: ['file-4711-first', 'file-0815-second'],
} as const;
const passphrases = ['passphrase-4711-first', 'passphrase-0815-second'] as const;

/** Texts that nothing may show: the values, and the parts that a value of several lines has. */
const everySecret = [...Object.values(secrets).flat(), ...passphrases].flatMap((value) =>
  [...value.trim().split('\n'), JSON.stringify(value).slice(1, -1)].filter((text) => text !== ''),
);

const compose = {
  services: {
    api: {
      image,
      command: ['sh', '-c', 'exec serve', '${DB_PASSWORD}'],
      environment: { DATABASE_URL: 'postgres://app:${DB_PASSWORD}@db/app' },
      secrets: ['token', 'key'],
    },
    other: { image },
  },
  secrets: { token: { environment: 'API_TOKEN' }, key: { file: './key.txt' } },
};

let stack: TestStack;
let passphrase: string = passphrases[0];
const then: LiveState[] = [];

const env = (): Record<string, string> => ({
  PULUMI_CONFIG_PASSPHRASE: passphrase,
  PULUMI_CONFIG_PASSPHRASE_FILE: '',
});
const configText = (): Promise<string> => readFile(join(stack.directory, 'Pulumi.dev.yaml'), 'utf8');

/** A command of pulumi that takes a value through its standard input, as a person does who does not want it seen. */
async function pulumiWith(input: string, ...args: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await run(['pulumi', ...stack.argumentsOf(...args)], {
    cwd: stack.directory,
    env: { ...stack.env, ...env() },
    input,
  });
  if (exitCode !== 0) throw new Error(`pulumi ${args.join(' ')} failed: ${stderr}`);
  stack.printed.push(stdout, stderr);
}

async function deploy(version: 0 | 1): Promise<void> {
  await stack.write('.env', `DB_PASSWORD=${secrets.interpolated[version]}\nAPI_TOKEN=${secrets.variable[version]}\n`);
  await stack.write('key.txt', secrets.file[version]);
  const set = (value: string, ...args: string[]): Promise<void> =>
    // One line feed at the end of the input is not part of the value.
    pulumiWith(`${value}\n`, 'config', 'set', '--secret', ...args);
  await set(secrets.plain[version], '--path', 'rewind:secrets.api.PLAIN');
  await set(secrets.awkward[version], '--path', 'rewind:secrets.api["an.awkward[key]"]');
  await set(JSON.stringify({ other: { WHOLE: secrets.whole[version] } }), 'rewind:env');
  expect(await stack.tryRewind(['deploy'], env())).toMatchObject({ exitCode: 0 });
  then.push(await liveState(project));
}

beforeAll(async () => {
  await makeTaggedImages({ [image]: 'plain' });
  stack = await TestStack.create(project, { env: env() });
  await stack.write('compose.yaml', compose);
  await deploy(0);
  await deploy(1);
});

afterAll(async () => {
  await stack.remove();
  await removeTaggedImages(image);
});

describe('after the passphrase of the stack has changed', () => {
  beforeAll(async () => {
    await pulumiWith(`${passphrases[1]}\n`, 'stack', 'change-secrets-provider', 'passphrase');
    passphrase = passphrases[1];
  });

  test('a plan says what a revert does, with every secret masked', async () => {
    const { exitCode, stdout } = await stack.tryRewind(['plan'], env());
    expect(exitCode).toBe(0);
    const shown = stdout.split('\n').filter((line) => line.includes('[secret]'));
    expect(shown.map((line) => line.trim())).toEqual([
      'env ~ DATABASE_URL: [secret] → [secret]',
      'env ~ PLAIN: [secret] → [secret]',
      'env ~ an.awkward[key]: [secret] → [secret]',
      '~ command: ["sh","-c","exec serve","[secret]"] → ["sh","-c","exec serve","[secret]"]',
      'env ~ WHOLE: [secret] → [secret]',
    ]);
    expect(stdout).toContain('file key.txt: changed (secret)');
  });

  test('a revert brings every secret back as it was', async () => {
    const { exitCode, stdout } = await stack.tryRewind(['revert', '--yes'], env());
    expect(stdout).toMatch(/^r3 runs/m);
    expect(exitCode).toBe(0);
    expect(changesSince(then[0]!, await liveState(project))).toEqual([]);
    expect(await liveEnvironment(api)).toMatchObject({
      PLAIN: secrets.plain[0],
      'an.awkward[key]': secrets.awkward[0],
      DATABASE_URL: `postgres://app:${secrets.interpolated[0]}@db/app`,
    });
    expect(await liveEnvironment(`${project}-other-1`)).toMatchObject({ WHOLE: secrets.whole[0] });
  });

  test('so that the stack configuration holds them, encrypted with the new one, and a bare pulumi up changes nothing', async () => {
    const before = await lifeSigns(project);
    const { ok, output } = await stack.tryPulumi(['up', '--yes', '--skip-preview'], env());
    expect(output).toContain('unchanged');
    expect(ok).toBe(true);
    expect(await lifeSigns(project)).toEqual(before);
  });
});

describe('a release whose secrets cannot be read', () => {
  const commands = ['plan r2', 'revert r2 --yes', 'revert r2 --yes --json'];
  let kept: string;
  let before: unknown;

  async function expectRefusal(command: readonly string[], why: string): Promise<void> {
    const { exitCode, stdout, stderr } = await stack.tryRewind(command, env());
    const output = command.includes('--json') ? JSON.stringify(JSON.parse(stdout)) : `${stdout}${stderr}`;
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: expect.stringContaining(why) as string });
    expect(output).toContain('The configuration of r2 cannot be read');
    expect(output).toContain('rewind:key');
    expect(await footprint(stack)).toEqual(before);
  }

  beforeAll(async () => {
    kept = await configText();
  });

  describe('as rewind:key is not set', () => {
    beforeAll(async () => {
      await stack.configure({ key: undefined });
      before = await footprint(stack);
    });
    test.each(commands)('is refused before anything changes: rewind %s', (command) =>
      expectRefusal(command.split(' '), 'rewind:key is not set'),
    );
  });

  describe('as rewind:key is another one', () => {
    beforeAll(async () => {
      await pulumiWith(Buffer.alloc(32, 7).toString('base64'), 'config', 'set', '--secret', 'rewind:key');
      before = await footprint(stack);
    });
    test.each(commands)('is refused before anything changes: rewind %s', (command) =>
      expectRefusal(command.split(' '), 'was encrypted with another key, or is damaged'),
    );
  });

  test('is what a deploy makes of earlier releases that has to make a new key, which it says', async () => {
    await stack.configure({ key: undefined });
    const { exitCode, stdout } = await stack.tryRewind(['deploy'], env());
    expect(exitCode).toBe(0);
    expect(stdout.split('\n')[0]).toBe(
      'The stack runs the kept model of r1; this goes back to the compose file (rewind plan r1 says how they differ).',
    );
    expect(stdout.split('\n')[1]).toMatch(/^rewind:key is not set, so a new one is made\./);
    before = await footprint(stack);
    await expectRefusal(['revert', 'r2', '--yes'], 'was encrypted with another key, or is damaged');
  });

  test('can be brought back again with the key that it was made with', async () => {
    await stack.write('Pulumi.dev.yaml', kept);
    expect(await stack.tryRewind(['revert', 'r2', '--yes'], env())).toMatchObject({ exitCode: 0 });
    expect(changesSince(then[1]!, await liveState(project))).toEqual([]);
  });
});

test('no secret is in anything that was printed, in the releases, or in the state', async () => {
  const places: [string, string][] = stack.printed.map((text) => ['printed', text]);
  for (const folder of ['stacks', 'state']) {
    const root = join(stack.directory, '.rewind', folder);
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) places.push([path, await readFile(path, 'latin1')]);
    }
  }
  places.push(['Pulumi.dev.yaml', await configText()]);
  expect(places.length).toBeGreaterThan(20);
  const found = places.flatMap(([place, text]) =>
    everySecret.filter((secret) => text.includes(secret)).map((secret) => `${place}: ${secret}`),
  );
  expect(found).toEqual([]);
});
