import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, describe, expect, test } from 'vitest';

import type { ReleaseRecord } from '../../../src/releases/record';
import { openRelease, ReleaseStore } from '../../../src/releases/release-store';
import { parseKey } from '../../../src/releases/seal';
import type { SealedRelease } from '../../../src/releases/sealed';
import { problemsOf } from '../../support/problems';
import { releaseRecord } from '../../support/release-records';
import { tempFolder } from '../../support/temp-folder';

const keyText = Buffer.alloc(32, 1).toString('base64');
const key = parseKey(keyText)!;
const asRoot = process.getuid?.() === 0;

let root: string;
let store: ReleaseStore;

beforeEach(() => {
  root = tempFolder();
  store = new ReleaseStore(root, 'shop/dev');
});

/** A release without what the store itself adds. */
function content(more: Partial<ReleaseRecord> = {}): Omit<ReleaseRecord, 'number' | 'format' | 'stack'> {
  const { number, format, stack, ...rest } = releaseRecord(1, more);
  expect({ number, format, stack }).toEqual({ number: 1, format: 1, stack: 'shop/dev' });
  return rest;
}

describe('a store', () => {
  test('without a release has none, and makes no folder for being asked', async () => {
    expect(await store.list()).toEqual([]);
    expect(readdirSync(root)).toEqual([]);
    expect(await problemsOf(() => store.read(3))).toMatchObject([
      { code: 'release/unknown', message: 'There is no release r3: the stack shop/dev has no release yet.' },
    ]);
  });

  test('numbers its releases 1, 2, … and gives them back', async () => {
    const first = await store.add(content({ message: 'the first' }));
    expect(first).toMatchObject({ number: 1, stack: 'shop/dev', message: 'the first' });
    for (let i = 2; i <= 12; i++) await store.add(content());
    expect(await store.numbers()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(await store.read(1)).toEqual(first);
    expect((await store.list(2)).map(({ number }) => number)).toEqual([11, 12]);
    expect((await problemsOf(() => store.read(13)))[0]!.message).toContain('the stack shop/dev has r1 to r12');
  });

  test('gives each of several at once a number of its own', async () => {
    const others = [store, new ReleaseStore(root, 'shop/dev')];
    const all = await Promise.all(Array.from({ length: 10 }, (_, i) => others[i % 2]!.add(content())));
    expect(all.map(({ number }) => number).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(readdirSync(join(store.folder, 'releases')).every((name) => /^r\d+\.json$/.test(name))).toBe(true);
  });

  test('keeps the stacks apart', async () => {
    await store.add(content());
    expect(await new ReleaseStore(root, 'shop/prod').numbers()).toEqual([]);
  });

  test('can be read by nobody else', async () => {
    await store.add(content());
    await store.seal(key, 'text');
    const modes = ['releases', 'releases/r1.json', 'sealed'].map(
      (name) => statSync(join(store.folder, name)).mode & 0o077,
    );
    expect(modes).toEqual([0, 0, 0]);
  });

  test('tells of a damaged record without losing the others', async () => {
    for (let i = 0; i < 3; i++) await store.add(content());
    writeFileSync(join(store.folder, 'releases', 'r2.json'), '{"format": 1, ');
    const listed = await store.list();
    expect(listed.map((it) => ('damage' in it ? it.damage.code : it.number))).toEqual([1, 'release/damaged', 3]);
  });

  test('does not take the record of another stack for its own', async () => {
    await store.add(content());
    const other = new ReleaseStore(root, 'shop/prod');
    await other.add(content());
    writeFileSync(join(other.folder, 'releases', 'r1.json'), readFileSync(join(store.folder, 'releases', 'r1.json')));
    expect((await problemsOf(() => other.read(1)))[0]!.message).toContain(
      'is r1 of the stack shop/dev, not of shop/prod',
    );
  });

  test.skipIf(asRoot)('that cannot be written to says so and how to mend it', async () => {
    chmodSync(root, 0o500);
    expect(await problemsOf(() => store.add(content()))).toMatchObject([{ code: 'store/unusable' }]);
  });

  test('whose folder is a file says so', async () => {
    writeFileSync(join(root, 'stacks'), '');
    expect(await problemsOf(() => store.add(content()))).toMatchObject([{ code: 'store/unusable' }]);
  });
});

describe('the sealed part of a release', () => {
  const sealed: SealedRelease = {
    directory: '/srv/shop',
    files: { '/srv/shop/nginx.conf': { hash: 'sha256:1', secret: false } },
    secrets: { 'rewind:secrets': '{"api":{"TOKEN":"hunter2"}}' },
    project: {
      model: { name: 'shop', services: {}, networks: {}, volumes: {}, configs: {}, secrets: {} },
      files: ['/srv/shop/compose.yaml'],
      directory: '/srv/shop',
      environment: {},
      secretVariables: {},
      warnings: [],
      options: [],
    },
  };
  const add = async (): Promise<ReleaseRecord> =>
    store.add(content({ sealed: await store.seal(key, JSON.stringify(sealed)) }));
  const file = (record: ReleaseRecord): string => join(store.folder, 'sealed', record.sealed);

  test('comes back with the key, and is unreadable on disk', async () => {
    const record = await add();
    expect(await openRelease(store, record, keyText, '/srv/shop')).toEqual(sealed);
    expect(readFileSync(file(record)).toString('latin1')).not.toMatch(/hunter2|nginx/);
  });

  test('is kept once for releases that share it', async () => {
    await add();
    await add();
    expect(readdirSync(join(store.folder, 'sealed'))).toHaveLength(1);
  });

  test.each<[string, (record: ReleaseRecord) => void, string | undefined, string]>([
    ['the key is not set', () => undefined, undefined, 'rewind:key is not set'],
    ['the key is none', () => undefined, 'c2hvcnQ=', 'rewind:key is no key'],
    [
      'the key is another one',
      () => undefined,
      Buffer.alloc(32, 2).toString('base64'),
      'was encrypted with another key, or is damaged',
    ],
    ['the file is gone', (record) => rmSync(file(record)), keyText, 'is not there'],
    [
      'the file is cut short',
      (record) => writeFileSync(file(record), readFileSync(file(record)).subarray(0, 40)),
      keyText,
      'or is damaged',
    ],
  ])('is refused by the name of the release if %s', async (_what, damage, given, why) => {
    const record = await add();
    damage(record);
    const [problem] = await problemsOf(() => openRelease(store, record, given, '/srv/shop'));
    expect(problem!.code).toBe('release/unreadable');
    expect(problem!.message).toContain('The configuration of r1 cannot be read: ');
    expect(problem!.message).toContain(why);
    expect(existsSync(join(store.folder, 'releases', 'r1.json'))).toBe(true);
  });
});
