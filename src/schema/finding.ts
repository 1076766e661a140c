import type { Finding } from '../drift/finding';
import type { SchemaDifference } from './comparison';

/** Facets that change nothing of what a query returns or may do. */
const harmless = /^(comment|storage|compression|statistics|target|fillfactor|toast\.|cluster|autovacuum)/;

/** Kinds without which a query fails. */
const needed = new Set([
  'table',
  'column',
  'view',
  'materialized view',
  'foreign table',
  'function',
  'sequence',
  'type',
  'schema',
  'extension',
  'role',
]);

/** A difference as a finding. */
export function findingOf(difference: SchemaDifference, service: string): Finding {
  const { name, how, what, forth, back, note, isWhole } = difference;
  const kind = [...needed].find((it) => name.startsWith(`${it} `));
  const isGone = (how === 'removed' || how === 'renamed') && kind !== undefined;
  const isHarmless = how === 'changed' && what.every((it) => harmless.test(it));
  const said = [
    note,
    ...(back.gaps.length === 0 ? [] : [`Not all of it can be put right with SQL: ${back.gaps.join('; ')}.`]),
    ...(back.outside.length === 0 ? [] : [`Outside of the transaction: ${back.outside.join(' ')}`]),
  ].filter((it) => it !== undefined);
  const details = what.join(', ');
  return {
    id: `database/${name}`,
    group: service,
    what: how === 'changed' ? `${name}: ${details} changed` : `${name} ${how}`,
    declared: how === 'added' ? 'not there' : details || 'there',
    live: { added: 'there', removed: 'not there', renamed: 'has another name', changed: `another ${details}` }[how],
    severity: isGone ? 'broken' : isHarmless ? 'information' : 'changed',
    fix: isWhole ? 'ddl' : 'none',
    ...(said.length > 0 && { note: said.join(' ') }),
    sql: {
      forth: [...forth.statements, ...forth.outside].join('\n'),
      back: [...back.statements, ...back.outside].join('\n'),
    },
  };
}
