import { execa } from 'execa';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildIfStale } from '../../../build.mjs';

// A user's shell after set-up: plain pulumi on a project of its own, in a folder whose name needs quoting.

const cli = path.resolve('dist/cli.js');
let root: string;
let project: string;

beforeAll(async () => {
  await buildIfStale();
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'rewind-shell-'));
  project = path.join(root, "it's 100% mine");
  fs.mkdirSync(path.join(root, 'home'));
  fs.mkdirSync(path.join(root, 'cache'));
  const artifacts = path.join(path.dirname(process.env['PULUMI_HOME']!), 'artifacts');
  if (fs.existsSync(artifacts)) fs.symlinkSync(artifacts, path.join(root, 'cache', 'artifacts'));
  fs.mkdirSync(project);
  fs.writeFileSync(path.join(project, 'Pulumi.yaml'), 'name: shell-test\nruntime: nodejs\n');
  fs.writeFileSync(path.join(project, 'package.json'), '{"name":"shell-test","main":"index.js"}');
  fs.writeFileSync(
    path.join(project, 'index.js'),
    "const pulumi = require('@pulumi/pulumi');\nexports.said = new pulumi.Config().requireSecret('word');\n",
  );
  fs.symlinkSync(path.resolve('node_modules'), path.join(project, 'node_modules'));
});

afterAll(() => {
  fs.rmSync(root, { recursive: true, force: true });
});

/** Runs a script in a shell that has evaluated `rewind env`, without what the test run itself has set. */
async function inShell(script: string) {
  const names = ['PULUMI_HOME', 'PULUMI_BACKEND_URL', 'PULUMI_CONFIG_PASSPHRASE', 'PULUMI_CONFIG_PASSPHRASE_FILE'];
  return execa('bash', ['-euc', `eval "$(node '${cli}' env)"\n${script}`], {
    cwd: project,
    env: { ...ownFolders(), ...Object.fromEntries(names.map((name) => [name, undefined])) },
    all: true,
    reject: false,
  });
}

/**
 * A HOME of its own shows that nothing is written to ~/.pulumi; a cache of its own, that a `pulumi login` of whoever
 * runs the tests does not count. What the cache of the test run has built is used.
 */
function ownFolders(): Record<string, string> {
  return { HOME: path.join(root, 'home'), REWIND_CACHE: path.join(root, 'cache') };
}

test('plain pulumi works: stack init, config set, up, refresh, stack history', async () => {
  const { all, exitCode } = await inShell(`
    pulumi stack init dev
    pulumi config set --secret word sesame
    pulumi up --yes --non-interactive --skip-preview
    pulumi refresh --yes --non-interactive --skip-preview
    pulumi stack history --json
    pulumi stack output --show-secrets said
  `);
  expect(exitCode, all).toBe(0);
  expect(all.trimEnd().split('\n').at(-1)).toBe('sesame');
  expect(all).not.toMatch(/warning/i);
});

test('the state is in the project, closed to others, and nothing else was written', async () => {
  const folder = path.join(project, '.rewind');
  const state = fs.readdirSync(path.join(folder, 'state'), { recursive: true }) as string[];
  expect(state).toContain(path.join('.pulumi', 'stacks', 'shell-test', 'dev.json'));
  // They are written in place: an engine killed at that moment would leave a state that no engine can read.
  expect(state.filter((name) => name.endsWith('.attrs'))).toEqual([]);
  expect(fs.statSync(folder).mode & 0o777).toBe(0o700);
  expect(fs.statSync(path.join(folder, 'passphrase')).mode & 0o777).toBe(0o600);
  expect(fs.readdirSync(path.join(root, 'home'))).not.toContain('.pulumi');
  const { all } = await inShell('env; pulumi about 2>/dev/null; pulumi stack export');
  expect(all).not.toContain(fs.readFileSync(path.join(folder, 'passphrase'), 'utf8'));
});

test('a secret of the state cannot be read without the passphrase', async () => {
  const { exitCode, all } = await inShell(
    'export PULUMI_CONFIG_PASSPHRASE_FILE=; export PULUMI_CONFIG_PASSPHRASE=guess; pulumi stack output --show-secrets said',
  );
  expect(exitCode).not.toBe(0);
  expect(all).toContain('incorrect passphrase');
});

test('after pulumi login the backend is the one logged in to', async () => {
  const other = path.join(root, 'other-backend');
  fs.mkdirSync(other);
  const { all, exitCode } = await inShell(`
    unset PULUMI_BACKEND_URL
    pulumi login 'file://${other}'
    eval "$(node '${cli}' env)"
    pulumi whoami -v
    pulumi logout
    eval "$(node '${cli}' env)"
    pulumi stack ls
  `);
  expect(exitCode, all).toBe(0);
  expect(all).toContain(`Backend URL: file://${other}`);
  expect(all).toMatch(/dev\*?\s/);
});

test('a second set-up finds everything in under a second', async () => {
  const setUp = () => execa(process.execPath, [cli, 'setup'], { env: ownFolders(), all: true });
  await setUp();
  const times: number[] = [];
  for (let run = 0; run < 5; run++) {
    const started = Date.now();
    expect((await setUp()).all).toMatch(/^Everything is there/);
    times.push(Date.now() - started);
  }
  // The quickest: what else the machine does at the moment is not the matter.
  expect(Math.min(...times)).toBeLessThan(1000);
});

test.runIf(process.getuid?.() === 0)('a user who may not use the Docker socket is told how to be allowed', async () => {
  const home = path.join(root, 'nobody');
  fs.mkdirSync(home, { mode: 0o777 });
  fs.chmodSync(root, 0o755);
  fs.chownSync(home, 65534, 65534);
  const { all, exitCode } = await execa(process.execPath, [cli, 'setup'], {
    cwd: home,
    uid: 65534,
    gid: 65534,
    env: { HOME: home, REWIND_CACHE: path.join(home, 'cache'), DOCKER_HOST: undefined },
    all: true,
    reject: false,
  });
  expect(exitCode).toBe(1);
  expect(all).toContain('your user may not use the socket.\n  → Join the docker group');
});
