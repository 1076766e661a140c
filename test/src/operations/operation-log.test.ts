import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeEach, describe, expect, test } from 'vitest';

import { OperationLog, type OperationDraft, type StoredOperation } from '../../../src/operations/operation-log';
import { ReleaseStore } from '../../../src/releases/release-store';
import { tempFolder } from '../../support/temp-folder';

const draft = (what: string): OperationDraft => ({
  kind: 'revert',
  what,
  by: 'me@here',
  startedAt: '2026-11-27T03:00:00.000Z',
  finishedAt: '2026-11-27T03:00:06.000Z',
  result: 'done',
  phases: [],
});

const damageOf = (stored: readonly StoredOperation[]): (string | undefined)[] =>
  stored.map((it) => ('damage' in it ? it.damage.message : undefined));

describe('the record of operations', () => {
  let log: OperationLog;
  let folder: string;

  beforeEach(async () => {
    const releases = new ReleaseStore(tempFolder(), 'shop/dev');
    folder = join(releases.folder, 'operations');
    log = new OperationLog(releases, 'shop/dev');
    for (const what of ['revert to r1', 'revert to r2', 'revert to r3']) await log.add(draft(what));
  });

  test('numbers what was done, and tells it in order', async () => {
    const stored = await log.list();
    expect(stored.map((it) => ('record' in it ? it.record.what : it.damage.message))).toEqual([
      'revert to r1',
      'revert to r2',
      'revert to r3',
    ]);
    expect(stored.map(({ number }) => number)).toEqual([1, 2, 3]);
  });

  test('keeps what was seen beside it', async () => {
    const record = await log.add(draft('assess'), { containers: ['api'] });
    expect(await log.evidence(record)).toEqual({ containers: ['api'] });
  });

  test('notices a record that was changed', async () => {
    const file = join(folder, 'o2.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace('me@here', 'you@there'));
    expect(damageOf(await log.list())).toEqual([undefined, expect.stringMatching(/o2\.json was changed/), undefined]);
  });

  test('notices one that was replaced by a whole other one, by the one after it', async () => {
    const other = new OperationLog(new ReleaseStore(tempFolder(), 'shop/dev'), 'shop/dev');
    await other.add(draft('revert to r1'));
    const [{ number }] = [await other.add(draft('something else'))];
    expect(number).toBe(2);
    const text = JSON.stringify({ ...(await other.read(2)) });
    expect(text).toContain('something else');
    const { renderOperation } = await import('../../../src/operations/record');
    await writeFile(join(folder, 'o2.json'), renderOperation(await other.read(2)));
    const damage = damageOf(await log.list());
    expect(damage[2]).toMatch(/o2\.json is not the one that o3 came after/);
  });

  test('notices one that was taken away, and one that was cut short', async () => {
    await rm(join(folder, 'o2.json'));
    expect(damageOf(await log.list())).toEqual([undefined, expect.stringMatching(/o2 is gone/)]);
    await writeFile(join(folder, 'o2.json'), '{"format": 1,');
    expect(damageOf(await log.list())[1]).toMatch(/cut short/);
  });

  test('tells of the newest alone what is held against the one before', async () => {
    const file = join(folder, 'o2.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace('me@here', 'you@there'));
    const [newest, ...others] = await log.list(1);
    expect(others).toEqual([]);
    expect(newest).toMatchObject({ number: 3, record: { what: 'revert to r3' } });
  });

  test('goes on after a damaged record', async () => {
    await writeFile(join(folder, 'o3.json'), '{');
    expect((await log.add(draft('revert to r4'))).number).toBe(4);
  });

  test('says that an operation is not there', async () => {
    await expect(log.read(9)).rejects.toMatchObject({ code: 'operation/unknown' });
  });
});
