import { resolveConfig, format } from 'prettier';

import type { Family } from './fault';
import type { Row } from './matrix';

const path = 'docs/reliability.md';

/**
 * The page about what was met, as Markdown.
 *
 * @param families - in the order in which they stand there
 * @param rows - of the families that were met as a whole; the tables of others stay as they are
 * @param before - the page as it is. @default there is none
 */
export async function pageOf(
  families: readonly Pick<Family, 'name' | 'title'>[],
  rows: readonly Row[],
  before = '',
  today = new Date(),
): Promise<string> {
  const kept = new Map(before.split(/^## /m).map((section) => [section.split('\n', 1)[0]!, `## ${section}`]));
  const sections = families.flatMap(({ name, title }) => {
    const own = rows.filter(({ family }) => family === name);
    return own.length > 0 ? [sectionOf(title, own, today)] : (kept.get(title) ?? []);
  });
  const count = sections.join('').match(/^\|/gm)!.length - 2 * sections.length;
  const text = `# What a revert withstands

A revert is met by ${count} faults, one after the other, on a stack with a Postgres, two services and real
migrations: \`npm run faults -- --write\` makes this page by doing so, or with \`--only kills\` the table of one kind. r2 runs
on rows that no snapshot has, and \`rewind revert r1\` is given. After each fault is looked whether

- the exit code and the last lines say what is so, and the operation's record says the same;
- what runs is a release that is recorded: images, environment, schema; and \`pulumi preview\` shows no change;
- every row is somewhere: in the database, in the one that is kept, or in \`rewind_salvage\`;
- nothing is left over: containers, locks, marks, half snapshots, databases, sessions.

Then what the table names is typed, which has to bring the stack to r1 (\`rewind abort\`: back to r2), and all of it is
looked at again. "The same command" is given once the cause is gone. The seconds are those of the command that was met,
from its start to its end.

${sections.join('\n')}`;
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}

function sectionOf(title: string, rows: readonly Row[], today: Date): string {
  const lines = rows.map(
    ({ what, phase, way, happened, wayOn, seconds }) =>
      `| ${[what, phase, way, happened, wayOn === '' ? '—' : wayOn, seconds.toFixed(1)].join(' | ')} |`,
  );
  return `## ${title}

Met on ${today.toISOString().slice(0, 10)}.

| fault | phase | revert | what happened | what brings it to an end | seconds |
| --- | --- | --- | --- | --- | --- |
${lines.join('\n')}
`;
}
