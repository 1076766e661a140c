import { salvageSchema } from '../postgres/salvage-schema';
import { countText } from './count';
import type { DowngradeLoss, LostItem } from './downgrade-loss';
import type { RestoreLoss, TableChange } from './restore-loss';

const verbs: Readonly<Record<LostItem['kind'], string>> = {
  dropped: 'is dropped',
  deleted: 'loses',
  emptied: 'is emptied',
  narrowed: 'is narrowed',
  overwritten: 'is overwritten',
};

/** What a downgrade would lose, a line each; the first says how much. */
export function downgradeLossText({ items, objects, unknown, noDowngrade, rows, values }: DowngradeLoss): string[] {
  const lines = [
    ...noDowngrade.map(({ revision, what }) => `    ${revision}: ${what}`),
    ...unknown.map(({ revision, what }) => `    ${revision}: cannot be told: ${what}`),
    ...items.map(itemText),
    ...objects.map(({ revision, what }) => `    ${revision}: ${what} is dropped (holds no data)`),
  ];
  if (noDowngrade.length > 0) return ['A downgrade is not possible:', ...lines];
  const nothing = rows.value + values.value === 0;
  const but = unknown.length > 0 ? ', as far as can be told' : '';
  if (nothing && unknown.length === 0 && items.length === 0) {
    return ['A downgrade would lose nothing.', ...lines];
  }
  const amount = nothing
    ? 'nothing that is there now'
    : [
        ...(rows.value > 0 ? [countText(rows, 'row')] : []),
        ...(values.value > 0 ? [countText(values, 'value')] : []),
      ].join(' and ');
  const kept = nothing
    ? []
    : [
        `    It is copied into the schema ${salvageSchema} of the same database first, and stays there until that is dropped on purpose.`,
      ];
  return [`A downgrade would take away ${amount}${but}:`, ...lines, ...kept];
}

function itemText({ revision, kind, schema, table, column, count }: LostItem): string {
  const name = `${schema}.${table}${column === undefined ? '' : `.${column}`}`;
  const what = column === undefined ? `table ${name}` : `column ${name}`;
  const verb = verbs[kind];
  return `    ${revision}: ${what} ${verb}${kind === 'deleted' ? ' ' : ': '}${countText(count, column === undefined ? 'row' : 'value')}`;
}

/** What a restore would lose, a line each; the first says how much. */
export function restoreLossText({ tables, compared, oldest, newest, ...total }: RestoreLoss, since: string): string[] {
  if (tables.length === 0) return [`Nothing has changed in ${compared} tables since ${since}: nothing would be lost.`];
  const times = oldest === undefined ? '' : ` (from ${timeText(oldest)} to ${timeText(newest ?? oldest)})`;
  return [
    `Since ${since}, these have changed in ${tables.length} of ${compared} tables, and would be as they were then${times}:`,
    ...tables.map(tableText),
    `    In all: ${changesText(total)}.`,
  ];
}

/** Where what a restore replaces lies, and for how long. */
export const keptDatabaseText =
  'The database that is replaced is kept, complete to its last write, until it is removed on purpose (rewind snapshot prune --databases).';

function tableText({ schema, name, kind, newColumns = [], hasKey, oldest, newest, ...changes }: TableChange): string {
  const table = `${schema}.${name}`;
  const times =
    oldest === undefined ? '' : `, from ${timeText(oldest)}${newest === oldest ? '' : ` to ${timeText(newest!)}`}`;
  if (kind === 'new') return `    ${table}: was not there then, with ${number(changes.inserted)} rows${times}`;
  if (kind === 'gone') return `    ${table}: comes back, with ${number(changes.deleted)} rows`;
  const columns = newColumns.map(({ column, values }) => `${number(values)} values of the new column ${column}`);
  const all = [changesText(changes), ...columns].filter((text) => text !== '').join(', ');
  return `    ${table}: ${all}${hasKey ? '' : ' (no primary key: an updated row counts as both)'}${times}`;
}

function changesText({
  inserted,
  updated,
  deleted,
  newValues = 0,
}: Pick<RestoreLoss, 'inserted' | 'updated' | 'deleted'> & { readonly newValues?: number }): string {
  const part = (count: number, what: string): string[] => (count === 0 ? [] : [`${number(count)} ${what}`]);
  return [
    ...part(inserted, 'inserted'),
    ...part(updated, 'updated'),
    ...part(deleted, 'deleted'),
    ...part(newValues, 'values of new columns'),
  ].join(', ');
}

function number(value: number): string {
  return value.toLocaleString('en');
}

/** `2026-11-24 08:41:07 UTC`. */
function timeText(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}
