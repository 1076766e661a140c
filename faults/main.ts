import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { toolVariables } from '../toolchain/environment';
import { installDir } from '../toolchain/places';
import { ensureToolchain } from '../toolchain/setup';
import { formatDuration } from '../toolchain/step-output';
import type { Family } from './fault';
import { kills } from './kills';
import { meet, type Row } from './matrix';
import { pageOf } from './page';
import { Rig } from './rig';

const families: readonly Family[] = [kills];

const usage = `npm run faults [-- --only PATTERN --write --json FILE]

  --only PATTERN  only faults whose family, description, phase or way has this in it (a regular expression)
  --write         writes docs/reliability.md, if all were met and nothing is as it must not be
  --json FILE     writes the rows to a file`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      write: { type: 'boolean' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help || (values.write && values.only !== undefined)) {
    process.stderr.write(`${values.help ? '' : '--write needs all faults.\n\n'}${usage}\n`);
    return values.help ? 0 : 2;
  }
  Object.assign(process.env, toolVariables(await ensureToolchain({ images: true }), process.env));
  const started = Date.now();
  const rows: Row[] = [];
  let isWhole = true;
  for (const family of families) {
    const pattern = new RegExp(values.only ?? '');
    const faults = family.faults.filter((it) => pattern.test(`${family.name}: ${it.what}, ${it.phase} (${it.way})`));
    if (faults.length === 0) continue;
    isWhole = (await runFamily({ ...family, faults }, rows)) && isWhole;
    if (values.json) await writeFile(values.json, `${JSON.stringify(rows, undefined, 2)}\n`);
  }
  const bad = rows.filter(({ flaws }) => flaws.length > 0).length;
  process.stdout.write(
    `${rows.length} faults, ${bad} with something that must not be (${formatDuration(Date.now() - started)})\n`,
  );
  if (bad > 0 || rows.length === 0) return 1;
  if (values.write && !isWhole)
    process.stderr.write('docs/reliability.md was left: some faults could not be made here.\n');
  else if (values.write) await writeFile(join(installDir, 'docs', 'reliability.md'), await pageOf(rows));
  return values.write && !isWhole ? 1 : 0;
}

/** Meets all faults of a family, on a stack of its own; tells whether it could. */
async function runFamily(family: Family, rows: Row[]): Promise<boolean> {
  const rig = await Rig.create(`rewind-faults-${family.name}`);
  let end: string | (() => Promise<unknown>) = () => Promise.resolve();
  try {
    end = (await family.begin?.(rig)) ?? end;
    if (typeof end === 'string') {
      process.stdout.write(`${family.name}: left out: ${end}\n`);
      return false;
    }
    for (const fault of family.faults) {
      const from = Date.now();
      const row = await meet(rig, family, fault);
      rows.push(row);
      const isWell = row.flaws.length === 0;
      process.stdout.write(
        `${isWell ? '✔' : '✘'} ${family.name}: ${row.what}, ${row.phase} (${row.way}): ${row.happened}${row.wayOn === '' ? '' : `; ${row.wayOn}`} (${row.seconds.toFixed(1)} s, ${formatDuration(Date.now() - from)} in all)\n`,
      );
      if (!isWell) process.stdout.write(`${[...row.flaws, '', row.said].join('\n').replaceAll(/^/gm, '    ')}\n`);
    }
    return true;
  } finally {
    if (typeof end !== 'string') await end();
    await rig.remove();
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);
