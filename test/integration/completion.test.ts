import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { run } from '../../src/process';

// A project with releases of two stacks, as they lie on disk: completing asks neither pulumi nor Docker.

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rewind-completion-'));
  const bin = join(folder, 'bin');
  const releases = join(folder, '.rewind', 'stacks', 'shop', 'dev', 'releases');
  await Promise.all([bin, releases, join(folder, 'config')].map((path) => mkdir(path, { recursive: true })));
  const cli = `#!/bin/sh\nexec '${process.execPath}' '${resolve('dist', 'cli.js')}' "$@"\n`;
  await writeFile(join(bin, 'rewind'), cli, { mode: 0o755 });
  for (const name of ['Pulumi.yaml', 'Pulumi.dev.yaml', 'Pulumi.production.yaml']) {
    await writeFile(join(folder, name), 'name: shop\n');
  }
  for (const number of [1, 2, 3, 10]) await writeFile(join(releases, `r${number}.json`), '{}');
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const env = (): Record<string, string> => ({ PATH: `${join(folder, 'bin')}:${process.env['PATH']}` });

/** Runs a program in a folder of the project, and gives what it printed. */
async function inProject(...argv: [string, ...string[]]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(argv, { cwd: join(folder, 'config'), env: env() });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}

/** What the program answers to a shell that completes the last of these words: without the descriptions. */
async function answers(...words: string[]): Promise<string[]> {
  const lines = (await inProject('rewind', 'complete', '--', ...words)).split('\n');
  expect(lines.at(-1)).toMatch(/^:\d+$/);
  return lines.slice(0, -1).map((line) => line.split('\t')[0]!);
}

describe('the program completes', () => {
  test('commands, but for those that only a clone has', async () => {
    expect(await answers('')).toEqual(
      expect.arrayContaining(['init', 'deploy', 'history', 'plan', 'revert', 'restart', 'setup', 'env', 'completion']),
    );
    expect(await answers('rev')).toEqual(['revert']);
    expect(await answers('ex')).toEqual([]);
  });

  test.each(['revert', 'plan'])('releases after %s, the newest first', async (command) => {
    expect(await answers(command, '')).toEqual(['r10', 'r3', 'r2', 'r1']);
    expect(await answers(command, 'r1')).toEqual(['r10', 'r1']);
    expect(await answers(command, '--stack', 'dev', 'r3')).toEqual(['r3']);
  });

  test('stacks after --stack, and options', async () => {
    expect((await answers('deploy', '--stack', '')).sort()).toEqual(['dev', 'production']);
    expect(await answers('revert', '--y')).toEqual(['--yes']);
    expect(await answers('env', '--shell', '')).toEqual(['bash', 'fish', 'powershell', 'json']);
    expect(await answers('completion', 'z')).toEqual(['zsh']);
  });

  test('nothing where there is no project, and does not fail', async () => {
    const { exitCode, stdout } = await run(['rewind', 'complete', '--', 'revert', ''], { cwd: '/', env: env() });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: ':4' });
  });
});

// Stands in for the package bash-completion, of which the script uses this one function: `_get_comp_words_by_ref`.
const wordsByRef = `
_get_comp_words_by_ref() {
  words=("\${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur=\${COMP_WORDS[COMP_CWORD]}; prev=\${COMP_WORDS[COMP_CWORD-1]}
}`;

/** What bash offers for a command line with the cursor at its end, by the function that the script registers. */
async function inBash(...words: string[]): Promise<string[]> {
  const script = `
    ${wordsByRef}
    compopt() { :; }
    source <(rewind completion bash)
    [[ $(complete -p rewind) =~ -F\\ ([^ ]+) ]]
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    "\${BASH_REMATCH[1]}" rewind
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  return (await inProject('bash', '-c', script, 'bash', 'rewind', ...words)).split('\n');
}

describe('in bash', () => {
  test('a command is completed', async () => {
    expect(await inBash('rev')).toEqual(['revert']);
  });

  test('releases are offered after revert', async () => {
    expect((await inBash('revert', '')).sort()).toEqual(['r1', 'r10', 'r2', 'r3']);
    expect(await inBash('plan', 'r3')).toEqual(['r3']);
  });

  test('an option of a command is completed', async () => {
    expect(await inBash('deploy', '--mes')).toEqual(['--message']);
  });
});

describe('the script', () => {
  test.each([
    ['bash', ['-n']],
    ['zsh', ['-n']],
    ['fish', ['--no-execute']],
  ])('for %s is one that this shell can read', async (shell, check) => {
    const script = await inProject('rewind', 'completion', shell);
    expect(script).toContain('rewind complete --');
    if ((await run([shell, '--version'])).notFound) return;
    const file = join(folder, `completion.${shell}`);
    await writeFile(file, script);
    await inProject(shell, ...check, file);
  });

  test('for another shell is refused, with those that there are', async () => {
    const { exitCode, stderr } = await run(['rewind', 'completion', 'tcsh'], { env: env() });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('zsh, bash, fish, powershell');
  });
});
