import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { FileStore } from '../../../src/store/files';
import { problemsOf } from '../../support/problems';
import { tempFolder } from '../../support/temp-folder';

const sha256 = (content: string): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;
const mode = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8).padStart(4, '0');

/** Every file below a folder, by relative path. */
function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** A folder with files, and a store beside them. */
function setUp(files: Readonly<Record<string, string>>): { folder: string; root: string; store: FileStore } {
  const folder = tempFolder(files);
  const root = join(folder, '.rewind');
  return { folder, root, store: new FileStore(root) };
}

describe('a configuration file', () => {
  test('is located by its content without anything being written', async () => {
    const { folder, root, store } = setUp({ 'nginx.conf': 'listen 80;' });
    const kept = await store.locate(`${folder}/nginx.conf`);
    expect(kept).toMatchObject({ source: `${folder}/nginx.conf`, hash: sha256('listen 80;') });
    expect(kept.path.startsWith(`${root}/files/`)).toBe(true);
    expect(existsSync(root)).toBe(false);
  });

  test('is kept with its content, its name and its mode', async () => {
    const { folder, store } = setUp({ 'run.sh': 'echo hello' });
    chmodSync(`${folder}/run.sh`, 0o750);
    const kept = await store.locate(`${folder}/run.sh`);
    await store.keep(kept);
    expect(readFileSync(kept.path, 'utf8')).toBe('echo hello');
    expect(kept.path.endsWith('/run.sh')).toBe(true);
    expect(mode(kept.path)).toBe('0750');
  });

  test.runIf(process.getuid?.() === 0)('is kept with its owner', async () => {
    const { folder, store } = setUp({ 'app.conf': 'x' });
    chownSync(`${folder}/app.conf`, 1234, 2345);
    const kept = await store.locate(`${folder}/app.conf`);
    await store.keep(kept);
    expect(statSync(kept.path)).toMatchObject({ uid: 1234, gid: 2345 });
  });

  test('is kept once, however often and from wherever the same content comes', async () => {
    const { folder, root, store } = setUp({ 'a/app.conf': 'same', 'b/app.conf': 'same' });
    for (const name of ['a', 'b', 'a']) await store.keep(await store.locate(`${folder}/${name}/app.conf`));
    expect(filesBelow(root)).toHaveLength(1);
  });

  test('is kept beside another of the same content under another name', async () => {
    const { folder, store } = setUp({ 'a.conf': '', 'b.conf': '' });
    for (const name of ['a.conf', 'b.conf']) {
      const kept = await store.locate(`${folder}/${name}`);
      await store.keep(kept);
      expect(kept.path.endsWith(`/${name}`)).toBe(true);
      expect(readFileSync(kept.path, 'utf8')).toBe('');
    }
  });

  test('has another place when its content or its mode changes, and the earlier one stays', async () => {
    const { folder, store } = setUp({ 'app.conf': 'one' });
    const source = `${folder}/app.conf`;
    const one = await store.locate(source);
    await store.keep(one);
    writeFileSync(source, 'two');
    const two = await store.locate(source);
    await store.keep(two);
    chmodSync(source, 0o600);
    const strict = await store.locate(source);
    expect(new Set([one.path, two.path, strict.path]).size).toBe(3);
    expect(readFileSync(one.path, 'utf8')).toBe('one');
    expect(readFileSync(two.path, 'utf8')).toBe('two');
    expect(strict.hash).toBe(two.hash);
  });

  test('is found again by its hash, also when the original is gone', async () => {
    const { folder, store } = setUp({ 'app.conf': 'one' });
    const kept = await store.locate(`${folder}/app.conf`);
    await store.keep(kept);
    renameSync(`${folder}/app.conf`, `${folder}/elsewhere`);
    expect(await store.find(`${folder}/app.conf`, kept.hash)).toMatchObject({ hash: kept.hash, path: kept.path });
    expect(await store.find(`${folder}/app.conf`, sha256('never kept'))).toBeUndefined();
  });

  test('is found under its own name if others have the same content', async () => {
    const { folder, store } = setUp({ 'a.conf': 'same', 'b.conf': 'same' });
    for (const name of ['a.conf', 'b.conf']) await store.keep(await store.locate(`${folder}/${name}`));
    for (const name of ['a.conf', 'b.conf']) {
      expect((await store.find(`${folder}/${name}`, sha256('same')))!.path.endsWith(`/${name}`)).toBe(true);
    }
  });

  test('that is a link is kept as what it points to', async () => {
    const { folder, store } = setUp({ 'live/2/cert.pem': 'certificate' });
    symlinkSync('live/2/cert.pem', `${folder}/cert.pem`);
    const kept = await store.locate(`${folder}/cert.pem`);
    await store.keep(kept);
    expect(kept.hash).toBe(sha256('certificate'));
    expect(lstatSync(kept.path).isFile()).toBe(true);
    expect(readFileSync(kept.path, 'utf8')).toBe('certificate');
  });

  test('that is not there is an error that names it', async () => {
    const { folder, store } = setUp({});
    expect(await problemsOf(() => store.locate(`${folder}/gone.conf`))).toMatchObject([
      { code: 'compose/missing-file', message: expect.stringContaining(`${folder}/gone.conf`) as string },
    ]);
  });

  test('that changes between being located and being kept is not kept under the wrong hash', async () => {
    const { folder, root, store } = setUp({ 'app.conf': 'one' });
    const kept = await store.locate(`${folder}/app.conf`);
    writeFileSync(`${folder}/app.conf`, 'two');
    expect(await problemsOf(() => store.keep(kept))).toMatchObject([
      { code: 'store/unusable', message: expect.stringContaining('changed') as string },
    ]);
    expect(filesBelow(root)).toEqual([]);
  });
});

describe('a folder of configuration', () => {
  const files = { 'conf/a.conf': 'a', 'conf/sub/b.conf': 'b' };

  test('is kept whole, with modes and links', async () => {
    const { folder, store } = setUp(files);
    chmodSync(`${folder}/conf/sub`, 0o700);
    chmodSync(`${folder}/conf/a.conf`, 0o640);
    symlinkSync('sub/b.conf', `${folder}/conf/link`);
    const kept = await store.locate(`${folder}/conf`);
    await store.keep(kept);
    expect(readFileSync(join(kept.path, 'sub/b.conf'), 'utf8')).toBe('b');
    expect([mode(join(kept.path, 'sub')), mode(join(kept.path, 'a.conf'))]).toEqual(['0700', '0640']);
    expect(readlinkSync(join(kept.path, 'link'))).toBe('sub/b.conf');
    expect(await store.find(`${folder}/conf`, kept.hash)).toMatchObject({ path: kept.path });
  });

  test.each([
    [
      'a changed file',
      (conf: string) => {
        writeFileSync(`${conf}/sub/b.conf`, 'c');
      },
    ],
    [
      'a new file',
      (conf: string) => {
        writeFileSync(`${conf}/c.conf`, '');
      },
    ],
    [
      'an empty folder',
      (conf: string) => {
        mkdirSync(`${conf}/empty`);
      },
    ],
    [
      'a renamed file',
      (conf: string) => {
        renameSync(`${conf}/a.conf`, `${conf}/z.conf`);
      },
    ],
    [
      'a changed mode',
      (conf: string) => {
        chmodSync(`${conf}/a.conf`, 0o600);
      },
    ],
    [
      'a link',
      (conf: string) => {
        symlinkSync('a.conf', `${conf}/link`);
      },
    ],
  ])('has another hash after %s', async (_what, change) => {
    const { folder, store } = setUp(files);
    const before = await store.locate(`${folder}/conf`);
    change(`${folder}/conf`);
    expect((await store.locate(`${folder}/conf`)).hash).not.toBe(before.hash);
  });

  test('has the same hash wherever it is', async () => {
    const { folder, store } = setUp(files);
    const before = await store.locate(`${folder}/conf`);
    renameSync(`${folder}/conf`, `${folder}/moved`);
    expect((await store.locate(`${folder}/moved`)).hash).toBe(before.hash);
  });
});

describe('a secret', () => {
  test('has a hash from which its content cannot be guessed, and its own shelf', async () => {
    const { folder, root, store } = setUp({ 'password.txt': 'hunter2' });
    const kept = await store.locate(`${folder}/password.txt`, { secret: true });
    await store.keep(kept);
    expect(kept.hash).not.toBe(sha256('hunter2'));
    expect(kept.path.startsWith(`${root}/secrets/`)).toBe(true);
    expect(readFileSync(kept.path, 'utf8')).toBe('hunter2');
  });

  test('is out of reach of other users, and so is the key of the hashes', async () => {
    const { folder, root, store } = setUp({ 'password.txt': 'hunter2' });
    await store.keep(await store.locate(`${folder}/password.txt`, { secret: true }));
    expect([mode(`${root}/secrets.key`), mode(`${root}/secrets`)]).toEqual(['0600', '0700']);
  });

  test('has the same hash each time, and another one in another store', async () => {
    const { folder, store } = setUp({ 'password.txt': 'hunter2' });
    const source = `${folder}/password.txt`;
    const first = await store.locate(source, { secret: true });
    expect(await new FileStore(join(folder, '.rewind')).locate(source, { secret: true })).toEqual(first);
    expect((await new FileStore(join(folder, 'other')).locate(source, { secret: true })).hash).not.toBe(first.hash);
  });

  test('has the same hash when many are located at once in a new store', async () => {
    for (let round = 0; round < 10; round++) {
      const { folder, root } = setUp({ 'password.txt': 'hunter2' });
      const located = await Promise.all(
        Array.from({ length: 20 }, () => new FileStore(root).locate(`${folder}/password.txt`, { secret: true })),
      );
      expect(new Set(located.map(({ hash }) => hash)).size).toBe(1);
      expect(readdirSync(root)).toEqual(['secrets.key']);
    }
  });
});

describe('a file that a service may write to', () => {
  test('is a copy of that service alone', async () => {
    const { folder, store } = setUp({ 'app.ini': 'x' });
    const source = `${folder}/app.ini`;
    const [shared, api, worker] = await Promise.all([
      store.locate(source),
      store.locate(source, { writableFor: 'api' }),
      store.locate(source, { writableFor: 'worker' }),
    ]);
    expect(new Set([shared.path, api.path, worker.path]).size).toBe(3);
    expect(new Set([shared.hash, api.hash, worker.hash]).size).toBe(1);
  });

  test('keeps what the service wrote when it is kept again', async () => {
    const { folder, store } = setUp({ 'app.ini': 'x' });
    const kept = await store.locate(`${folder}/app.ini`, { writableFor: 'api' });
    await store.keep(kept);
    writeFileSync(kept.path, 'written by the service');
    await store.keep(kept);
    expect(readFileSync(kept.path, 'utf8')).toBe('written by the service');
  });

  test('is found again as it was first kept, for the service that has it and for another', async () => {
    const { folder, store } = setUp({ 'app.ini': 'one' });
    const source = `${folder}/app.ini`;
    const kept = await store.locate(source, { writableFor: 'api' });
    await store.keep(kept);
    writeFileSync(kept.path, 'written by the service');
    writeFileSync(source, 'two');
    expect((await store.find(source, kept.hash, { writableFor: 'api' }))!.path).toBe(kept.path);
    const other = (await store.find(source, kept.hash, { writableFor: 'worker' }))!;
    await store.keep(other);
    expect(readFileSync(other.path, 'utf8')).toBe('one');
    const shared = (await store.find(source, kept.hash))!;
    expect(readFileSync(shared.path, 'utf8')).toBe('one');
  });
});

describe('a store', () => {
  test('takes no half-written copy for a kept one', async () => {
    const { folder, root, store } = setUp({ 'app.conf': 'whole' });
    const kept = await store.locate(`${folder}/app.conf`);
    // What an update leaves behind that was killed while it copied, in this and in the earlier layout.
    for (const partial of [`${dirname(kept.path)}.4711.0a1b2c3d.partial`, `${root}/partial/4711.0a1b2c3d`]) {
      mkdirSync(partial, { recursive: true });
      writeFileSync(join(partial, 'app.conf'), 'wh');
    }
    expect(await store.find(`${folder}/app.conf`, kept.hash)).toBeUndefined();
    await store.keep(kept);
    expect(readFileSync(kept.path, 'utf8')).toBe('whole');
    expect((await store.find(`${folder}/app.conf`, kept.hash))!.path).toBe(kept.path);
  });

  test('takes an empty place for nothing', async () => {
    const { folder, store } = setUp({ 'app.conf': 'whole' });
    const kept = await store.locate(`${folder}/app.conf`);
    mkdirSync(dirname(kept.path), { recursive: true });
    expect(await store.find(`${folder}/app.conf`, kept.hash)).toBeUndefined();
    await store.keep(kept);
    expect(readFileSync(kept.path, 'utf8')).toBe('whole');
  });

  test('keeps the same files and folders from many sides at once, and leaves nothing else behind', async () => {
    const { folder, root, store } = setUp({ 'app.conf': 'x', 'conf/a': 'a', 'conf/b': 'b' });
    const sources = Array.from({ length: 10 }, () => [`${folder}/app.conf`, `${folder}/conf`]).flat();
    await Promise.all(sources.map(async (source) => new FileStore(root).keep(await store.locate(source))));
    expect(filesBelow(root)).toHaveLength(3);
    expect(readdirSync(join(root, 'files'))).toHaveLength(2);
    expect(existsSync(join(root, 'partial')) ? readdirSync(join(root, 'partial')) : []).toEqual([]);
  });

  test.each(['keep', 'locate'] as const)('that cannot be written says so and how to mend it (%s)', async (verb) => {
    const { folder } = setUp({ 'app.conf': 'x', blocked: 'a file where the store is to be' });
    const store = new FileStore(`${folder}/blocked/store`);
    const action =
      verb === 'keep'
        ? async () => store.keep(await store.locate(`${folder}/app.conf`))
        : () => store.locate(`${folder}/app.conf`, { secret: true });
    expect(await problemsOf(action)).toMatchObject([
      {
        code: 'store/unusable',
        message: expect.stringContaining(`${folder}/blocked/store`) as string,
        fix: expect.stringContaining('rewind:store') as string,
      },
    ]);
  });

  test('that cannot be written is found out beforehand, without writing, unless it has everything already', async () => {
    const { folder, root, store } = setUp({ 'app.conf': 'x', blocked: 'a file where the store is to be' });
    const blocked = new FileStore(`${folder}/blocked/store`);
    const kept = await store.locate(`${folder}/app.conf`);
    expect(await store.obstacle([kept])).toBeUndefined();
    expect(existsSync(root)).toBe(false);
    expect(await blocked.obstacle([await blocked.locate(`${folder}/app.conf`)])).toMatchObject({
      code: 'store/unusable',
      message: expect.stringContaining(`${folder}/blocked/store`) as string,
    });
    await store.keep(kept);
    expect(await blocked.obstacle([kept])).toBeUndefined();
  });
});
