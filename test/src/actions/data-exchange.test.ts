import { existsSync } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { DataExchange, type DataRun } from '../../../src/actions/data-run';
import { RestoreLedger } from '../../../src/actions/restore-ledger';
import { ReleaseStore } from '../../../src/releases/release-store';
import { newKey } from '../../../src/releases/seal';
import { Sensitive } from '../../../src/sensitive';
import type { RestoreSettings } from '../../../src/settings';
import { tempFolder } from '../../support/temp-folder';

const store = (): ReleaseStore => new ReleaseStore(tempFolder(), 'shop/dev');

const run: DataRun = {
  database: { service: 'db', alembic: { service: 'api' } },
  revisions: ['0002'],
  images: ['sha256:a'],
  alembic: {
    name: 'shop-api-1',
    image: 'sha256:a',
    labels: [],
    restart: 'no',
    maxRetryCount: 0,
    envs: [new Sensitive('PASSWORD=hunter22')],
  },
  users: ['api'],
  secrets: ['hunter22'],
  isLocked: false,
};

describe('what an update tells its commands', () => {
  test('is read with the key, secrets included, and by nobody without it', async () => {
    const key = newKey();
    const releases = store();
    const exchange = new DataExchange(releases);
    await exchange.begin(Buffer.from(key, 'base64'), run);
    expect((await exchange.run(key)).alembic?.envs).toEqual(['PASSWORD=hunter22']);
    await expect(exchange.run(newKey())).rejects.toMatchObject({ code: 'store/unusable' });
    const path = join(releases.folder, 'data', 'run');
    expect((await readFile(path)).includes('hunter22')).toBe(false);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('begins with nothing done, and what is done is added up', async () => {
    const exchange = new DataExchange(store());
    expect(await exchange.outcome()).toEqual({});
    await exchange.begin(Buffer.from(newKey(), 'base64'), run);
    await exchange.add({ snapshot: 's-1' });
    await exchange.add({ begun: true });
    expect(await exchange.outcome()).toEqual({ snapshot: 's-1', begun: true });
    await exchange.begin(Buffer.from(newKey(), 'base64'), run);
    expect(await exchange.outcome()).toEqual({});
  });

  test('is added up also where two of its commands end at the same time', async () => {
    const releases = store();
    const exchange = new DataExchange(releases);
    await exchange.begin(Buffer.from(newKey(), 'base64'), run);
    const done = [{ snapshot: 's-1' }, { prepared: 'shop.prepared-1' }, { keptAs: 'shop.before-1' }];
    await Promise.all(done.map((it) => new DataExchange(releases).add(it)));
    expect(await exchange.outcome()).toEqual(Object.assign({}, ...done));
  });

  test('is remembered when it was reached, with what was reached before until the update has ended', async () => {
    const exchange = new DataExchange(store());
    const other = { ...run, revisions: ['0001'] };
    await exchange.begin(Buffer.from(newKey(), 'base64'), run);
    expect(await exchange.mayBeIn(run)).toBe(false);
    await exchange.reached(run);
    expect([await exchange.mayBeIn(run), await exchange.mayBeIn(other)]).toEqual([true, false]);
    await exchange.reached(other);
    await exchange.reached(other);
    expect([await exchange.mayBeIn(run), await exchange.mayBeIn(other)]).toEqual([true, true]);
    await exchange.settled();
    expect([await exchange.mayBeIn(run), await exchange.mayBeIn(other)]).toEqual([false, true]);
  });
});

describe('a restore', () => {
  const restore: RestoreSettings = { source: { snapshot: 's-1' }, at: '2026-11-24T10:15:00Z' };

  test('is done once: the same words are the same restore, another time is another one', async () => {
    const ledger = new RestoreLedger(store());
    expect(await ledger.has(restore)).toBe(false);
    expect(await ledger.during(restore, 7, () => Promise.resolve('done'))).toBe('done');
    expect(await ledger.has({ at: restore.at, source: { snapshot: 's-1' } })).toBe(true);
    expect(await ledger.has({ ...restore, at: 'later' })).toBe(false);
    await ledger.forget(restore);
    expect(await ledger.has(restore)).toBe(false);
  });

  test('that has failed was not done', async () => {
    const ledger = new RestoreLedger(store());
    await expect(ledger.during(restore, 7, () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(await ledger.has(restore)).toBe(false);
  });
});

describe('room for what the steps on the data write down', () => {
  const reserved = ({ folder }: ReleaseStore): string => join(folder, 'data', 'reserved');
  const key = Buffer.from(newKey(), 'base64');
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });

  test('is there from the beginning of an update to its end', async () => {
    const releases = store();
    const exchange = new DataExchange(releases);
    await exchange.begin(key, run);
    expect((await stat(reserved(releases))).size).toBe(64 * 1024);
    await exchange.settled();
    expect(existsSync(reserved(releases))).toBe(false);
    await exchange.begin(key, run);
    await exchange.clear();
    expect(existsSync(reserved(releases))).toBe(false);
  });

  test('is used where the disk has become full meanwhile', async () => {
    const releases = store();
    await new DataExchange(releases).begin(key, run);
    const write = (): Promise<string> =>
      existsSync(reserved(releases)) ? Promise.reject(full) : Promise.resolve('written');
    expect(await releases.withRoomForData(write)).toBe('written');
    await expect(releases.withRoomForData(() => Promise.reject(full))).rejects.toBe(full);
  });

  test('is asked for before anything is changed; what ran before is put back without it', async () => {
    const releases = store();
    await mkdir(reserved(releases), { recursive: true }); // no file can be made of it
    const exchange = new DataExchange(releases);
    await expect(exchange.begin(key, run)).rejects.toMatchObject({ code: 'store/unusable' });
    await exchange.begin(key, { ...run, isPutBack: true });
    expect(await exchange.run(key.toString('base64'))).toMatchObject({ isPutBack: true });
  });
});
