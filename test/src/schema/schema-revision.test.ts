import { expect, test } from 'vitest';

import { schemaRevision } from '../../../src/schema/schema-revision';

const plan = (...statements: string[]) => ({ statements, outside: [], gaps: [] });

test('A revision holds the SQL both ways, whatever is in it', () => {
  const text = schemaRevision({
    id: '0007',
    after: '0006',
    message: 'an index by hand',
    createdAt: new Date(0),
    forth: plan(`CREATE INDEX "é" ON t (a) WHERE b LIKE 'x%' AND c <> ':d'::text;`),
    back: plan('DROP INDEX "é";'),
  });
  expect(text).toContain('down_revision = "0006"');
  expect(text).toContain(
    `op.execute("CREATE INDEX \\"\\u00e9\\" ON t (a) WHERE b LIKE 'x%' AND c <> '\\\\:d'::text;")`,
  );
  expect(text).toContain('def downgrade() -> None:\n    op.execute("DROP INDEX \\"\\u00e9\\";")');
  expect(text).not.toContain('return');
});

test('What cannot be written as SQL is left to be written by hand', () => {
  const none = { statements: [], outside: [], gaps: ['operator public.+ has to be made by hand'] };
  const text = schemaRevision({ id: 'a', after: null, message: 'm', createdAt: new Date(0), forth: none, back: none });
  expect(text).toContain('down_revision = None');
  expect(text).toContain('# To be written by hand: operator public.+ has to be made by hand\n    pass');
});

test('Where it was made by hand, nothing is done', () => {
  const text = schemaRevision({
    id: 'a',
    after: null,
    message: 'm',
    createdAt: new Date(0),
    forth: plan('CREATE TABLE t ();'),
    back: plan('DROP TABLE t;'),
    isThere: `SELECT pg_catalog.to_regclass('public.t') IS NOT NULL`,
  });
  expect(text).toMatch(/def upgrade\(\) -> None:\n.*\n {4}if .*to_regclass.*\n {8}return\n {4}op\.execute/);
});
