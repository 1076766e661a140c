import { describe, expect, test } from 'vitest';

import { loggedStatements, originIn } from '../../../src/drift/postgres-log';

const at = (second: number, text: string): string => `2026-11-27T10:00:0${second}.500000000Z ${text}`;
const log = [
  at(0, '2026-11-27 10:00:00.500 UTC [1] LOG:  database system is ready to accept connections'),
  at(1, '2026-11-27 10:00:01.500 UTC [71] shop@shop LOG:  statement: CREATE INDEX by_hand ON goods (kind)'),
  at(2, '2026-11-27 10:00:02.500 UTC [72] LOG:  execute <unnamed>: ALTER TABLE public.goods'),
  at(2, '\tALTER COLUMN name TYPE varchar(99)'),
  at(3, '2026-11-27 10:00:03.500 UTC [73] LOG:  duration: 1200.5 ms  statement: drop view "Names of all"'),
  at(4, "user=ops,db=shop,app=psql,client=10.0.0.7 LOG:  statement: CREATE ROLE intruder PASSWORD 'word'"),
  at(5, '2026-11-27 10:00:05.500 UTC [74] LOG:  statement: SELECT * FROM goods'),
  at(6, '2026-11-27 10:00:06.500 UTC [75] ERROR:  relation "goods" already exists'),
  at(6, '\tat character 1'),
  'a line without a time',
];

const of = (id: string): unknown => originIn(loggedStatements(log), id);

describe("what is told of a schema by the server's log", () => {
  test.each([
    ['database/index public.by_hand', { since: '2026-11-27T10:00:01.500Z', by: 'CREATE INDEX by shop@shop' }],
    ['database/column public.goods.name', { since: '2026-11-27T10:00:02.500Z', by: 'ALTER TABLE by process 72' }],
    ['database/table public.goods', { since: '2026-11-27T10:00:02.500Z', by: 'ALTER TABLE by process 72' }],
    ['database/view public."Names of all"', { since: '2026-11-27T10:00:03.500Z', by: 'DROP VIEW by process 73' }],
    ['database/role intruder', { since: '2026-11-27T10:00:04.500Z', by: 'CREATE ROLE by ops@shop, psql, 10.0.0.7' }],
    ['database/index public.by', undefined],
    ['database/column public.goods.kind', { since: '2026-11-27T10:00:01.500Z', by: 'CREATE INDEX by shop@shop' }],
    ['database/function public.sum_of(integer, text)', undefined],
    ['database/revision', undefined],
  ])('%s', (id, origin) => {
    expect(of(id)).toEqual(origin);
  });

  test('is no statement itself, which may have a secret in it', () => {
    expect(JSON.stringify(of('database/role intruder'))).not.toContain('word');
  });
});
