import { describe, expect, test } from 'vitest';

import type { Catalogue, Row } from '../../../src/schema/row';
import { SchemaComparison } from '../../../src/schema/comparison';

const catalogue = (...rows: Row[]): Catalogue => ({ format: 1, version: 150_014, defaults: {}, rows });
const table = (name: string, oid = '1'): Row => ({ kind: 'table', name, owner: 'o', hint: { oid } });
const column = (on: string, name: string, type: string, more: Partial<Row> = {}): Row => ({
  kind: 'column',
  name: `${on}.${name}`,
  on,
  ofKind: 'table',
  column: name,
  type,
  ...more,
});
const index = (name: string, on: string): Row => ({
  kind: 'index',
  name,
  on,
  ofKind: 'table',
  definition: `CREATE INDEX ${name} ON ${on} USING btree (a)`,
  needs: [`column ${on}.a`],
});
const compare = (declared: Catalogue, live: Catalogue) => new SchemaComparison(declared, live, 'shop').differences();

describe('two schemas', () => {
  test('that are the same have no differences, whatever the server calls their objects', () => {
    expect(compare(catalogue(table('t', '1')), catalogue(table('t', '2')))).toEqual([]);
  });

  test('differ by an index: the way there and the way back', () => {
    const base = [table('t'), column('t', 'a', 'integer')];
    const [found] = compare(catalogue(...base), catalogue(...base, index('i', 't')));
    expect(found).toMatchObject({
      name: 'index i',
      how: 'added',
      forth: { statements: ['CREATE INDEX i ON t USING btree (a);'] },
      back: { statements: ['DROP INDEX i;'] },
      isWhole: true,
    });
  });

  test('differ by a dropped column: its index comes back with it, its values do not', () => {
    const [found, ...others] = compare(
      catalogue(table('t'), column('t', 'a', 'integer'), index('i', 't')),
      catalogue(table('t')),
    );
    expect(others).toEqual([]);
    expect(found).toMatchObject({ name: 'column t.a', how: 'removed', isWhole: false });
    expect(found!.back.statements).toEqual([
      'ALTER TABLE t ADD COLUMN a integer;',
      'CREATE INDEX i ON t USING btree (a);',
    ]);
    expect(found!.note).toContain('Its values are gone');
  });

  test('that differ by a name keep their rows', () => {
    const [found, ...others] = compare(
      catalogue(table('t'), column('t', 'a', 'integer')),
      catalogue(table('u'), column('u', 'a', 'integer')),
    );
    expect(others).toEqual([]);
    expect(found).toMatchObject({ how: 'renamed', back: { statements: ['ALTER TABLE u RENAME TO t;'] } });
  });

  test.each([
    ['integer', 'bigint', true],
    ['text', 'character varying(20)', true],
    ['numeric(10,2)', 'numeric(10,1)', false],
    ['date', 'timestamp with time zone', false],
    ['integer', 'text', true],
  ])('where %s has become %s: whether all comes back is %s', (was, is, isWhole) => {
    const [found] = compare(catalogue(table('t'), column('t', 'a', was)), catalogue(table('t'), column('t', 'a', is)));
    expect(found).toMatchObject({ name: 'column t.a', what: ['type'], isWhole });
  });
});
