import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { type Finished, run } from '../../src/process';
import { cachePlaces } from '../../toolchain/places';
import { containerIds, removeProject } from '../support/docker';
import { makeTaggedImages, removeTaggedImages } from '../support/tagged-images';

// What a person does by hand in a project of their own, in a shell that knows nothing but `rewind env`.

const root = join(__dirname, '..', '..');
const project = 'rewind-shell';
const image = (tag: string): string => `rewind-shell/box:${tag}`;

let folder: string;
let home: string;

beforeAll(async () => {
  await makeTaggedImages({ [image('v1')]: 'plain', [image('v2')]: 'newer' });
  await removeProject(project);
  folder = await mkdtemp(join(tmpdir(), 'rewind-shell-'));
  home = join(folder, 'home');
  await mkdir(home);
  await writeFile(
    join(folder, 'Pulumi.yaml'),
    `name: ${project}\nruntime: {name: nodejs, options: {typescript: false}}\n`,
  );
  await writeFile(join(folder, 'package.json'), JSON.stringify({ main: 'index.js' }));
  await writeFile(
    join(folder, 'index.js'),
    `module.exports = require(${JSON.stringify(join(root, 'dist', 'index.js'))});\n`,
  );
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'compose.yaml'), `name: ${project}\nservices: {api: {image: "${image('v1')}"}}\n`);
});

afterAll(async () => {
  await removeProject(project);
  await rm(folder, { recursive: true, force: true });
  await removeTaggedImages(image('v1'), image('v2'));
});

/** Runs a script in a fresh shell: its environment is what a login gives, and the project's is what it evaluates. */
function shell(script: string): Promise<Finished> {
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const login = ['env', '-i', `HOME=${home}`, `PATH=${path}`, `REWIND_CACHE=${cachePlaces(process.env).root}`] as const;
  const lines = ['set -e', `eval "$(node '${join(root, 'dist', 'cli.js')}' env)"`, script].join('\n');
  return run([...login, 'sh', '-c', lines], { cwd: folder });
}

test('a shell that has evaluated `rewind env` knows the project’s stacks, and makes one', async () => {
  const made = await shell('pulumi stack init dev && pulumi stack ls');
  expect(made).toMatchObject({ exitCode: 0 });
  expect(made.stdout).toMatch(/^dev\*/m);
});

test('plain pulumi deploys, configures, previews, refreshes and tells the history in it', async () => {
  expect(await shell('pulumi up --yes --skip-preview')).toMatchObject({ exitCode: 0 });
  const before = await containerIds(project);
  expect(await shell('pulumi preview --expect-no-changes')).toMatchObject({ exitCode: 0 });
  expect(await shell('pulumi refresh --yes --expect-no-changes')).toMatchObject({ exitCode: 0 });

  const release = await shell(
    'pulumi config set --path rewind:tags.api v2 && pulumi config && pulumi up --yes --skip-preview',
  );
  expect(release).toMatchObject({ exitCode: 0 });
  expect(release.stdout).toContain('"api":"v2"');
  expect(await containerIds(project)).not.toEqual(before);

  const history = await shell('pulumi stack history');
  expect(
    history.stdout.match(/^UpdateKind: +update$|^ *kind: *update|Status: +succeeded/gim)?.length,
  ).toBeGreaterThanOrEqual(2);
});

test('a secret can be set and is encrypted with the project’s own passphrase, which is not printed', async () => {
  const set = await shell(
    'printf hunter22 | pulumi config set --secret --path rewind:secrets.api.API_TOKEN && pulumi config',
  );
  expect(set).toMatchObject({ exitCode: 0 });
  expect(set.stdout + set.stderr).not.toContain('hunter22');
  expect(
    await shell(
      'grep -c "API_TOKEN: *$" Pulumi.dev.yaml; grep -A1 "API_TOKEN: *$" Pulumi.dev.yaml | grep -c "secure: v1:"; env | grep -c "^PULUMI_CONFIG_PASSPHRASE=" || true',
    ),
  ).toMatchObject({
    stdout: '1\n1\n0',
  });
});

test('a folder without a Pulumi project is one error that says so', async () => {
  const { exitCode, stderr, stdout } = await run(['node', join(root, 'dist', 'cli.js'), 'env'], { cwd: tmpdir() });
  expect(exitCode).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^There is no Pulumi\.yaml in .*\n {2}→ .*\[cli\/usage\]$/);
});

test('nothing is written to the home folder', () => {
  expect(existsSync(join(home, '.pulumi'))).toBe(false);
});
