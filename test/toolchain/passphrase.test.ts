import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ensurePassphrase } from '../../toolchain/passphrase';
import { projectPlaces } from '../../toolchain/project';
import { tempFolder } from './temp-folder';

const mode = (file: string) => (fs.statSync(file).mode & 0o777).toString(8);

test('a passphrase is 32 random bytes that only the owner can read', () => {
  const places = projectPlaces(tempFolder());
  const file = ensurePassphrase(places);
  expect(file).toBe(places.passphrase);
  expect(Buffer.from(fs.readFileSync(file, 'utf8'), 'base64')).toHaveLength(32);
  expect([mode(file), mode(places.folder)]).toEqual(['600', '700']);
  expect(fs.readdirSync(places.folder)).toEqual(['passphrase']);
});

test('a passphrase that is there stays', () => {
  const places = projectPlaces(tempFolder());
  const first = fs.readFileSync(ensurePassphrase(places), 'utf8');
  expect(fs.readFileSync(ensurePassphrase(places), 'utf8')).toBe(first);
});

test('every project has its own', () => {
  const [one, other] = [1, 2].map(() => fs.readFileSync(ensurePassphrase(projectPlaces(tempFolder())), 'utf8'));
  expect(one).not.toBe(other);
});

test('a passphrase that others could read is closed to them', () => {
  const places = projectPlaces(tempFolder());
  fs.chmodSync(ensurePassphrase(places), 0o644);
  fs.chmodSync(places.folder, 0o755);
  ensurePassphrase(places);
  expect([mode(places.passphrase), mode(places.folder)]).toEqual(['600', '700']);
});

test('an empty file, left by a full disk, is replaced', () => {
  const places = projectPlaces(tempFolder());
  fs.mkdirSync(places.folder);
  fs.writeFileSync(places.passphrase, '');
  expect(fs.readFileSync(ensurePassphrase(places), 'utf8')).not.toBe('');
});

test('no new passphrase is made for stacks that were encrypted with a lost one', () => {
  const places = projectPlaces(tempFolder());
  const stacks = path.join(places.state, '.pulumi', 'stacks', 'demo');
  fs.mkdirSync(stacks, { recursive: true });
  fs.writeFileSync(path.join(stacks, 'dev.json'), '{}');
  expect(() => ensurePassphrase(places)).toThrow(
    expect.objectContaining({
      message: expect.stringContaining(places.passphrase) as string,
      fix: expect.stringContaining('backup') as string,
    }),
  );
  expect(fs.existsSync(places.passphrase)).toBe(false);
});
