import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { runCompose } from '../../../src/compose/command';
import { FakeCompose } from '../../support/fake-compose';
import { problemsOf } from '../../support/problems';
import { tempFolder } from '../../support/temp-folder';

beforeEach(() => {
  vi.stubEnv('REWIND_COMPOSE', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** Puts programs on PATH, and nothing else. */
function onPath(...programs: FakeCompose[]): void {
  vi.stubEnv('PATH', programs.map((program) => program.folder).join(':') || tempFolder());
}

test('the docker compose that the set-up chose goes first', async () => {
  const [chosen, docker] = [new FakeCompose(), new FakeCompose({}, 'docker')];
  onPath(docker);
  chosen.use();
  expect((await runCompose(['version'])).exitCode).toBe(0);
  expect(chosen.calls.map((call) => call.args)).toEqual([['version']]);
  expect(docker.calls).toEqual([]);
});

test('the plugin of the docker command goes before a standalone docker-compose', async () => {
  const [standalone, docker] = [new FakeCompose(), new FakeCompose({}, 'docker')];
  onPath(standalone, docker);
  await runCompose(['ps']);
  expect(docker.calls.map((call) => call.args)).toEqual([['compose', 'ps']]);
  expect(standalone.calls).toEqual([]);
});

test.each([
  "docker: 'compose' is not a docker command.\nSee 'docker --help'\n",
  'docker: unknown command: docker compose\n',
  "unknown shorthand flag: 'f' in -f\n",
  'unknown flag: --file\n',
])('a standalone docker-compose is used if docker says: %o', async (stderr) => {
  const [standalone, docker] = [new FakeCompose(), new FakeCompose({ stderr, exitCode: 125 }, 'docker')];
  onPath(docker, standalone);
  expect((await runCompose(['--file', 'x', 'config'])).exitCode).toBe(0);
  expect(standalone.calls.map((call) => call.args)).toEqual([['--file', 'x', 'config']]);
});

test('a failure of the plugin is a failure, not a reason to try another', async () => {
  const [standalone, docker] = [
    new FakeCompose(),
    new FakeCompose({ stderr: 'yaml: line 3\n', exitCode: 15 }, 'docker'),
  ];
  onPath(docker, standalone);
  expect(await runCompose(['config'])).toMatchObject({ exitCode: 15, stderr: 'yaml: line 3' });
  expect(standalone.calls).toEqual([]);
});

test('a chosen docker compose that is gone is passed over', async () => {
  const standalone = new FakeCompose();
  onPath(standalone);
  vi.stubEnv('REWIND_COMPOSE', '/nowhere/docker-compose');
  expect((await runCompose(['ps'])).exitCode).toBe(0);
});

test('without any docker compose, the error says how to get it', async () => {
  onPath();
  expect(await problemsOf(() => runCompose(['ps']))).toMatchObject([
    { code: 'docker/no-cli', fix: expect.stringContaining('npx rewind setup') as string },
  ]);
});
