import { rules } from '../../src/assess/advice';
import { defaultThresholds } from '../../src/assess/thresholds';
import { triggers } from '../../src/assess/triggers';
import { notice, type Page, table } from './page';

export const assessPage: Page = {
  file: 'docs/assess.md',
  render: () =>
    [
      notice('src/assess/triggers.ts, advice.ts and thresholds.ts'),
      '# When to roll back',
      '`rewind assess` reads a stack as it runs, in about two seconds, names the reasons to roll back that hold, each with what was seen, and recommends what to do. It changes nothing. Where several services are in trouble, it tells the one that is the cause from those that only depend on it.',
      ['```sh', 'rewind assess', 'rewind assess --security "the API token was in a public log"', '```'].join('\n'),
      '## Triggers',
      'For a second, published ports (or the requests of `rewind:verify.http`) are asked time and again; the engine tells what each container uses meanwhile, and which have ended since the release, within the last minutes. Of the database, the revision, the schema and the checks of `rewind:verify.sql` are looked at.',
      table(
        ['Trigger', 'Holds if', 'Kind'],
        triggers.map(({ id, title, kind }) => [`\`${id}\``, title, kind]),
      ),
      '## Thresholds',
      'Set in `rewind:assess`:',
      table(
        ['Setting', 'Default'],
        Object.entries(defaultThresholds).map(([key, value]) => [`\`${key}\``, String(value)]),
      ),
      '`cpu` is the part of the processors that a container may use, or of the time in which the kernel holds it back as it has used them up.',
      '## What is recommended',
      'The first row that applies decides:',
      table(
        ['', 'If'],
        rules.map(({ when }, at) => [String(at + 1), when]),
      ),
    ].join('\n\n'),
};
