import { randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';

import { describe, expect, test, vi } from 'vitest';

import { isSnapshotId, snapshotId, timeName, timeOf } from '../../../src/snapshots/id';
import type { SnapshotManifest } from '../../../src/snapshots/manifest';
import { newestAt, SnapshotStore, type StoredSnapshot } from '../../../src/snapshots/snapshot-store';
import { problemsOf } from '../../support/problems';
import { tempFolder } from '../../support/temp-folder';

const time = new Date('2026-11-24T10:15:00.123Z');

const put =
  (content: Buffer | string) =>
  async (target: Writable): Promise<void> => {
    await new Promise((resolve) => target.write(content, resolve));
  };

async function add(store: SnapshotStore, content: Buffer | string = 'rows'): Promise<SnapshotManifest> {
  const draft = await store.begin(time);
  const files = {
    archive: await draft.write('archive', put(content)),
    settings: await draft.write('settings', put('{}')),
  };
  const manifest = { format: 1, id: draft.id, files } as unknown as SnapshotManifest;
  await draft.complete(manifest);
  return manifest;
}

describe('the name of a snapshot', () => {
  test('is its time in UTC', () => {
    expect(snapshotId(time)).toBe('s-20261124-101500');
    expect(timeOf(`shop.before-${timeName(time)}`).toISOString()).toBe('2026-11-24T10:15:00.000Z');
  });

  test.each(['../../etc/passwd', 's-20261124-101500/../..', 's-1', '', '.s-20261124-101500.7'])('is not %j', (text) => {
    expect(isSnapshotId(text)).toBe(false);
  });
});

describe('the newest snapshot at a revision', () => {
  const at = (id: string, facts: Partial<SnapshotManifest> = {}, ok?: boolean): StoredSnapshot => ({
    id,
    manifest: { revisions: ['1'], ...facts } as SnapshotManifest,
    ...(ok !== undefined && { proof: { at: '', seconds: 1, ok, findings: [] } }),
  });
  const ofFailed = { isOfFailed: true } as const;

  test.each<[what: string, StoredSnapshot[], string | undefined]>([
    ['there is none', [], undefined],
    ['the last one', [at('a'), at('b', {}, true)], 'b'],
    ['not one of another revision', [at('a'), at('b', { revisions: ['1', '2'] })], 'a'],
    ['not one that is not restorable', [at('a'), at('b', {}, false)], 'a'],
    ['not what a failed update ran on', [at('a'), at('b', ofFailed)], 'a'],
    ['what a failed update ran on, where there is no other', [at('a', {}, false), at('b', ofFailed)], 'b'],
  ])('is %s', (_, stored, expected) => {
    expect(newestAt(stored, ['1'])?.id).toBe(expected);
  });
});

describe('a disk that takes no more', () => {
  test.each<[when: string, fill: (target: Writable) => Promise<void>]>([
    ['while nobody listens', put('rows')],
    [
      'before the last is given to it',
      async (target) => {
        await put('rows')(target);
        await new Promise(setImmediate);
      },
    ],
  ])('is told of, whether it refuses %s', async (_when, fill) => {
    const folder = tempFolder();
    const handle = await open(join(folder, 'any'), 'w');
    const files = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    const draft = await new SnapshotStore(folder).begin(time);
    const full = vi.spyOn(files, 'appendFile').mockRejectedValue(new Error('ENOSPC: no space left on device, write'));
    const [problem] = await problemsOf(() => draft.write('archive', fill)).finally(() => {
      full.mockRestore();
    });
    expect(problem).toMatchObject({ code: 'store/unusable', message: expect.stringContaining('ENOSPC') as string });
  });
});

describe('a snapshot in the store', () => {
  test('is read back as it was written, and whole', async () => {
    const store = new SnapshotStore(tempFolder());
    const content = randomBytes(3_000_000);
    const manifest = await add(store, content);
    expect(manifest.files.archive.bytes).toBe(content.length);
    expect(await store.read(manifest.id)).toEqual(manifest);
    await store.check(manifest, 'archive');
  });

  test('has a name of its own, although another was taken in the same second', async () => {
    const store = new SnapshotStore(tempFolder());
    expect([(await add(store)).id, (await add(store)).id]).toEqual(['s-20261124-101500', 's-20261124-101500-2']);
    expect(await store.ids()).toEqual(['s-20261124-101500', 's-20261124-101500-2']);
  });

  test('is not there before it is complete, nor when its writing has failed', async () => {
    const root = tempFolder();
    const store = new SnapshotStore(root);
    const draft = await store.begin(time);
    await expect(draft.write('archive', () => Promise.reject(new Error('pg_dump failed')))).rejects.toThrow(
      'pg_dump failed',
    );
    expect(await store.ids()).toEqual([]);
    await draft.discard();
    expect(readdirSync(store.folder)).toEqual([]);
  });

  test('whose file has another content is damaged', async () => {
    const store = new SnapshotStore(tempFolder());
    const manifest = await add(store, 'rows');
    writeFileSync(store.path(manifest.id, 'archive'), 'rowz');
    expect(await problemsOf(() => store.check(manifest, 'archive'))).toMatchObject([
      { code: 'snapshot/damaged', message: expect.stringContaining('has another content') as string },
    ]);
  });

  test('whose manifest was changed is listed as damaged, beside the others', async () => {
    const store = new SnapshotStore(tempFolder());
    const [first, second] = [await add(store), await add(store)];
    writeFileSync(
      join(store.folder, first.id, 'manifest.json'),
      '{"format":1,"id":"s-20261124-101500","checksum":"0"}',
    );
    const [damaged, good] = await store.list();
    expect(damaged).toMatchObject({ id: first.id, damage: { code: 'snapshot/damaged' } });
    expect(good).toMatchObject({ id: second.id, manifest: second });
  });

  test('keeps how its latest test ended', async () => {
    const store = new SnapshotStore(tempFolder());
    const { id } = await add(store);
    const proof = { at: time.toISOString(), seconds: 1, ok: false, findings: ['a is missing'] };
    await store.keepProof(id, { ...proof, ok: true });
    await store.keepProof(id, proof);
    expect(await store.list()).toMatchObject([{ id, proof }]);
  });

  test('goes when it is removed', async () => {
    const store = new SnapshotStore(tempFolder());
    const { id } = await add(store);
    await store.remove(id);
    expect(await store.ids()).toEqual([]);
    expect(await problemsOf(() => store.read(id))).toMatchObject([{ code: 'snapshot/unknown' }]);
  });
});
