import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { toolVariables } from '../toolchain/environment';
import { ensureToolchain } from '../toolchain/setup';
import { database, databaseSizes } from './database';
import { drift } from './drift';
import { load } from './operation/load';
import { operation } from './operation/operation';
import { scenarios } from './operation/scenarios';
import { preview } from './preview';
import { releases } from './releases';
import { revert, rollback } from './rollback';
import { type Measured, type Row, rowOf, tableOf } from './rows';
import { start } from './start';

/** @param sizes - of the database, where the benchmark has one */
type Benchmark = (say: (text: string) => void, sizes: readonly string[]) => Promise<Measured[]>;

const benchmarks: Readonly<Record<string, Benchmark>> = {
  rollback,
  preview,
  start,
  revert,
  releases,
  database,
  operation,
  scenarios,
  load,
  drift,
};

const usage = `npm run bench [-- --only NAME … --size SIZE … --json FILE]

  --only NAME   run this benchmark only; may be given more than once. There are: ${Object.keys(benchmarks).join(', ')}
  --size SIZE   with a database of this size only; may be given more than once. There are: ${Object.keys(databaseSizes).join(', ')}
  --json FILE   write the rows {name, unit, ours, peer, peerName, ratio, bar, holds} to a file`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      size: { type: 'string', multiple: true },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const names = values.only ?? Object.keys(benchmarks);
  const sizes = values.size ?? Object.keys(databaseSizes);
  const unknown = [
    ...names.filter((name) => !(name in benchmarks)).map((name) => `benchmark ${name}`),
    ...sizes.filter((size) => !(size in databaseSizes)).map((size) => `size ${size}`),
  ];
  if (values.help || unknown.length > 0) {
    process.stderr.write(`${unknown.map((what) => `There is no ${what}.\n\n`).join('')}${usage}\n`);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const say = (text: string): void => void process.stderr.write(`  ${text}\n`);
  const toolchain = await ensureToolchain({ images: true });
  // The benchmarks run docker compose and the like themselves.
  Object.assign(process.env, toolVariables(toolchain, process.env));
  const rows: Row[] = [];
  for (const name of names) {
    process.stderr.write(`${name}\n`);
    rows.push(...(await benchmarks[name]!(say, sizes)).map(rowOf));
  }
  process.stdout.write(`${tableOf(rows)}\n`);
  if (values.json) await writeFile(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  if (rows.some((row) => row.holds === false)) process.exitCode = 1;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
