import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { environmentFor } from '../../toolchain/environment';
import type { Toolchain } from '../../toolchain/setup';
import { tempFolder } from './temp-folder';

let cache: string;
let project: string;
let toolchain: Toolchain;
let env: Record<string, string>;

beforeEach(() => {
  cache = tempFolder();
  project = tempFolder();
  fs.writeFileSync(path.join(project, 'Pulumi.yaml'), 'name: demo\nruntime: nodejs\n');
  const bin = path.join(cache, 'toolchain', 'k', 'bin');
  toolchain = {
    pulumi: path.join(bin, 'pulumi'),
    binDirs: [bin],
    compose: [path.join(bin, 'docker-compose')],
    summary: [],
    pulumiHome: path.join(cache, 'pulumi-home'),
    docker: { host: undefined, from: 'default' },
  };
  env = { PATH: '/usr/bin:/bin', HOME: tempFolder(), REWIND_CACHE: cache };
});

const change = () => environmentFor(toolchain, project, env);

test('pulumi is found first, with its own home, the state in the project and the passphrase in a file', () => {
  expect(change()).toEqual({
    set: {
      PATH: `${toolchain.binDirs.join(':')}:/usr/bin:/bin`,
      PULUMI_HOME: toolchain.pulumiHome,
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
      PULUMI_BACKEND_URL: `file://${project}/.rewind/state?metadata=skip`,
      PULUMI_CONFIG_PASSPHRASE_FILE: `${project}/.rewind/passphrase`,
      REWIND_COMPOSE: toolchain.compose[0],
      REWIND_ENV: project,
    },
    unset: [],
  });
  expect(fs.existsSync(`${project}/.rewind/state`)).toBe(true);
});

test('the passphrase itself is nowhere in the environment', () => {
  const passphrase = () => fs.readFileSync(`${project}/.rewind/passphrase`, 'utf8');
  expect(JSON.stringify(change())).not.toContain(passphrase());
});

test('evaluating it a second time changes nothing', () => {
  const first = change();
  Object.assign(env, first.set);
  expect(change()).toEqual(first);
});

test('in a shell that was set up for another project, the settings of that project are replaced', () => {
  Object.assign(env, change().set);
  project = tempFolder();
  const { set } = change();
  expect(set['PULUMI_BACKEND_URL']).toBe(`file://${project}/.rewind/state?metadata=skip`);
  expect(set['PULUMI_CONFIG_PASSPHRASE_FILE']).toBe(`${project}/.rewind/passphrase`);
});

describe('what the user chose stays:', () => {
  test('a backend in the environment', () => {
    env['PULUMI_BACKEND_URL'] = 's3://bucket';
    expect(change().set).not.toHaveProperty('PULUMI_BACKEND_URL');
    expect(change().unset).toEqual([]);
  });

  test('a backend logged in to, also after the default one had been exported', () => {
    Object.assign(env, change().set);
    fs.mkdirSync(toolchain.pulumiHome);
    fs.writeFileSync(path.join(toolchain.pulumiHome, 'credentials.json'), '{"current":"https://api.pulumi.com"}');
    expect(change().set).not.toHaveProperty('PULUMI_BACKEND_URL');
    expect(change().unset).toEqual(['PULUMI_BACKEND_URL']);
  });

  test.each(['PULUMI_CONFIG_PASSPHRASE', 'PULUMI_CONFIG_PASSPHRASE_FILE'])('%s', (name) => {
    env[name] = '/my/own';
    expect(change().set).not.toHaveProperty('PULUMI_CONFIG_PASSPHRASE_FILE');
    expect(fs.existsSync(`${project}/.rewind/passphrase`)).toBe(false);
  });

  test('an empty passphrase', () => {
    env['PULUMI_CONFIG_PASSPHRASE'] = '';
    expect(change().set).not.toHaveProperty('PULUMI_CONFIG_PASSPHRASE_FILE');
  });

  test('a docker compose of their own', () => {
    env['REWIND_COMPOSE'] = '/opt/docker-compose';
    expect(change().set).not.toHaveProperty('REWIND_COMPOSE');
  });

  test('DOCKER_HOST', () => {
    toolchain = { ...toolchain, docker: { host: 'tcp://engine:2375', from: 'DOCKER_HOST' } };
    expect(change().set).not.toHaveProperty('DOCKER_HOST');
  });
});

test('docker’s own compose plugin needs no variable', () => {
  toolchain = { ...toolchain, compose: ['docker', 'compose'] };
  expect(change().set).not.toHaveProperty('REWIND_COMPOSE');
});

test('the engine of a Docker context is exported, with its certificates', () => {
  toolchain = { ...toolchain, docker: { host: 'tcp://engine:2376', from: 'context prod' } };
  const id = crypto.createHash('sha256').update('prod').digest('hex');
  const certificates = path.join(env['HOME']!, '.docker', 'contexts', 'tls', id, 'docker');
  fs.mkdirSync(certificates, { recursive: true });
  expect(change().set).toMatchObject({
    DOCKER_HOST: 'tcp://engine:2376',
    DOCKER_CERT_PATH: certificates,
    DOCKER_TLS_VERIFY: '1',
  });
});

test('the folders that npx puts in front of PATH are not exported', () => {
  env['PATH'] =
    '/p/node_modules/.bin:/node_modules/.bin:/lib/node_modules/npm/node-gyp-bin:/usr/bin:/x/node_modules/.bin';
  env['npm_config_user_agent'] = 'npm/11';
  expect(change().set['PATH']).toBe(`${toolchain.binDirs.join(':')}:/usr/bin:/x/node_modules/.bin`);
});

test('a pulumi of the user’s own leaves PATH as it is', () => {
  toolchain = { ...toolchain, binDirs: [] };
  expect(change().set['PATH']).toBe('/usr/bin:/bin');
});
