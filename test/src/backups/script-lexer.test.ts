import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type Piece, ScriptLexer } from '../../../src/backups/script-lexer';
import { clusterDump, plainDump } from '../../support/plain-dump';

function pieces(...chunks: string[]): { all: Piece[]; unfinished: string | undefined } {
  const lexer = new ScriptLexer();
  const all = [...chunks.flatMap((chunk) => lexer.push(chunk)), ...lexer.end()];
  return { all, unfinished: lexer.unfinished };
}

const statements = (script: string): string[] =>
  pieces(script).all.flatMap((piece) => (piece.kind === 'statement' ? [piece.text.trim()] : []));
const commands = (script: string): string[] =>
  pieces(script).all.flatMap((piece) => (piece.kind === 'meta' ? [piece.text.trim()] : []));

describe('a script is taken apart as psql does', () => {
  test.each([
    ['a text', `SELECT 'a;\\! id'; SELECT 2;`, [`SELECT 'a;\\! id';`, 'SELECT 2;']],
    ['a quote in a text', `SELECT 'it''s; \\'; SELECT 2;`, [`SELECT 'it''s; \\';`, 'SELECT 2;']],
    ['an escaped text', `SELECT E'it\\'s; ''\\\\'; SELECT 2;`, [`SELECT E'it\\'s; ''\\\\';`, 'SELECT 2;']],
    ['a name that ends with an e', `SELECT type'\\'; SELECT 2;`, [`SELECT type'\\';`, 'SELECT 2;']],
    ['a quoted name', `SELECT "a;""b\\! id"; SELECT 2;`, [`SELECT "a;""b\\! id";`, 'SELECT 2;']],
    ['a body', `DO $x$ a; $y$ '\\! $x$; SELECT $1;`, [`DO $x$ a; $y$ '\\! $x$;`, 'SELECT $1;']],
    ['a dollar in a name', `SELECT a$b; SELECT c$b;`, ['SELECT a$b;', 'SELECT c$b;']],
    [
      'statements in a function',
      'CREATE FUNCTION f(a int) RETURNS int\n BEGIN ATOMIC\n SELECT CASE WHEN true THEN 1 END;\n SELECT 2;\nEND;\nSELECT 2;',
      [
        'CREATE FUNCTION f(a int) RETURNS int\n BEGIN ATOMIC\n SELECT CASE WHEN true THEN 1 END;\n SELECT 2;\nEND;',
        'SELECT 2;',
      ],
    ],
    [
      'statements in a rule',
      'CREATE RULE r AS ON INSERT TO a DO ( DELETE FROM b;\n COMMIT;\n);\nBEGIN;',
      ['CREATE RULE r AS ON INSERT TO a DO ( DELETE FROM b;\n COMMIT;\n);', 'BEGIN;'],
    ],
    ['comments in a statement', `SELECT -- a; '\n 1 /* b; /* c; */ ' */;`, [`SELECT -- a; '\n 1 /* b; /* c; */ ' */;`]],
  ])('%s', (_what, script, expected) => {
    expect(statements(script)).toEqual(expected);
    expect(commands(script)).toEqual([]);
  });

  test('a backslash escapes in a plain text once the script has said so', () => {
    const script = `SET standard_conforming_strings = off;\nSELECT 'it\\'; \\! id\n';\nSELECT 2;`;
    expect(commands(script)).toEqual([]);
    expect(statements(script)).toHaveLength(3);
  });

  test.each([
    ['at the beginning of a line', '\\! id\n'],
    ['after a comment', '/* */ \\! id\n'],
    ['within a statement', 'SELECT 1 \\! id\n;'],
    ['after a text', `SELECT 'a' \\! id\n`],
    ['after a body', `DO $$ $$; \\! id\n`],
    ['without an end of line', `SELECT 1;\n\\! id`],
  ])('a command of psql %s', (_where, script) => {
    expect(commands(script)).toEqual(['\\! id']);
  });

  test('rows of COPY are no statements, whatever is in them', () => {
    const { all } = pieces(`COPY a FROM stdin;\n1\t'\n\\\\!;\\.\n\\! id\n\\.\nSELECT 1;\n`);
    expect(all.map(({ kind }) => kind)).toEqual(['statement', 'rows', 'end of rows', 'statement']);
    expect(all.reduce((sum, piece) => sum + (piece.kind === 'rows' ? piece.rows : 0), 0)).toBe(3);
  });

  test('a table without rows', () => {
    const { all } = pieces(`COPY a FROM stdin;\n\\.\nSELECT 1;\n`);
    expect(all.reduce((sum, piece) => sum + (piece.kind === 'rows' ? piece.rows : 0), 0)).toBe(0);
    expect(all.at(-1)).toMatchObject({ kind: 'statement', line: 3 });
  });

  test.each([
    ['the rows of a table', 'COPY a FROM stdin;\n1\n2'],
    ['a statement', `SELECT 'a`],
    ['a statement', 'CREATE TABLE a ('],
    ['a statement', 'DO $$ a'],
    [undefined, 'SELECT 1;\n-- the end'],
  ])('where it breaks off: %s', (expected, script) => {
    expect(pieces(script).unfinished).toBe(expected);
  });
});

describe('wherever a script is cut into chunks', () => {
  const scripts = [plainDump(), clusterDump({ shop: plainDump(), other: plainDump({ rows: 0 }) })];
  const kinds = (all: readonly Piece[]): string[] =>
    all.flatMap((piece) => (piece.kind === 'rows' ? [] : [`${piece.kind} ${piece.line} ${piece.text.trim()}`]));

  test('the same pieces come out, and nothing is lost', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...scripts),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
        (script, cuts) => {
          const chunks: string[] = [];
          for (let at = 0, turn = 0; at < script.length; turn++) {
            const length = cuts[turn % cuts.length]!;
            chunks.push(script.slice(at, at + length));
            at += length;
          }
          const { all } = pieces(...chunks);
          expect(
            all
              .map(({ text }) => text)
              .join('')
              .trimEnd(),
          ).toBe(script.trimEnd());
          expect(kinds(all).filter((it) => !/^statement \d+ $/.test(it))).toEqual(
            kinds(pieces(script).all).filter((it) => !/^statement \d+ $/.test(it)),
          );
        },
      ),
      { numRuns: 100 },
    );
  });

  test('a long statement comes in parts', () => {
    const long = `INSERT INTO a VALUES ${Array.from({ length: 60_000 }, (_none, index) => `(${index}, 'x')`).join(', ')};`;
    const { all } = pieces(...(long.match(/[\s\S]{1,5000}/g) ?? []));
    expect(all.length).toBeGreaterThan(2);
    expect(all.map(({ text }) => text).join('')).toBe(long);
    expect(all.filter((piece) => piece.kind === 'statement' && piece.begins)).toHaveLength(1);
  });
});
