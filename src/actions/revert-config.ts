import { configOfPart, configOfRelease, type DataChange, type ReleasePart, servicesOf } from '../releases/next-config';
import type { ReleaseRecord } from '../releases/record';
import type { ConfigSection } from '../releases/stack-config';
import { dataChange, type DataChoice, keepRevision, keepSchema } from './choose-data';
import type { StackContext } from './stack-context';

/** What of a release comes back, and what becomes of the data with it. */
export interface RevertChoice {
  /** The one part that comes back. @default all of it */
  readonly only?: ReleasePart;
  /** @default the schema is moved to the release's migrations */
  readonly database?: DataChoice;
}

/** From which release to which. */
export interface RevertEnds {
  readonly from: ReleaseRecord;
  readonly to: ReleaseRecord;
}

/** What a revert brings the stack to. */
export interface RevertConfig {
  readonly config: ConfigSection;
  readonly data: DataChange;
}

/** What becomes of the data: a part that has nothing to do with it leaves it as it is. */
export function dataChoiceOf({ only, database }: RevertChoice): DataChoice | undefined {
  return only === 'images' || only === 'config' ? 'keep' : database;
}

/** Whether the configuration of the release comes back: its compose model, environment, files and secrets. */
export function bringsConfiguration({ only }: RevertChoice): boolean {
  return only === undefined || only === 'config';
}

/**
 * The configuration that a revert goes to.
 *
 * @param today - the configuration as it is
 * @throws RewindError database/…, docker/…, snapshot/unknown
 */
export async function revertConfig(
  context: StackContext,
  { from, to }: RevertEnds,
  today: ConfigSection,
  { only, database }: RevertChoice,
): Promise<RevertConfig> {
  if (only === undefined) {
    const data = await dataChange(context, to, database);
    return { config: configOfRelease(to, today, data), data };
  }
  const data = await dataOfPart(context, to, today, only, database);
  return { config: configOfPart(only, to, from, today, data), data };
}

async function dataOfPart(
  context: StackContext,
  to: ReleaseRecord,
  today: ConfigSection,
  only: ReleasePart,
  database: DataChoice | undefined,
): Promise<DataChange> {
  if (only === 'database') {
    const change = await dataChange(context, to, database);
    const revisions = to.database?.revisions;
    return { ...(revisions && { revision: revisions }), ...change };
  }
  if (today['rewind:database'] === undefined) return {};
  return only === 'images' ? keepSchema(context) : keepRevision(context);
}

/** The services that run after a revert, with the image of each. */
export function servicesAfter(
  { from, to }: RevertEnds,
  only: ReleasePart | undefined,
  data: DataChange,
): ReleaseRecord['services'] {
  if (only === undefined) return servicesOf(to, data);
  if (only === 'database') return from.services;
  // A service that the other side does not have keeps its own image.
  const [there, wanted] = only === 'images' ? [from.services, servicesOf(to, data)] : [to.services, from.services];
  return Object.fromEntries(Object.entries(there).map(([name, own]) => [name, wanted[name] ?? own]));
}
