import { resolveConfig, format } from 'prettier';

import type { Row } from './matrix';

/** The page about what was met, as Markdown. */
export async function pageOf(rows: readonly Row[]): Promise<string> {
  const table = rows.map(
    ({ what, phase, way, happened, wayOn, seconds }) =>
      `| ${[what, phase, way, happened, wayOn === '' ? '—' : wayOn, seconds.toFixed(1)].join(' | ')} |`,
  );
  const text = `# What a revert withstands

A revert is met by ${rows.length} faults, one after the other, on a stack with a Postgres, two services and real
migrations: \`npm run faults -- --write\` makes this page by doing so. r2 runs on rows that no snapshot has, and
\`rewind revert r1\` is given. After each fault is looked whether

- the exit code and the last lines say what is so, and the operation's record says the same;
- what runs is a release that is recorded: images, environment, schema; and \`pulumi preview\` shows no change;
- every row is somewhere: in the database, in the one that is kept, or in \`rewind_salvage\`;
- nothing is left over: containers, locks, marks, half snapshots, databases, sessions.

Then what the table names is typed, which has to bring the stack to r1 (\`rewind abort\`: back to r2), and all of it is
looked at again. "The same command" is given once the cause is gone. The seconds are those of the command that was met,
from its start to its end.

| fault | phase | revert | what happened | what brings it to an end | seconds |
| --- | --- | --- | --- | --- | --- |
${table.join('\n')}
`;
  const file = 'docs/reliability.md';
  return format(text, { ...(await resolveConfig(file)), filepath: file });
}
