import type { Drift } from '../../src/actions/find-drift';
import type { Mend } from '../../src/actions/fix-drift';
import type { Finding, Fix } from '../../src/drift/finding';
import { releaseName } from '../../src/releases/record';
import { localTime } from './columns';

const marks = { broken: '✘', changed: '≠', information: 'i' } as const;

/** What putting a finding right would do. */
const mends: Readonly<Record<Fix, string>> = {
  restart: 'the container is started again',
  replace: 'the container is made anew',
  update: 'an update puts it right, nothing is made anew',
  ddl: 'statements in the database',
  adopt: 'the next deploy decides',
  none: 'nothing that --fix could do',
};

/** What was found, by service. */
export function driftText(drift: Drift): string {
  const groups = [...new Set(drift.findings.map(({ group }) => group))];
  const blocks = groups.map((group) =>
    [group, ...drift.findings.filter((it) => it.group === group).map((it) => findingText(it))].join('\n'),
  );
  const ignored = drift.ignored.map(({ id, reason, until }) => `  ${id}: ${reason} (until ${until})`);
  return [
    ...blocks,
    ...(ignored.length > 0 ? [`left out by rewind:drift\n${ignored.join('\n')}`] : []),
    ...(drift.notes.length > 0 ? [drift.notes.join('\n')] : []),
    verdict(drift),
  ].join('\n\n');
}

/** A finding in one line. */
export function findingLine({ what, declared, live, severity }: Finding): string {
  const change = declared === undefined ? (live ?? '') : `${declared} → ${live ?? 'none'}`;
  return `${marks[severity]} ${what}: ${change}`;
}

function findingText(finding: Finding): string {
  const { id, since, by, fix, note, sql } = finding;
  const origin = [
    since === undefined ? [] : [`since ${localTime(new Date(since))}`],
    by === undefined ? [] : [by],
  ].flat();
  return [
    `  ${findingLine(finding)}`,
    `      ${[id, ...origin, mends[fix]].join('; ')}`,
    ...(note === undefined ? [] : [`      ${note}`]),
    ...(sql ? [...statements('done by', sql.forth), ...statements('undone by', sql.back)] : []),
  ].join('\n');
}

/** Statements under a title; none where Rewind writes none. */
function statements(title: string, text: string): string[] {
  if (text === '') return [];
  const lines = text.split('\n');
  return [`      ${title}:`, ...lines.map((line) => `        ${line}`)];
}

function verdict({ findings, stack, release, seconds }: Drift): string {
  const time = `(${seconds.toFixed(1)} s)`;
  if (findings.length === 0) return `${stack} is as ${releaseName(release)} has left it ${time}.`;
  const counts = (['broken', 'changed', 'information'] as const).flatMap((severity) => {
    const count = findings.filter((it) => it.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}`];
  });
  return `${stack} differs from ${releaseName(release)}: ${counts.join(', ')} ${time}.`;
}

/** What putting findings right will do, and what it leaves. */
export function fixText(mends: readonly Mend[], left: readonly Finding[]): string {
  if (mends.length === 0 && left.length === 0) return 'There is nothing to put right.';
  return [
    ...mends.flatMap(({ finding: { what, sql }, does }) => [
      `${what}: ${does}`,
      ...(sql?.back ?? '').split('\n').flatMap((line) => (line === '' ? [] : [`    ${line}`])),
    ]),
    ...left.map(({ what, note }) => `${what}: left as it is${note === undefined ? '' : `. ${note}`}`),
  ].join('\n');
}
