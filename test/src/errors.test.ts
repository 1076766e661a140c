import { expect, test } from 'vitest';

import { messageOf, type Problem, RewindError } from '../../src/errors';

const problem: Problem = { code: 'config/invalid', message: 'rewind:tags is not a map.', fix: 'Correct it.' };
const other: Problem = { code: 'compose/invalid', message: 'The file is empty.', fix: 'Fill it.' };

test('an error says what is wrong, how to mend it, and its code', () => {
  expect(new RewindError(problem).render()).toBe('rewind:tags is not a map.\n  → Correct it. [config/invalid]');
});

test('an error of several problems tells all of them, and how many there are', () => {
  expect(RewindError.of([problem, other])!.render()).toBe(
    '2 problems:\n\nrewind:tags is not a map.\n  → Correct it. [config/invalid]\n\nThe file is empty.\n  → Fill it. [compose/invalid]',
  );
});

test('an error is its first problem, with the others beside it and what caused it', () => {
  const cause = new Error('EACCES');
  const error = new RewindError({ ...problem, cause }, [other]);
  expect(error).toMatchObject({ name: 'RewindError', code: problem.code, message: problem.message, fix: problem.fix });
  expect(error.cause).toBe(cause);
  expect(error.problems.map(({ code }) => code)).toEqual([problem.code, other.code]);
});

test('no problems are no error', () => {
  expect(RewindError.of([])).toBeUndefined();
  expect(() => {
    RewindError.throwIfAny([]);
  }).not.toThrow();
  expect(() => {
    RewindError.throwIfAny([problem]);
  }).toThrow(RewindError);
});

test('anything that is thrown has a message', () => {
  expect(messageOf(new Error('gone'))).toBe('gone');
  expect(messageOf('gone')).toBe('gone');
  expect(messageOf(undefined)).toBe('undefined');
});
