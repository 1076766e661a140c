import type { SeenStack } from '../assess/see-stack';
import { releaseName } from '../releases/record';
import { operationName, type OperationRecord, type PhaseRecord, type StackSide } from './record';

/** A part of a report. */
export type Section = { readonly title: string } & (
  | { readonly table: readonly (readonly string[])[]; readonly heads: readonly string[] }
  | { readonly lines: readonly string[] }
  | { readonly phases: readonly PhaseRecord[]; readonly from: number; readonly to: number }
  /** For people to write. */
  | { readonly blank: string }
);

/** A report on an operation: the same in every format. */
export interface Report {
  readonly title: string;
  readonly facts: readonly (readonly [string, string])[];
  readonly sections: readonly Section[];
}

const results: Readonly<Record<OperationRecord['result'], string>> = {
  done: 'done',
  refused: 'refused or failed; nothing had changed',
  'put-back': 'failed; what ran before runs again',
  broken: 'failed, and what ran before could not be put back',
};

const evidenceLines = 20;

/**
 * What is to be said of an operation, with room for what only people know.
 *
 * @param seen - what was seen before it. @default nothing was kept
 */
export function reportOf(record: OperationRecord, seen?: SeenStack): Report {
  const { number, stack, what, message, by, startedAt, finishedAt, result, failure } = record;
  const { phases, before, after, configuration, data, loss, assessment, verification } = record;
  const [from, to] = [Date.parse(startedAt), Date.parse(finishedAt)];
  const images = imageRows(before, after);
  const failed = verification?.probes.filter(({ ok }) => !ok) ?? [];
  return {
    title: `${stack}: ${what} (${operationName(number)})`,
    facts: [
      ['result', results[result]],
      ['by', by],
      ...(message === undefined ? [] : [['why', message] as const]),
      ['began', startedAt],
      ['ended', `${finishedAt} (${((to - from) / 1000).toFixed(1)} s)`],
      ['release', releaseText(before, after)],
      ...(before?.revisions || after?.revisions ? [['schema', revisionText(before, after)] as const] : []),
      ...(data?.snapshot === undefined ? [] : [['snapshot taken first', data.snapshot] as const]),
      ...(data?.keptAs === undefined ? [] : [['replaced database, kept', data.keptAs] as const]),
    ],
    sections: [
      ...(assessment ? [triggerSection(assessment)] : []),
      ...(failure === undefined ? [] : [{ title: 'What went wrong', lines: failure.split('\n') }]),
      { title: 'Timeline', phases, from, to },
      ...(images.length === 0 ? [] : [{ title: 'Images', heads: ['service', 'before', 'after'], table: images }]),
      ...(configuration ? [{ title: 'Configuration', lines: configuration }] : []),
      ...(loss ? [{ title: 'Data that it took away', lines: loss }] : []),
      ...(verification
        ? [
            {
              title: `Verification: ${verification.probes.length - failed.length} of ${verification.probes.length} probes passed (level ${verification.level}, ${verification.seconds.toFixed(1)} s)`,
              lines: failed.flatMap(({ name, said, evidence }) => [
                `✘ ${name}: ${said}`,
                ...(evidence === undefined ? [] : evidence.split('\n').map((line) => `    ${line}`)),
              ]),
            },
          ]
        : []),
      ...(seen ? seenSections(seen) : []),
      { title: 'Root cause', blank: 'To be written.' },
      { title: 'What keeps it from happening again', blank: 'To be written.' },
    ],
  };
}

function triggerSection({ triggers, advice }: NonNullable<OperationRecord['assessment']>): Section {
  return {
    title: 'What was found wrong',
    lines: [
      ...triggers.flatMap(({ title, service, since, evidence }) => [
        `✘ ${title}${service === undefined ? '' : ` (${service})`}${since === undefined ? '' : `, since ${since}`}`,
        `    ${evidence}`,
      ]),
      `Advice: ${advice.strategy}, because ${advice.why}.`,
    ],
  };
}

function imageRows(before: StackSide | undefined, after: StackSide | undefined): string[][] {
  const names = [...new Set([...Object.keys(before?.images ?? {}), ...Object.keys(after?.images ?? {})])].sort();
  return names.flatMap((service) => {
    const [was, is] = [before?.images[service], after?.images[service]];
    if (was?.imageId === is?.imageId) return [];
    return [[service, imageText(was), imageText(is)]];
  });
}

function imageText(image: { readonly image: string; readonly imageId: string } | undefined): string {
  return image ? `${image.image} (${image.imageId.slice(0, 'sha256:'.length + 12)})` : '';
}

function releaseText(before: StackSide | undefined, after: StackSide | undefined): string {
  const [was, is] = [before, after].map((side) => (side?.release === undefined ? 'none' : releaseName(side.release)));
  return was === is || !after ? was! : `${was} → ${is}`;
}

function revisionText(before: StackSide | undefined, after: StackSide | undefined): string {
  const [was, is] = [before, after].map((side) => side?.revisions?.join(', ') ?? 'not known');
  return was === is || !after ? was! : `${was} → ${is}`;
}

function seenSections({ at, containers }: SeenStack): Section[] {
  const rows = containers.map(({ name, state, exitCode, health = '', restarts, startedAt }) => [
    name,
    state === 'exited' ? `exited (${exitCode})` : state,
    health,
    String(restarts),
    startedAt.replace(/\.\d+Z$/, 'Z'),
  ]);
  const logs = containers.flatMap(({ name, log }) =>
    log.length === 0 ? [] : [`${name}:`, ...log.slice(-evidenceLines).map((line) => `    ${line}`)],
  );
  return [
    {
      title: `Containers before (${at})`,
      heads: ['container', 'state', 'health', 'restarts', 'started'],
      table: rows,
    },
    ...(logs.length > 0 ? [{ title: `Their last ${evidenceLines} log lines`, lines: logs }] : []),
  ];
}
