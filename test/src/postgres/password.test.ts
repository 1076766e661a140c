import { expect, test } from 'vitest';

import { isPasswordOf } from '../../../src/postgres/password';

// The example of RFC 7677, as Postgres stores it.
const scram =
  'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=';

test('a password is held against what the server stores of it', () => {
  expect(isPasswordOf('user', 'pencil', scram)).toBe(true);
  expect(isPasswordOf('user', 'Pencil', scram)).toBe(false);
});

test('so it is where the server still stores the older kind, in which the name of the role is', () => {
  // md5 of "ba": the password, then the role
  const stored = 'md507159c47ee1b19ae4fb9c40d480856c4';
  expect(isPasswordOf('a', 'b', stored)).toBe(true);
  expect(isPasswordOf('b', 'a', stored)).toBe(false);
});

test('a role without a password has none', () => {
  expect(isPasswordOf('user', 'pencil', '')).toBe(false);
});
