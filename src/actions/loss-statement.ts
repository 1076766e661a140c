import { RewindError } from '../errors';
import { lossOutlookLines } from '../loss/outlook';
import { shellWord } from '../shell-word';
import type { DataChoice } from './choose-data';
import type { DataOutlook } from './data-outlook';

/** What a revert takes away of the data as it is now. */
export interface LossStatement {
  /** What has to be named to accept it: tables, columns, revisions of which nobody can tell, a snapshot. */
  readonly names: readonly string[];
  /** In words, a line each. */
  readonly lines: readonly string[];
}

/**
 * What a revert would lose. What is lost to the application is kept aside all the same.
 *
 * @param choice - what is to become of the data. @default the schema is moved to the release's
 */
export function lossStatement(outlook: DataOutlook | undefined, choice: DataChoice | undefined): LossStatement {
  if (!outlook || choice === 'keep') return none;
  if (choice === 'restore') {
    const { snapshot } = outlook;
    if (!snapshot) return none;
    const since = `Everything that was written since ${snapshot.id} (${snapshot.takenAt}) is then only in the database that is kept.`;
    return { names: [snapshot.id], lines: [since, ...(outlook.loss ? lossOutlookLines(outlook.loss) : [])] };
  }
  const downgrade = outlook.loss?.downgrade;
  if (!outlook.loss || (outlook.newer ?? []).length === 0) return none;
  // Where it could not be looked at, nobody can say that nothing is lost.
  const names = downgrade
    ? [
        ...downgrade.items
          .filter(({ count }) => count.value > 0)
          .map(({ schema, table, column }) => `${schema}.${table}${column === undefined ? '' : `.${column}`}`),
        ...downgrade.unknown.map(({ revision }) => revision),
      ]
    : (outlook.newer ?? []).map(({ revision }) => revision);
  if (names.length === 0) return none;
  return { names: [...new Set(names)].sort(), lines: lossOutlookLines(outlook.loss) };
}

const none: LossStatement = { names: [], lines: [] };

/**
 * Refuses what would lose data that nobody has named.
 *
 * @param accepted - names that were given, one or several in a text, with commas between them
 * @throws RewindError release/loss
 */
export function checkAccepted(statement: LossStatement, accepted: readonly string[]): void {
  if (isAccepted(statement, accepted)) return;
  const { names, lines } = statement;
  throw new RewindError({
    code: 'release/loss',
    message: `This would take away data, which --yes alone does not allow:\n${lines.join('\n')}`,
    fix: `Nothing has changed. To do it: add --accept-loss ${shellWord(names.join(','))}. To leave the schema as it is: --database=keep.`,
  });
}

/** Whether all that would be lost has been named. */
export function isAccepted({ names }: LossStatement, accepted: readonly string[]): boolean {
  // A name may have a comma in it: the list as it was asked for is taken as a whole.
  if (accepted.includes(names.join(','))) return true;
  const given = new Set(accepted.flatMap((text) => [text, ...text.split(',').map((name) => name.trim())]));
  return names.every((name) => given.has(name));
}
