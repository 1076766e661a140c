import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { ComposeProject } from '../../../src/compose/load';
import type { ComposeModel, ComposeMount } from '../../../src/compose/model';
import { type ConfigFiles, findConfigFiles } from '../../../src/container/config-files';
import { FileStore } from '../../../src/store/files';
import { projectOf } from '../../support/compose-project';
import { tempFolder } from '../../support/temp-folder';

class Shop {
  readonly root: string;
  readonly store: FileStore;

  constructor(files: Readonly<Record<string, string>>) {
    this.root = tempFolder(files);
    this.store = new FileStore(join(this.root, '.rewind'));
  }

  path(name: string): string {
    return join(this.root, name);
  }

  bind(name: string, readOnly = true): ComposeMount {
    return { type: 'bind', source: this.path(name), target: '/x', ...(readOnly && { read_only: true }) };
  }

  project(mounts: readonly ComposeMount[], rest: Partial<ComposeModel> = {}): ComposeProject {
    return projectOf({ api: { volumes: mounts } }, rest, { directory: this.root });
  }

  find(
    mounts: readonly ComposeMount[],
    pins: Readonly<Record<string, string>> = {},
    rest: Partial<ComposeModel> = {},
  ): Promise<ConfigFiles> {
    return findConfigFiles(this.project(mounts, rest), this.store, pins);
  }

  async keep({ kept }: ConfigFiles): Promise<void> {
    for (const file of kept.values()) await this.store.keep(file);
  }
}

/** Paths of what counts as configuration, relative to the project. */
const namesOf = (shop: Shop, files: ConfigFiles): string[] =>
  [...files.kept.keys()].map((path) => path.slice(shop.root.length + 1)).sort();

describe('configuration is', () => {
  test('a file that a service mounts, read-only or not', async () => {
    const shop = new Shop({ 'a.conf': 'a', 'b.conf': 'b' });
    const files = await shop.find([shop.bind('a.conf'), shop.bind('b.conf', false)]);
    expect(namesOf(shop, files)).toEqual(['a.conf', 'b.conf']);
    expect(Object.keys(files.hashes)).toEqual(['a.conf', 'b.conf']);
  });

  test('a folder that a service mounts read-only', async () => {
    const shop = new Shop({ 'conf/a': 'a', 'data/b': 'b' });
    expect(namesOf(shop, await shop.find([shop.bind('conf'), shop.bind('data', false)]))).toEqual(['conf']);
  });

  test('a link to a file of the project', async () => {
    const shop = new Shop({ 'certs/2.pem': 'x' });
    symlinkSync('certs/2.pem', shop.path('live.pem'));
    expect(namesOf(shop, await shop.find([shop.bind('live.pem')]))).toEqual(['live.pem']);
  });

  test('the file of a config or a secret, of which the hash of the secret is not told', async () => {
    const shop = new Shop({ 'motd.txt': 'hello', 'password.txt': 'hunter2' });
    const files = await shop.find(
      [],
      {},
      {
        configs: { motd: { name: 'shop_motd', file: shop.path('motd.txt') } },
        secrets: { password: { name: 'shop_password', file: shop.path('password.txt') } },
      },
    );
    expect(namesOf(shop, files)).toEqual(['motd.txt', 'password.txt']);
    expect(Object.keys(files.hashes)).toEqual(['motd.txt']);
  });

  test('nothing outside the project, no socket, nothing large, and nothing that is not there', async () => {
    const shop = new Shop({ 'shop/..odd.conf': 'inside', 'outside.conf': 'x' });
    const inner = new Shop({ '..odd.conf': 'inside', 'dump.sql': '', 'dumps/1.sql': '', 'dumps/2/3.sql': '' });
    for (const name of ['1.sql', '2/3.sql']) truncateSync(inner.path(`dumps/${name}`), 9 * 1024 * 1024);
    mkdirSync(inner.path('large'));
    for (let index = 0; index < 501; index++) writeFileSync(inner.path(`large/${index}`), '');
    mkdirSync(inner.path('run'));
    execFileSync('mkfifo', [inner.path('run/pipe'), inner.path('pipe')]);
    truncateSync(inner.path('dump.sql'), 16 * 1024 * 1024 + 1);
    const names = ['..odd.conf', 'large', 'run', 'pipe', 'gone', 'dump.sql', 'dumps'];
    const mounts = names.map((name) => inner.bind(name));
    const outside = { type: 'bind', source: shop.path('outside.conf'), target: '/y', read_only: true };
    const system = { type: 'bind', source: '/etc/hostname', target: '/z', read_only: true };
    expect(namesOf(inner, await inner.find([...mounts, outside, system]))).toEqual(['..odd.conf']);
  });

  test('not a volume, whatever its name', async () => {
    const shop = new Shop({ 'a.conf': '' });
    expect((await shop.find([{ type: 'volume', source: shop.path('a.conf'), target: '/x' }])).kept.size).toBe(0);
  });
});

test('the file of a config that is not there is an error', async () => {
  const shop = new Shop({});
  const { problems } = await shop.find([], {}, { configs: { motd: { name: 'm', file: shop.path('gone.txt') } } });
  expect(problems).toMatchObject([{ code: 'compose/missing-file' }]);
});

test('a file that one service writes and another reads is one file for both, and not the shared copy', async () => {
  const shop = new Shop({ 'app.ini': 'x' });
  const volumes = (readOnly: boolean): { volumes: ComposeMount[] } => ({ volumes: [shop.bind('app.ini', readOnly)] });
  const project = projectOf({ api: volumes(true), worker: volumes(false) }, {}, { directory: shop.root });
  const files = await findConfigFiles(project, shop.store, {});
  await shop.keep(files);
  const { path } = files.kept.get(shop.path('app.ini'))!;
  writeFileSync(path, 'written by the worker');
  const shared = (await shop.store.find(shop.path('app.ini'), files.hashes['app.ini']!))!;
  expect(readFileSync(shared.path, 'utf8')).toBe('x');
});

describe('a pin in rewind:files', () => {
  /** A file that was kept as `one` and says `two` now. */
  async function released(readOnly: boolean): Promise<{ shop: Shop; mount: ComposeMount; hash: string }> {
    const shop = new Shop({ 'app.conf': 'one' });
    const mount = shop.bind('app.conf', readOnly);
    const first = await shop.find([mount]);
    await shop.keep(first);
    writeFileSync(shop.path('app.conf'), 'two');
    return { shop, mount, hash: first.hashes['app.conf']! };
  }

  test.each([
    ['read-only', true],
    ['writable', false],
  ])('brings back an earlier content of a file that is mounted %s', async (_how, readOnly) => {
    const { shop, mount, hash } = await released(readOnly);
    const files = await shop.find([mount], { './app.conf': hash });
    await shop.keep(files);
    expect(files.problems).toEqual([]);
    expect(files.hashes).toEqual({ 'app.conf': hash });
    expect(readFileSync(files.kept.get(shop.path('app.conf'))!.path, 'utf8')).toBe('one');
  });

  test('brings it back also if the file is not there any more', async () => {
    const { shop, mount, hash } = await released(true);
    rmSync(shop.path('app.conf'));
    const files = await shop.find([mount], { 'app.conf': hash });
    expect(readFileSync(files.kept.get(shop.path('app.conf'))!.path, 'utf8')).toBe('one');
  });

  test('gives no service a copy that another can write to', async () => {
    const { shop, mount, hash } = await released(false);
    const writable = await shop.find([mount], { 'app.conf': hash });
    const shared = await shop.find([{ ...mount, read_only: true }], { 'app.conf': hash });
    const pathOf = (files: ConfigFiles): string => files.kept.get(shop.path('app.conf'))!.path;
    expect(pathOf(writable)).not.toBe(pathOf(shared));
  });

  test('to a content that was never kept is an error', async () => {
    const { shop, mount } = await released(true);
    const hash = `sha256:${'0'.repeat(64)}`;
    const { problems, kept } = await shop.find([mount], { 'app.conf': hash });
    expect(problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
      `config/file-pin rewind:files pins app.conf to ${hash}, which the store does not have.`,
    ]);
    expect(kept.size).toBe(0);
  });

  test('of files that no service mounts are errors, each of them', async () => {
    const { shop, mount } = await released(true);
    const { problems } = await shop.find([mount, shop.bind('gone-app.conf')], {
      'gone-app.conf': 'sha256:0',
      'other.conf': 'sha256:1',
      conf: 'sha256:2',
    });
    expect(problems.map(({ message }) => message).sort()).toEqual([
      'rewind:files pins conf, which no service mounts.',
      'rewind:files pins gone-app.conf to sha256:0, which the store does not have.',
      'rewind:files pins other.conf, which no service mounts.',
    ]);
    expect(problems.find(({ message }) => message.includes('other'))!.fix).toContain(
      'Mounted are: app.conf, gone-app.conf.',
    );
  });

  test('of a secret is an error, as its content is not found by its hash', async () => {
    const shop = new Shop({ 'password.txt': 'hunter2' });
    const secrets = { password: { name: 'p', file: shop.path('password.txt') } };
    const { problems } = await shop.find([], { 'password.txt': 'sha256:0' }, { secrets });
    expect(problems.map(({ message }) => message)).toEqual([
      'rewind:files pins password.txt, which is a secret: only the contents of other files are kept by their hash.',
    ]);
  });
});
