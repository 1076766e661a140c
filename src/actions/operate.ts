import { connect } from '../docker/engine';
import { messageOf, RewindError } from '../errors';
import type { OperationEvent, Notifier } from '../notify/notifier';
import { OperationLog } from '../operations/operation-log';
import type { OperationKind, OperationRecord, RecordedAssessment, RecordedVerification } from '../operations/record';
import { configurationDifferences, modelDifferences, sideOf } from '../operations/sides';
import { type ReleaseRecord, releaseName } from '../releases/record';
import { StackConfig } from '../releases/stack-config';
import type { Level } from '../verify/probe';
import { changeStack, type ChangeOptions, type ChangeResult } from './change-stack';
import { whoAmI } from './keep-release';
import { openSide } from './release-side';
import { releaseKey, type StackContext } from './stack-context';
import { type SeenStack, seeStack } from '../assess/see-stack';
import { recordedVerification } from './verify-stack';

/** A change of a stack that is verified, written down and told of. */
export interface OperateOptions extends Omit<ChangeOptions, 'verify' | 'lookBefore' | 'onEnd'> {
  readonly kind: OperationKind;
  /** How closely it is looked at afterwards. @default not at all */
  readonly level?: Level;
  /** What it loses, as it was said before, a line each. @default nothing */
  readonly loss?: readonly string[];
  /** What was found wrong before. @default nobody has looked */
  readonly assessment?: RecordedAssessment;
  /** Whether what runs before, and has logged, is kept with the record. @default true */
  readonly keepsEvidence?: boolean;
  /** Tells others. @default nobody is told */
  readonly notifier?: Notifier;
}

/** How it ended, and the record of it; undefined where that could not be written. */
export interface Operated {
  readonly result: ChangeResult;
  readonly record?: OperationRecord;
  /** Why it could not be written down. @default it was */
  readonly unrecorded?: string;
}

/**
 * Changes a stack: what runs before is looked at, the change is made, or put back, and verified; what was done is written
 * down, and others are told.
 *
 * @throws RewindError before anything has changed
 */
export async function operate(options: OperateOptions): Promise<Operated> {
  const { context, kind, what, reason, level, notifier, loss, assessment, keepsEvidence = true, signal } = options;
  const started = new Date();
  const event: OperationEvent = { stack: context.name, kind, what, by: whoAmI(), ...messageIn(reason.message) };
  // What cannot be seen is not in the record; the change goes on without.
  let looking: Promise<SeenStack | undefined> | undefined;
  const lookBefore = (): NonNullable<typeof looking> =>
    (looking ??= connect()
      .then(({ docker }) => seeStack(docker, context.name))
      .catch(() => undefined));
  const before = await context.releases.newest();
  notifier?.tell({ ...event, event: 'start', at: started.toISOString() });
  // What was interrupted is put back, and looked at all the same.
  const verify = (_release: ReleaseRecord, stop?: AbortSignal): Promise<RecordedVerification> => {
    const stops = [...(signal && !signal.aborted ? [signal] : []), ...(stop ? [stop] : [])];
    return recordedVerification(context, level!, stops.length > 0 ? AbortSignal.any(stops) : undefined);
  };
  const log = new OperationLog(context.releases, context.name);
  const written = async (result: ChangeResult, finished: Date): Promise<Omit<Operated, 'result'>> => {
    const after = 'release' in result ? result.release : before;
    const failure = failureOf(result);
    try {
      const record = await log.add(
        {
          kind,
          what,
          ...messageIn(reason.message),
          by: whoAmI(),
          startedAt: started.toISOString(),
          finishedAt: finished.toISOString(),
          result: result.state,
          ...(failure !== undefined && { failure }),
          phases: result.phases,
          ...(await sides(context, before, after, keepsEvidence)),
          ...dataOf(result),
          ...(loss && loss.length > 0 && { loss }),
          ...(assessment && { assessment }),
          ...('verification' in result && result.verification && { verification: result.verification }),
        },
        keepsEvidence ? await lookBefore() : undefined,
      );
      return { record };
    } catch (error) {
      return { unrecorded: messageOf(error) };
    }
  };
  let ended: Omit<Operated, 'result'> = {};
  const result = await changeStack({
    ...options,
    ...(level && { verify }),
    ...(keepsEvidence && { lookBefore }),
    onEnd: async (result) => {
      const finished = new Date();
      notifier?.tell({
        ...event,
        event: result.state === 'done' ? 'success' : 'failure',
        at: finished.toISOString(),
        seconds: (finished.getTime() - started.getTime()) / 1000,
        result: result.state,
        ...('release' in result && { release: result.release.number }),
        ...('why' in result && { failure: result.why }),
      });
      ended = await written(result, finished);
    },
  }).catch((error: unknown) => {
    notifier?.tell({ ...event, event: 'failure', at: new Date().toISOString(), failure: messageOf(error) });
    throw error;
  });
  return { result, ...ended };
}

function messageIn(message: string | undefined): { readonly message?: string } {
  return message === undefined ? {} : { message };
}

function failureOf(result: ChangeResult): string | undefined {
  if (result.state === 'broken') return `${result.why}\n\nIt could not be put back: ${result.whyNotBack}`;
  return 'why' in result ? result.why : undefined;
}

async function sides(
  context: StackContext,
  before: ReleaseRecord | undefined,
  after: ReleaseRecord | undefined,
  comparesModels: boolean,
): Promise<Pick<OperationRecord, 'before' | 'after' | 'configuration'>> {
  const [was, is] = [sideOf(before), sideOf(after)];
  const configuration = before && after ? await differences(context, before, after, comparesModels) : [];
  return {
    ...(was && { before: was }),
    ...(is && { after: is }),
    ...(configuration.length > 0 && { configuration }),
  };
}

async function differences(
  context: StackContext,
  before: ReleaseRecord,
  after: ReleaseRecord,
  comparesModels: boolean,
): Promise<string[]> {
  const settings = configurationDifferences(before, after);
  // Mostly both have the same model, which takes no key to tell; to ask Pulumi for the key takes a process.
  if (!comparesModels || before.sealed === after.sealed) return settings;
  try {
    const key = await releaseKey(context, await StackConfig.read(context.configFile));
    const [was, is] = await Promise.all([openSide(context, before, key), openSide(context, after, key)]);
    return [...settings, ...modelDifferences(was.compared, is.compared, settings)];
  } catch (error) {
    const [was, is] = [releaseName(before.number), releaseName(after.number)];
    const why = error instanceof RewindError ? error.code : messageOf(error);
    return [...settings, `the compose models of ${was} and ${is} could not be compared (${why})`];
  }
}

function dataOf({ data: { snapshot, keptAs } }: ChangeResult): Pick<OperationRecord, 'data'> {
  if (snapshot === undefined && keptAs === undefined) return {};
  return { data: { ...(snapshot !== undefined && { snapshot }), ...(keptAs !== undefined && { keptAs }) } };
}
