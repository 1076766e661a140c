import { expect, test } from 'vitest';

import { schemaRevision } from '../../../src/schema/schema-revision';

const plan = (...statements: string[]) => ({ statements, outside: [], gaps: [] });

test('A revision holds the SQL both ways, whatever is in it', () => {
  const text = schemaRevision({
    id: '0007',
    after: '0006',
    message: 'an index by hand',
    createdAt: new Date(0),
    forth: plan(`CREATE INDEX "é" ON t (a) WHERE b LIKE 'x%';`),
    back: plan('DROP INDEX "é";'),
  });
  expect(text).toContain('down_revision = "0006"');
  expect(text).toContain(`exec_driver_sql("CREATE INDEX \\"\\u00e9\\" ON t (a) WHERE b LIKE 'x%%';")`);
  expect(text).toContain('def downgrade() -> None:\n    op.get_bind().exec_driver_sql("DROP INDEX \\"\\u00e9\\";")');
});

test('What cannot be written as SQL is left to be written by hand', () => {
  const none = { statements: [], outside: [], gaps: ['operator public.+ has to be made by hand'] };
  const text = schemaRevision({ id: 'a', after: null, message: 'm', createdAt: new Date(0), forth: none, back: none });
  expect(text).toContain('down_revision = None');
  expect(text).toContain('# To be written by hand: operator public.+ has to be made by hand\n    pass');
});
