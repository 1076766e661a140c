import { literal } from './sql';

/** The advisory lock of the server that whoever works with a database of Rewind's own holds, as SQL: its key. */
export function lockOf(name: string): string {
  return `pg_catalog.hashtextextended(${literal(`rewind ${name}`)}, 0)`;
}
