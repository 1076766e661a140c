import { connect } from '../docker/engine';
import { type Finding, isMeant } from '../drift/finding';
import { RewindError } from '../errors';
import { configOfRelease } from '../releases/next-config';
import { releaseName } from '../releases/record';
import { readState, type StateResource } from '../automation/checkpoint';
import type { Drift } from './find-drift';
import { mendContainers, mendFiles, mendImages, mendNetworks, replacedContainers } from './mend-engine';
import { mendSchema } from './mend-schema';
import type { OperateOptions } from './operate';
import type { StackContext } from './stack-context';

/** What is to be done about a finding. */
export interface Mend {
  readonly finding: Finding;
  /** In words: `start the container`. */
  readonly does: string;
}

/**
 * What putting findings right would do. What is only information is left, unless it is named.
 *
 * @param named - findings as `--fix` names them. @default all that differ
 */
export function planFix(
  { findings }: Pick<Drift, 'findings'>,
  named: readonly string[],
): { readonly mends: Mend[]; readonly left: Finding[] } {
  const isWanted = (it: Finding): boolean =>
    named.length === 0 ? it.severity !== 'information' : named.some((text) => isMeant(it, text));
  // A database that does not answer comes back with its container.
  const servers = new Set(findings.filter((it) => it.id === unreachable && isWanted(it)).map(({ group }) => group));
  const wanted = findings.filter(
    (it) => isWanted(it) || (servers.has(it.group) && /^container\/.*\/(state|exists)$/.test(it.id)),
  );
  const isMigrated = wanted.some(({ id, fix }) => id === revision && fix === 'update');
  const mends = wanted.flatMap((finding) => {
    const does = isMigrated && finding.fix === 'ddl' ? byMigration : mendOf(finding, findings);
    return does === undefined ? [] : [{ finding, does }];
  });
  return { mends, left: wanted.filter((finding) => !mends.some((it) => it.finding === finding)) };
}

const unreachable = 'database/unreachable';
const revision = 'database/revision';
/** A migration to the release's revision changes what differs only because the schema stands at another one. */
const byMigration = 'the migration may bring it: look again afterwards';

function mendOf({ id, group, fix, live = '' }: Finding, all: readonly Finding[]): string | undefined {
  if (id === unreachable) {
    const isDown = all.some((it) => it.group === group && it.id.startsWith('container/') && it.severity === 'broken');
    return isDown ? 'it comes back with its container' : undefined;
  }
  if (fix === 'ddl') return 'run the statements, in a transaction after a snapshot';
  if (id === revision && fix === 'update') return 'migrate it, after a snapshot';
  if (id.endsWith('/tag')) return 'give the tag back to the image of the release';
  if (id.endsWith('/kept') && id.startsWith('image/')) return 'keep the image again';
  if (/^volume\/.*\/identity$/.test(id)) return 'take the volume as it is';
  if (fix === 'restart') return live === 'paused' ? 'let the container go on' : 'start the container again';
  if (id.startsWith('network/') && fix === 'replace') return 'make the network anew, and with it the containers in it';
  if (id.endsWith('/identity')) return 'set that container aside, renamed and stopped, and make the one of the release';
  if (fix === 'replace') return 'make the container anew';
  if (fix === 'update') return 'update it';
  return undefined;
}

/** The part of an operation that a fix decides. */
export type FixChange = Pick<OperateOptions, 'kind' | 'what' | 'reason' | 'next' | 'secretsOf' | 'prepare'>;

/**
 * The operation that puts findings right: the same release once more through the engine. Before that, what the engine is
 * blind to is done, and its state is brought to what is there, so that the update sees the rest.
 *
 * @param root - folder of the store
 * @param onStep - hears of what is done before the engine runs
 */
export async function fixChange(
  context: StackContext,
  drift: Drift,
  mends: readonly Mend[],
  root: string,
  onStep: (text: string) => void = () => undefined,
): Promise<FixChange> {
  const record = await context.releases.read(drift.release);
  // Where the configuration or the files have gone on, the release is what is put right, as in a revert.
  const isAhead = drift.findings.some(
    ({ id }) =>
      /^(config|compose)\//.test(id) || (/^file\/.*[^/]$/.test(id) && !id.endsWith('/kept')) || id.endsWith('/tag'),
  );
  const what = `put right what differs from ${releaseName(record.number)}`;
  return {
    kind: 'revert',
    what,
    reason: { kind: 'revert', message: what, revertOf: record.number },
    prepare: () => prepareFix(context, drift, mends, root, onStep),
    next: (today) => Promise.resolve(isAhead ? configOfRelease(record, today) : today),
    ...(isAhead && { secretsOf: record }),
  };
}

/** @throws RewindError drift/outdated, docker/…, database/…, pulumi/failed, store/unusable */
async function prepareFix(
  context: StackContext,
  drift: Drift,
  mends: readonly Mend[],
  root: string,
  onStep: (text: string) => void,
): Promise<void> {
  const newest = await context.releases.newest();
  if (newest?.number !== drift.release) {
    throw new RewindError({
      code: 'drift/outdated',
      message: `The stack was changed after it was looked at: ${newest ? releaseName(newest.number) : 'another release'} runs now, not ${releaseName(drift.release)}. Nothing has been put right.`,
      fix: 'Look at it once more: rewind drift.',
    });
  }
  const findings = mends.map(({ finding }) => finding);
  const { docker } = await connect();
  // First what may fail for what is in the database: then nothing else has been touched.
  if (!findings.some(({ id }) => id === revision)) await mendSchema(context, findings, onStep);
  const stuck = await mendContainers(docker, newest, context.name, findings, onStep);
  await mendNetworks(docker, newest, findings);
  await mendImages(docker, newest, context.name, findings);
  await mendFiles(root, findings, drift, newest);
  const refreshed = await context.engine.refresh();
  if (!refreshed.ok) {
    throw new RewindError({
      code: 'pulumi/failed',
      message: `Pulumi cannot look at what there is:\n${refreshed.why}`,
      fix: 'Mend what it names, then run this again.',
    });
  }
  await taint(context, new Set([...replacedContainers(newest, findings), ...stuck]));
}

/** Has containers made anew of which the engine would not see that they differ. */
async function taint(context: StackContext, names: ReadonlySet<string>): Promise<void> {
  if (names.size === 0) return;
  const [project] = context.name.split('/');
  const { resources } = await readState({ directory: context.directory, project: project!, stack: context.stack });
  const isOne = ({ type, name }: StateResource): boolean =>
    type === 'docker:index/container:Container' && names.has(name);
  await context.engine.taint(resources.filter(isOne).map(({ urn }) => urn));
}
