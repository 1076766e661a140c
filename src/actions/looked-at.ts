import { RewindError } from '../errors';
import type { ReleaseRecord } from '../releases/record';
import type { StoredRelease } from '../releases/release-store';
import { StackConfig } from '../releases/stack-config';
import { readSettings, type StackSettings } from '../settings';
import { withAcceptedSchema } from './accepted-schema';
import { settingValue } from './setting-value';
import type { StackContext } from './stack-context';

/** What a stack that is looked at is held against. */
export interface LookedAt {
  /** The newest release. */
  readonly record: ReleaseRecord;
  /** The readable one before it. @default there is none */
  readonly before?: ReleaseRecord;
  readonly settings: Pick<StackSettings, 'verify' | 'assess' | 'database'>;
}

/**
 * The newest release, as what a stack is held against.
 *
 * @param stack - `project/stack` of Pulumi
 * @throws RewindError release/unknown, release/damaged
 */
export function heldAgainst(stack: string, newest: StoredRelease | undefined): ReleaseRecord {
  if (!newest) {
    throw new RewindError({
      code: 'release/unknown',
      message: `The stack ${stack} has no release to hold it against.`,
      fix: 'Make one: rewind deploy, or pulumi up.',
    });
  }
  // An older one is not what runs.
  if ('damage' in newest) throw newest.damage;
  return newest.record;
}

/**
 * Reads what a stack is to be held against when it is verified or assessed.
 *
 * @throws RewindError release/unknown, release/damaged, config/invalid, pulumi/failed
 */
export async function readLookedAt(context: StackContext): Promise<LookedAt> {
  const [newest, today] = await Promise.all([context.releases.list(2), StackConfig.read(context.configFile)]);
  const last = heldAgainst(context.name, newest.at(-1));
  const { config } = today;
  const { settings, problems } = readSettings({
    verify: await settingValue(context, today, 'verify'),
    assess: config['rewind:assess'],
    database: config['rewind:database'],
  });
  RewindError.throwIfAny(problems);
  const [before] = newest.slice(0, -1);
  const record = await withAcceptedSchema(context.releases, last);
  return { record, ...(before && 'record' in before && { before: before.record }), settings };
}
