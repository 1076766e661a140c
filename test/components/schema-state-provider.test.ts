import { createRequire } from 'node:module';

import { describe, expect, test } from 'vitest';

import { diff, type SchemaInputs, type SchemaOutputs } from '../../components/schema-state-provider';

const inputs: SchemaInputs = {
  stack: 'shop/dev',
  service: 'db',
  versionTable: { schema: 'app', table: 'versions' },
  images: { api: 'sha256:1', db: 'sha256:2' },
  status: 'reachable',
};
const state: SchemaOutputs = { ...inputs, revision: '0002', fingerprint: 'f', sizeMiB: 8, serverVersion: '15.14' };

const changes = async (olds: Partial<SchemaOutputs>, news: Partial<SchemaInputs>): Promise<boolean> =>
  (await diff('shop/dev', { ...state, ...olds }, { ...inputs, ...news })).changes;

describe('the state of a schema', () => {
  test('is left alone while it is as it was declared', async () => {
    expect(await changes({}, {})).toBe(false);
    expect(await changes({ target: '0002' }, { revision: '0002' })).toBe(false);
  });

  test('is left alone whatever the order in which the engine hands it back', async () => {
    expect(await changes({ images: { db: 'sha256:2', api: 'sha256:1' } }, {})).toBe(false);
    expect(await changes({ versionTable: { table: 'versions', schema: 'app' } }, {})).toBe(false);
  });

  test('is put right when the database stands at another revision than the declared one', async () => {
    expect(await changes({ revision: '0001', target: '0002' }, { revision: '0002' })).toBe(true);
    expect(await changes({ revision: '', target: '0002' }, { revision: '0002' })).toBe(true);
  });

  test('is read again when a refresh has found another schema than was known', async () => {
    expect(await changes({ revision: '0001', moved: true }, {})).toBe(true);
  });

  test('is no matter of the revision when none is declared', async () => {
    expect(await changes({ revision: '0001' }, {})).toBe(false);
  });

  test('is read again when it could not be, and when another image ran since', async () => {
    expect(await changes({ status: 'database unreachable: It does not run.' }, {})).toBe(true);
    expect(await changes({}, { images: { api: 'sha256:3', db: 'sha256:2' } })).toBe(true);
    expect(await changes({}, { extensions: ['pg_trgm'] })).toBe(true);
    expect(await changes({}, { service: 'other' })).toBe(true);
  });

  test('does not change with the size of the database, its fingerprint or the server', async () => {
    expect(await changes({ sizeMiB: 900, fingerprint: 'g', serverVersion: '15.15' }, {})).toBe(false);
  });
});

test('the package exports the module that the text in the state asks for', () => {
  const { exports, files } = createRequire(import.meta.url)('../../package.json') as {
    exports: Record<string, string>;
    files: string[];
  };
  expect(exports['./schema-state']).toBe('./dist/schema-state.js');
  expect(files).toContain('dist/schema-state.js');
});
