import { symlink, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ImportPlace } from '../support/import-place';
import { crlf, packed, utf16 } from '../support/spoilt-backups';

// Backups that a real server's own tools have made, and what others have made of them on their way.

let place: ImportPlace;

beforeAll(async () => {
  place = await ImportPlace.make('rewind-import-usable');
});

afterAll(() => place.remove());

describe('a backup that can be used becomes a proved snapshot', () => {
  test.each<[string, string, Record<string, unknown>?]>([
    ['pg_dump', 'plain.sql', { timeFrom: 'file' }],
    ['pg_dump -v, which says when it was made', 'verbose.sql', { timeFrom: 'backup' }],
    ['--inserts', 'inserts.sql'],
    ['--column-inserts, many rows at once', 'many-inserts.sql'],
    ['--clean', 'clean.sql'],
    ['--clean --if-exists', 'clean-if-exists.sql'],
    ['--clean --create', 'clean-create.sql'],
    ['--use-set-session-authorization', 'sessions.sql'],
    ['--quote-all-identifiers', 'quoted.sql'],
    ['--encoding=LATIN1', 'latin1.sql'],
    ['pg_dumpall', 'all.sql', { notes: ['Not imported: other shop (--database).'] }],
    ['pg_dumpall --clean', 'all-clean.sql'],
    ['custom format', 'custom.dump', { kind: 'custom', timeFrom: 'backup' }],
    ['custom format that is not packed', 'custom-unpacked.dump', { kind: 'custom' }],
    ['tar format', 'tar.tar', { kind: 'tar' }],
    ['directory format', 'folder', { kind: 'directory' }],
  ])('%s: %s', async (_what, name, expected = {}) => {
    const { manifest, proof, ...backup } = await place.import(name);
    expect(proof).toMatchObject({ ok: true, findings: [] });
    expect(backup).toMatchObject({ missingRoles: [], ...expected });
    expect(manifest).toMatchObject({
      database: 'shop',
      revisions: ['0007'],
      stack: 'corpus/dev',
      importedFrom: place.file(name),
    });
    const live = await place.live();
    expect(manifest.content).toEqual(live.content);
    expect(manifest.schema).toEqual(live.schema);
    expect(manifest.roles).toEqual(live.roles);
  });

  test('without owners: everything belongs to the owner of the live database', async () => {
    const { manifest } = await place.import('no-owner.sql');
    expect(manifest.content.tables).toEqual((await place.live()).content.tables);
    // The right to make schemas in it is one of the live database itself.
    expect(manifest.roles).toEqual(['Old Shop', 'shop']);
  });

  test('of a part of a database', async () => {
    expect((await place.import('public.sql')).manifest.content.tables.map(({ name }) => name)).toEqual([
      'alembic_version',
    ]);
    expect((await place.import('custom-public.dump')).manifest.content.tables).toHaveLength(1);
  });

  test('of a database with another name', async () => {
    expect(await place.import('other.sql')).toMatchObject({
      manifest: { database: 'other shop' },
      proof: { ok: true },
    });
    expect(await place.import('custom-other.dump')).toMatchObject({
      manifest: { database: 'other shop' },
      proof: { ok: true },
    });
    expect(await place.import('all.sql', { database: 'other shop' })).toMatchObject({
      manifest: { database: 'other shop' },
    });
  });
});

type Make = () => Promise<string | Buffer>;

/** The same dump as others have passed it on. */
const forms: Readonly<Record<string, Make>> = {
  'plain.sql.gz': async () => gzipSync(await place.bytes('plain.sql')),
  'no known ending': async () => gzipSync(await place.bytes('plain.sql')),
  'named-gz-but-is-not.sql.gz': () => place.bytes('plain.sql'),
  'twice.sql.gz.gz': async () => gzipSync(gzipSync(await place.bytes('plain.sql'))),
  'in-two-members.sql.gz': async () => {
    const plain = await place.bytes('plain.sql');
    return Buffer.concat([gzipSync(plain.subarray(0, 9000)), gzipSync(plain.subarray(9000))]);
  },
  'plain.sql.zst': async () => packed('zstd', await place.bytes('plain.sql')),
  'plain.sql.xz': async () => packed('xz', await place.bytes('plain.sql')),
  'plain.sql.bz2': async () => packed('bzip2', await place.bytes('plain.sql')),
  'utf16le.sql': async () => utf16(await place.text('plain.sql')),
  'utf16le-with-lf.sql': async () => Buffer.from(`\ufeff${await place.text('plain.sql')}`, 'utf16le'),
  'utf16be.sql': async () => utf16(await place.text('plain.sql')).swap16(),
  'utf16le-without-mark.sql': async () => utf16(await place.text('plain.sql')).subarray(2),
  'utf8-with-mark.sql': async () => `\ufeff${await place.text('plain.sql')}`,
  'crlf.sql': async () => crlf(await place.text('plain.sql')),
  'crlf-with-mark.sql.gz': async () => gzipSync(`\ufeff${crlf(await place.text('plain.sql'))}`),
  'powershell.sql.gz': async () => gzipSync(utf16(await place.text('plain.sql'))),
  'of-an-older-minor-release.sql': async () =>
    (await place.text('plain.sql')).replaceAll(/^\\(un)?restrict .*\n/gm, ''),
  'of-a-newer-pg_dump.sql': async () =>
    (await place.text('plain.sql'))
      .replace(/(Dumped by pg_dump version )\S+/, '$117.6')
      .replace('SET lock_timeout = 0;', 'SET lock_timeout = 0;\nSET transaction_timeout = 0;'),
  'without the last line end.sql': async () => (await place.text('plain.sql')).trimEnd(),
  [`it's "the" one; $(id) \`id\` é 東京.sql`]: () => place.bytes('plain.sql'),
};

describe('a backup reads as pg_dump has written it', () => {
  test.each(Object.entries(forms))('%s', async (name, make) => {
    await writeFile(place.file(name), await make());
    // What has become UTF-8 on its way here need not say that it is.
    const statements = async (backup: string): Promise<string> =>
      (await place.script(backup)).replace(`SET client_encoding = 'UTF8';\n`, '\n');
    expect((await statements(name)).replaceAll(/\n+/g, '\n')).toBe(
      (await statements('plain.sql')).replaceAll(/\n+/g, '\n'),
    );
  });

  test('by a link', async () => {
    await symlink('plain.sql', place.file('link.sql'));
    expect(await place.script('link.sql')).toBe(await place.script('plain.sql'));
  });

  test('and comes back so, whatever it is packed with and called', async () => {
    const name = `backup_20261120_101500 it's "the" one.sql.gz`;
    await writeFile(place.file(name), await forms['powershell.sql.gz']!());
    const { manifest, proof, packedWith, timeFrom, notes } = await place.import(name);
    expect(manifest.content).toEqual((await place.live()).content);
    expect(manifest.takenAt).toBe(new Date(2026, 10, 20, 10, 15).toISOString());
    expect({ ok: proof.ok, packedWith, timeFrom }).toEqual({ ok: true, packedWith: ['gzip'], timeFrom: 'name' });
    expect(notes).toEqual([expect.stringContaining('PowerShell')]);
  });

  test.each([
    ['gzip', 'custom.dump', 'gzip'],
    ['xz', 'tar.tar', 'xz'],
    ['Zstandard', 'custom-unpacked.dump', 'zstd'],
  ])('an archive that is packed with %s', async (kind, name, program) => {
    await writeFile(place.file(`${name}.${program}`), await packed(program, await place.bytes(name)));
    const { manifest, packedWith } = await place.import(`${name}.${program}`);
    expect(packedWith).toEqual([kind]);
    expect(manifest.content).toEqual((await place.live()).content);
  });
});
