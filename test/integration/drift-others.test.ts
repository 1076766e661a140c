import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { briefly, docker, driftOf, foundAndPutRight, type MadeDrift } from '../support/drift';
import { boxImages, makeBoxImages } from '../support/images';
import { SeenByRefresh } from '../support/seen-by-refresh';
import { TestStack } from '../support/stack';

// Networks, volumes, images, files, and what Pulumi knows. One stack: each drift is put right again.

const project = 'rewind-drift-others';
const web = `${project}-web-1`;
const tag = 'rewind-drift-others/web:1';

const compose = {
  services: {
    web: {
      image: tag,
      environment: { LOG_LEVEL: 'info' },
      networks: ['front'],
      volumes: ['data:/data', './web.conf:/etc/web.conf:ro'],
      secrets: ['token'],
    },
    other: { image: boxImages.plain, networks: ['front', 'back'] },
  },
  networks: { front: null, back: { internal: true } },
  volumes: { data: null },
  secrets: { token: { file: './token.txt' } },
};

let stack: TestStack;

const front = `${project}_front`;
const byProject = ['--label', `com.docker.compose.project=${project}`];

/** The copy of the configuration file that containers mount. */
async function copyOf(name: string): Promise<string> {
  const files = join(stack.directory, '.rewind', 'files');
  for (const place of await readdir(files)) {
    if ((await readdir(join(files, place))).includes(name)) return join(files, place, name);
  }
  throw new Error(`the store has no ${name}`);
}

const stateFile = (): string => join(stack.directory, '.rewind', 'state', '.pulumi', 'stacks', project, 'dev.json');

/** Changes the state as an editor would, or an engine that was killed. */
async function editState(change: (latest: Record<string, unknown>) => void): Promise<void> {
  const state = JSON.parse(await readFile(stateFile(), 'utf8')) as { checkpoint: { latest: Record<string, unknown> } };
  change(state.checkpoint.latest);
  await writeFile(stateFile(), JSON.stringify(state));
}

let stateBefore = '';
let configBefore = '';
const configFile = (): string => join(stack.directory, 'Pulumi.dev.yaml');

const drifts: readonly MadeDrift[] = [
  {
    name: 'a network that was removed with its containers',
    make: async () => {
      await docker('rm', '-f', web, `${project}-other-1`);
      await docker('network', 'rm', front);
    },
    found: {
      'container/web-1/exists': 'broken: running → missing',
      'container/other-1/exists': 'broken: running → missing',
      'network/front/exists': 'broken: there → missing',
    },
  },
  {
    name: 'a network that was made anew',
    make: async () => {
      await docker('network', 'disconnect', '-f', front, web);
      await docker('network', 'disconnect', '-f', front, `${project}-other-1`);
      await docker('network', 'rm', front);
      await docker('network', 'create', ...byProject, '--label', 'com.docker.compose.network=front', front);
      await docker('network', 'connect', '--alias', 'web', '--alias', web, front, web);
      await docker(
        'network',
        'connect',
        '--alias',
        'other',
        '--alias',
        `${project}-other-1`,
        front,
        `${project}-other-1`,
      );
    },
    found: { 'network/front/identity': /^changed: \w{12} → \w{12}$/ },
  },
  {
    name: 'a network that is open now',
    make: async () => {
      const back = `${project}_back`;
      await docker('network', 'disconnect', '-f', back, `${project}-other-1`);
      await docker('network', 'rm', back);
      await docker('network', 'create', ...byProject, '--label', 'com.docker.compose.network=back', back);
      await docker(
        'network',
        'connect',
        '--alias',
        'other',
        '--alias',
        `${project}-other-1`,
        back,
        `${project}-other-1`,
      );
    },
    found: {
      'network/back/identity': /^changed: \w{12} → \w{12}$/,
      'network/back/internal': 'changed: true → false',
    },
  },
  {
    name: 'a volume that was removed',
    make: async () => {
      await docker('rm', '-f', web);
      await docker('volume', 'rm', `${project}_data`);
    },
    found: {
      'container/web-1/exists': 'broken: running → missing',
      'volume/data/exists': 'broken: there → missing',
    },
  },
  {
    name: 'a volume that was made anew',
    make: async () => {
      await docker('rm', '-f', web);
      await docker('volume', 'rm', `${project}_data`);
      await docker('volume', 'create', ...byProject, `${project}_data`);
    },
    found: {
      'container/web-1/exists': 'broken: running → missing',
      'volume/data/identity': 'broken: the one that the last update has left → another one',
    },
  },
  {
    name: 'a container that no release knows',
    make: () => docker('run', '-d', '--name', 'rewind-drift-others-stranger', ...byProject, boxImages.plain),
    found: {
      'unmanaged/container/rewind-drift-others-stranger': 'changed: none → running, made by hand or by docker compose',
    },
    mend: () => docker('rm', '-f', 'rewind-drift-others-stranger'),
  },
  {
    name: 'a network that no release knows',
    make: () => docker('network', 'create', ...byProject, `${project}_stray`),
    found: { [`unmanaged/network/${project}_stray`]: 'changed: none → there, and of this project by its label' },
    mend: () => docker('network', 'rm', `${project}_stray`),
  },
  {
    name: 'a volume that no release knows',
    make: () => docker('volume', 'create', ...byProject, `${project}_stray`),
    found: { [`unmanaged/volume/${project}_stray`]: 'information: none → there, and of this project by its label' },
    mend: () => docker('volume', 'rm', `${project}_stray`),
  },
  {
    name: 'a tag that means another image',
    make: () => docker('tag', boxImages.newer, tag),
    found: { 'image/web/tag': /^information: \w{12} → \w{12}$/ },
    fix: ['image/web/tag'],
  },
  {
    name: 'a tag that is gone',
    make: () => docker('rmi', tag),
    found: { 'image/web/tag': /^information: \w{12} → there is no such tag$/ },
    fix: ['image/web/tag'],
  },
  {
    name: 'an image that is not kept any more',
    make: async () => {
      const kept = await docker('images', '--format', '{{.Repository}}:{{.Tag}}', `rewind.invalid/${project}/dev`);
      for (const name of kept.split('\n')) await docker('rmi', name);
    },
    found: {
      'image/web/kept': /^changed: rewind\.invalid\/\S+ → this name is gone$/,
      'image/other/kept': /^changed: rewind\.invalid\/\S+ → this name is gone$/,
    },
  },
  {
    name: 'a configuration file that was edited and not deployed',
    make: () => stack.write('web.conf', 'colour = green\n'),
    found: { 'file/web.conf': /^information: sha256:\w{12} → sha256:\w{12}$/ },
    mend: () => stack.write('web.conf', 'colour = blue\n'),
  },
  {
    name: 'a secret that was, by its keyed hash',
    make: () => stack.write('token.txt', 'another'),
    found: { 'file/token.txt': /^information: sha256:\w{12} → sha256:\w{12}$/ },
    mend: () => stack.write('token.txt', 'hush'),
  },
  {
    name: 'a configuration file that is gone',
    make: () => stack.removeFile('web.conf'),
    found: { 'file/web.conf': /^information: sha256:\w{12} → missing$/ },
    mend: () => stack.write('web.conf', 'colour = blue\n'),
  },
  {
    name: 'the copy of one in the store, which containers mount',
    make: async () => writeFile(await copyOf('web.conf'), 'colour = red\n'),
    found: { 'file/web.conf/kept': /^changed: sha256:\w{12} → sha256:\w{12}$/ },
  },
  {
    name: 'a compose file that was edited and not deployed',
    make: () =>
      stack.write('compose.yaml', {
        ...compose,
        services: {
          ...compose.services,
          web: { ...compose.services.web, environment: { LOG_LEVEL: 'debug' }, user: 'app' },
        },
      }),
    found: {
      'compose/web/env.LOG_LEVEL': 'information: info → debug',
      'compose/web/user': 'information: none → "app"',
    },
    mend: () => stack.write('compose.yaml', compose),
  },
  {
    name: 'a service more in the compose file',
    make: () =>
      stack.write('compose.yaml', {
        ...compose,
        services: { ...compose.services, more: { image: tag, networks: ['front'] } },
      }),
    found: { 'compose/more': 'information: not in the release → there' },
    mend: () => stack.write('compose.yaml', compose),
  },
  {
    name: 'a compose file that cannot be read',
    make: () => stack.write('compose.yaml', 'services: ['),
    found: { 'compose/files': /^information: none → cannot be read: / },
    mend: () => stack.write('compose.yaml', compose),
  },
  {
    name: 'a setting that was changed and not deployed',
    make: () => stack.configure({ env: { web: { LOG_LEVEL: 'debug' } } }),
    found: { 'config/web/env.LOG_LEVEL': 'information: info → debug' },
    mend: () => writeFile(configFile(), configBefore),
  },
  {
    name: 'a secret setting that was',
    make: () => stack.configureSecret('secrets.web.PASSWORD', 'not-to-be-seen'),
    found: { 'config/web/env.PASSWORD': 'information: none → [secret]' },
    mend: () => writeFile(configFile(), configBefore),
  },
  {
    name: 'an operation that Pulumi did not see the end of',
    make: () =>
      editState((latest) => {
        const resource = (latest['resources'] as { urn: string }[]).find(({ urn }) => urn.endsWith(`::${web}`));
        latest['pending_operations'] = [{ resource, type: 'updating' }];
      }),
    found: { [`pulumi/pending.${web}`]: 'changed: finished → updating, of which Pulumi did not see the end' },
  },
  {
    name: 'a state from which a container was deleted',
    make: () =>
      editState((latest) => {
        latest['resources'] = (latest['resources'] as { urn: string }[]).filter(({ urn }) => !urn.endsWith(`::${web}`));
      }),
    found: {
      [`pulumi/state.${web}`]: 'changed: there → missing: the state was edited, or an update was interrupted',
    },
  },
];

beforeAll(async () => {
  await makeBoxImages();
  await docker('tag', boxImages.plain, tag);
  stack = await TestStack.create(project);
  await stack.write('web.conf', 'colour = blue\n');
  await stack.write('token.txt', 'hush');
  await stack.write('compose.yaml', compose);
  await stack.rewind('deploy');
  [stateBefore, configBefore] = await Promise.all([readFile(stateFile(), 'utf8'), readFile(configFile(), 'utf8')]);
});

afterAll(async () => {
  await stack.remove();
  await docker('rmi', tag).catch(() => undefined);
});

test('a stack that was just deployed is as it should be', async () => {
  expect(stateBefore).not.toBe('');
  expect(briefly(await driftOf(stack))).toEqual({});
});

describe('is found, named, and put right:', () => {
  const refresh = new SeenByRefresh('others');

  afterAll(() => refresh.write());

  test.each(drifts)('$name', async (drift) => {
    await foundAndPutRight(drift, { stack, refresh, secrets: /not-to-be-seen/ });
  });
});

describe('rewind drift', () => {
  test('leaves out what a rule says, until its day has gone by', async () => {
    await docker('stop', web);
    const rule = { what: 'container/web-*', reason: 'known', until: '2999-01-01' };
    await stack.configure({ drift: { ignore: [rule] } });
    const drift = await driftOf(stack);
    expect(drift.ok).toBe(true);
    expect(drift.ignored).toMatchObject([{ id: 'container/web-1/state', reason: 'known', until: '2999-01-01' }]);
    await stack.configure({ drift: { ignore: [{ ...rule, until: '2020-01-01' }] } });
    const later = await driftOf(stack);
    expect(later.ok).toBe(false);
    expect(later.notes.join()).toContain('The rule for container/web-* has ended (2020-01-01).');
    await stack.configure({ drift: undefined });
    await stack.rewind('drift', '--fix', '--yes');
  });

  test('tells since when, and by what', async () => {
    await docker('kill', '--signal', 'KILL', web);
    const { findings } = await driftOf(stack, '--only', 'web');
    expect(findings[0]).toMatchObject({ by: expect.any(String) as string });
    expect(Math.abs(Date.parse(findings[0]!.since!) - Date.now())).toBeLessThan(60_000);
    const { stdout, exitCode } = await stack.tryRewind(['drift', '--only', 'containers']);
    expect(exitCode).toBe(2);
    expect(stdout).toContain('✘ container rewind-drift-others-web-1: running → exited with 137');
    await stack.rewind('drift', '--fix', '--yes');
  });

  test('--fix asks first, and without anybody to ask changes nothing', async () => {
    await docker('stop', web);
    const { exitCode, stderr } = await stack.tryRewind(['drift', '--fix']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('add --yes');
    expect(briefly(await driftOf(stack))).toEqual({ 'container/web-1/state': 'broken: running → exited with 0' });
    await stack.rewind('drift', '--fix', '--yes');
  });
});
