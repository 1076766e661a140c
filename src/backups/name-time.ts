import { basename } from 'node:path';

const inName =
  /(?<!\d)((?:19|20)\d\d)([-_.]?)(\d\d)\2(\d\d)(?:[-_.T @]*(\d\d)[-_.:h]?(\d\d)(?:[-_.:m]?(\d\d))?(?:[-_.:,]?\d{3,6})?s?(Z|UTC)?)?(?!\d)/i;

/**
 * The time in the name of a backup, e.g. of `backup_20261124_101500.sql`; in the time zone of this machine unless it ends
 * with a `Z`. Undefined if it has none, or none that can be: in the future, or on the 32nd.
 *
 * @param now - @default the present
 */
export function timeInName(path: string, now = new Date()): Date | undefined {
  const [, year, , month, day, hour = '00', minute = '00', second = '00', zone] = inName.exec(basename(path)) ?? [];
  if (year === undefined) return undefined;
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const time = new Date(`${text}${zone === undefined ? '' : 'Z'}`);
  if (Number.isNaN(time.getTime()) || time > now) return undefined;
  // JavaScript makes the 2nd of March of a 30th of February.
  return Number(day) === (zone === undefined ? time.getDate() : time.getUTCDate()) ? time : undefined;
}
