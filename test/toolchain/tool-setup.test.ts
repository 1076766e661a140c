import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type Cache, cachePlaces } from '../../toolchain/places';
import { pluginProgram } from '../../toolchain/plugins';
import { readStamp, situationKey, type Tools } from '../../toolchain/ready-stamp';
import { composeAsset } from '../../toolchain/releases';
import { PlainOutput } from '../../toolchain/step-output';
import { runSteps } from '../../toolchain/steps';
import { ToolSetup } from '../../toolchain/tool-setup';
import { resourcePlugins, versions } from '../../toolchain/versions';
import { closedPort, serve } from './file-server';
import { tempFolder, writeProgram } from './temp-folder';

// Real set-ups with programs that stand in for pulumi, docker and go: what is taken from where, and what is written.

let home: string;
let bin: string;
let sources: string;
let cache: Cache;
let output: string;

beforeEach(async () => {
  home = tempFolder();
  bin = tempFolder();
  sources = tempFolder();
  cache = cachePlaces({ REWIND_CACHE: path.join(tempFolder(), 'cache') });
  output = '';
  for (const dir of ['engine', 'compose', 'plugins']) {
    fs.mkdirSync(path.join(sources, dir));
    fs.writeFileSync(path.join(sources, dir, 'go.mod'), `module ${dir}\n`);
  }
  fs.copyFileSync('toolchain/builds.json', path.join(sources, 'builds.json'));
  vi.stubEnv('HOME', home);
  vi.stubEnv('PATH', `${bin}:${basics()}`);
  writeProgram(path.join(bin, 'docker'), 'exit 1');
  vi.stubEnv('REWIND_CACHE', cache.root);
  vi.stubEnv('REWIND_DOWNLOAD_URL', `http://127.0.0.1:${await closedPort()}`);
  for (const name of ['PULUMI_HOME', 'DOCKER_CONFIG', 'http_proxy', 'https_proxy']) vi.stubEnv(name, undefined);
});

async function setUp(): Promise<Tools> {
  const setup = new ToolSetup(cache, sources, []);
  await runSteps(setup.steps, new PlainOutput({ write: (text) => (output += text) }));
  return setup.finish();
}

const addPulumi = (version: string) => {
  writeProgram(path.join(bin, 'pulumi-language-nodejs'), '');
  return writeProgram(path.join(bin, 'pulumi'), `echo ${version}`);
};
const addUsersPlugins = () => {
  for (const plugin of resourcePlugins) writeProgram(pluginProgram(path.join(home, '.pulumi'), plugin), '');
};
const addComposePlugin = (version: string) => {
  writeProgram(path.join(bin, 'docker'), `[ "$1 $2" = "compose version" ] && echo ${version}`);
  writeProgram(path.join(home, '.docker', 'cli-plugins', 'docker-compose'), '');
};
const addGo = () =>
  writeProgram(
    path.join(bin, 'go'),
    `echo "$*" >> "${bin}/go.log"
     [ "$1" = env ] && echo go1.26.8 && exit
     while [ "$1" != -o ]; do shift; done; echo built > "$2"; chmod +x "$2"`,
  );
const goRuns = () =>
  fs
    .readFileSync(path.join(bin, 'go.log'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('build')).length;

/** A folder with the few programs that the set-up itself needs: a machine may have a pulumi beside them. */
function basics(): string {
  const folder = tempFolder();
  for (const name of ['sh', 'tar', 'gzip', 'mkdir', 'chmod']) {
    fs.symlinkSync(
      execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(),
      path.join(folder, name),
    );
  }
  return folder;
}

/** A mirror with the engine, docker compose and checksums. */
async function mirror(overrides: { archive?: Buffer; checksum?: string } = {}) {
  const folder = tempFolder();
  for (const name of ['pulumi', 'pulumi-language-nodejs', 'pulumi-resource-pulumi-nodejs', 'pulumi-language-go']) {
    // `pulumi plugin install resource NAME VERSION` of this engine makes the folder that the real one makes.
    writeProgram(
      path.join(folder, 'pulumi', name),
      `[ "$1 $2" = "plugin install" ] || exit 0
       d="$PULUMI_HOME/plugins/resource-$4-v$5"; mkdir -p "$d"; echo "$*" > "$d/pulumi-resource-$4"; chmod +x "$d/pulumi-resource-$4"`,
    );
  }
  const archive = overrides.archive ?? execFileSync('tar', ['-czf', '-', '-C', folder, 'pulumi'], { maxBuffer: 1e8 });
  const name = `pulumi-v${versions.pulumi}-${process.platform}-${process.arch}.tar.gz`;
  const sha256 = (content: Buffer | string) => crypto.createHash('sha256').update(content).digest('hex');
  const compose = '#!/bin/sh\n';
  const server = await serve({
    [`/${name}`]: archive,
    [`/pulumi-${versions.pulumi}-checksums.txt`]: `${overrides.checksum ?? sha256(archive)}  ${name}\n`,
    [`/${composeAsset()}`]: compose,
    [`/${composeAsset()}.sha256`]: `${sha256(compose)} *${composeAsset()}\n`,
  });
  vi.stubEnv('REWIND_DOWNLOAD_URL', `${server.url}/`);
  return server;
}

test('what suits on the machine is used as it is: nothing is downloaded or built', async () => {
  const pulumi = addPulumi('v3.260.0');
  addUsersPlugins();
  addComposePlugin('2.39.1');
  const before = fs.readdirSync(path.join(home, '.pulumi'), { recursive: true });
  const tools = await setUp();
  expect(tools).toMatchObject({ pulumi, binDirs: [], compose: ['docker', 'compose'] });
  expect(fs.existsSync(cache.artifacts)).toBe(false);
  // The user's plugins are linked from our PULUMI_HOME; theirs is only read.
  for (const plugin of resourcePlugins) {
    const linked = pluginProgram(cache.pulumiHome, plugin);
    expect(fs.realpathSync(linked)).toBe(pluginProgram(path.join(home, '.pulumi'), plugin));
    expect(fs.lstatSync(path.dirname(linked)).isDirectory()).toBe(true);
  }
  expect(fs.readdirSync(path.join(home, '.pulumi'), { recursive: true })).toEqual(before);
});

describe('downloaded', () => {
  test('are the engine and docker compose where they can be, and the plugins by the engine', async () => {
    const server = await mirror();
    const tools = await setUp();
    expect(tools.pulumi).toBe(path.join(tools.binDirs[0]!, 'pulumi'));
    expect(fs.readdirSync(tools.binDirs[0]!).sort()).toEqual([
      'docker-compose',
      'pulumi',
      'pulumi-language-nodejs',
      'pulumi-resource-pulumi-nodejs',
    ]);
    expect(tools.compose).toEqual([path.join(tools.binDirs[0]!, 'docker-compose')]);
    for (const plugin of resourcePlugins) {
      expect(fs.readFileSync(pluginProgram(cache.pulumiHome, plugin), 'utf8')).toBe(
        `plugin install resource ${plugin} ${versions[plugin]} --server ${server.url}\n`,
      );
    }
  });

  test('nothing is a second time', async () => {
    const { requests } = await mirror();
    const first = await setUp();
    requests.length = 0;
    expect(await setUp()).toEqual(first);
    expect(requests).toEqual([]);
  });

  test('an engine with a wrong checksum is an error, not a reason to build', async () => {
    await mirror({ checksum: 'f'.repeat(64) });
    addGo();
    await expect(setUp()).rejects.toMatchObject({
      code: 'setup/engine',
      message: expect.stringContaining('SHA-256') as string,
    });
    expect(fs.readdirSync(cache.artifacts).filter((name) => name.startsWith('pulumi'))).toEqual([]);
  });

  test.each([
    [
      'an archive of something else',
      () => {
        const folder = tempFolder();
        fs.writeFileSync(path.join(folder, 'README'), 'hello');
        return execFileSync('tar', ['-czf', '-', '-C', folder, 'README']);
      },
    ],
    ['no archive at all', () => Buffer.from('<html>Please log in</html>')],
  ])('%s is an error that names the address', async (_, archive) => {
    const { url } = await mirror({ archive: archive() });
    await expect(setUp()).rejects.toMatchObject({
      message: expect.stringContaining(`${url}/pulumi-v${versions.pulumi}`) as string,
      fix: expect.stringContaining('REWIND_DOWNLOAD_URL') as string,
    });
    expect(fs.readdirSync(cache.artifacts).filter((name) => name.startsWith('pulumi'))).toEqual([]);
  });
});

describe('built', () => {
  test('is everything where nothing can be reached, each program once', async () => {
    addGo();
    const tools = await setUp();
    expect(goRuns()).toBe(3);
    expect(fs.readdirSync(tools.binDirs[0]!).sort()).toEqual([
      'docker-compose',
      'pulumi',
      'pulumi-language-nodejs',
      'pulumi-resource-pulumi-nodejs',
    ]);
    for (const plugin of resourcePlugins) {
      expect(fs.readFileSync(pluginProgram(cache.pulumiHome, plugin), 'utf8')).toBe('built\n');
    }
    expect(output).toContain('it cannot be downloaded (127.0.0.1:');
  });

  test('are only the plugins where the engine and compose are there', async () => {
    addPulumi('v3.256.0');
    addComposePlugin('v5.0.2');
    addGo();
    expect(await setUp()).toMatchObject({ binDirs: [], compose: ['docker', 'compose'] });
    expect(goRuns()).toBe(1);
  });

  test('is docker compose where Docker’s plugin is too old', async () => {
    addPulumi('v3.256.0');
    addUsersPlugins();
    addComposePlugin('2.3.3');
    addGo();
    expect((await setUp()).compose[0]).toContain(cache.root);
    expect(output).toContain('docker compose is 2.3.3, older than 2.20.0');
  });

  test('are the plugins anew when their sources have changed', async () => {
    addGo();
    await setUp();
    fs.writeFileSync(path.join(sources, 'plugins', 'main.go'), 'package main');
    await setUp();
    expect(goRuns()).toBe(4);
  });

  test('are the plugins also where something of unknown origin lies in their place', async () => {
    addGo();
    for (const plugin of resourcePlugins) writeProgram(pluginProgram(cache.pulumiHome, plugin), '# who knows');
    await setUp();
    for (const plugin of resourcePlugins) {
      expect(fs.readFileSync(pluginProgram(cache.pulumiHome, plugin), 'utf8')).toBe('built\n');
    }
  });

  test('are the rest after an interruption, not what was finished before', async () => {
    addGo();
    const stop = new AbortController();
    const setup = new ToolSetup(cache, sources, []);
    const interrupted = setup.steps.find(({ name }) => name === 'docker compose')!;
    await interrupted.run(() => undefined, stop.signal);
    expect(goRuns()).toBe(1);
    await setUp();
    expect(goRuns()).toBe(3);
  });

  test('is nothing where there is no Go: one error says what is missing', async () => {
    addPulumi('v3.256.0');
    addComposePlugin('v5.0.2');
    vi.stubEnv('PATH', bin);
    await expect(setUp()).rejects.toMatchObject({
      message: expect.stringMatching(
        /^The Pulumi plugin docker 5\.2\.0 cannot be had: it cannot be downloaded.*There is no Go/,
      ) as string,
      fix: expect.stringContaining('~/.pulumi/plugins/resource-docker-v5.2.0') as string,
    });
  });
});

describe('a finished set-up is recognised', () => {
  const recognise = () => readStamp(cache, situationKey(process.env, cache, sources));

  test('until something that it made is gone', async () => {
    addGo();
    const tools = await setUp();
    expect(recognise()).toEqual(tools);
    fs.rmSync(tools.pulumi);
    expect(recognise()).toBeUndefined();
    expect(await setUp()).toEqual(tools);
    expect(recognise()).toEqual(tools);
    expect(goRuns()).toBe(3);
  });

  test('until a pulumi of the user’s own appears on PATH', async () => {
    addGo();
    await setUp();
    addPulumi('v3.256.0');
    expect(recognise()).toBeUndefined();
  });

  test('also with its own folders on PATH, as in a shell after `rewind env`', async () => {
    addGo();
    const tools = await setUp();
    vi.stubEnv('PATH', `${tools.binDirs[0]!}:${process.env['PATH']!}`);
    vi.stubEnv('PULUMI_HOME', cache.pulumiHome);
    expect(recognise()).toEqual(tools);
  });

  test('not when its record is damaged', async () => {
    addGo();
    await setUp();
    const ready = path.join(cache.root, 'ready');
    for (const name of fs.readdirSync(ready)) fs.writeFileSync(path.join(ready, name), '{"tools":');
    expect(recognise()).toBeUndefined();
  });
});
