import { expect, test } from 'vitest';

import { normalForm } from '../../../src/postgres/normal-form';

// The first of each pair is what the server says of a new constraint, the second what it says of the restored one.
test.each([
  [
    `CHECK (((state)::text = ANY ((ARRAY['new'::character varying, 'do''ne'::character varying])::text[])))`,
    `CHECK (((state)::text = ANY (ARRAY[('new'::character varying)::text, ('do''ne'::character varying)::text])))`,
  ],
  [
    `CHECK (((a)::text <> ALL ((ARRAY['x], ('::character varying, lower(b, 'y')])::text[])))`,
    `CHECK (((a)::text <> ALL (ARRAY[('x], ('::character varying)::text, (lower(b, 'y'))::text])))`,
  ],
])('%s is the same as what becomes of it', (before, after) => {
  expect(normalForm(before)).toBe(after);
  expect(normalForm(after)).toBe(after);
});

test.each(['CHECK ((a > 0))', "DEFAULT '(ARRAY['::text", 'SELECT (ARRAY[1, 2])[1]'])('%s stays as it is', (text) => {
  expect(normalForm(text)).toBe(text);
});
