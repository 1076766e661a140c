import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, parseArgs } from 'node:util';

import { toolVariables } from '../toolchain/environment';
import { installDir } from '../toolchain/places';
import { ensureToolchain } from '../toolchain/setup';
import { formatDuration } from '../toolchain/step-output';
import { smallDisk } from '../test/support/small-disk';
import { OwnNetwork } from '../test/support/own-network';
import { TestStack } from '../test/support/stack';
import { removeTaggedImages } from '../test/support/tagged-images';
import { clock } from './clock';
import { dockerFaults } from './docker';
import { type Family, projectOf } from './fault';
import { kills } from './kills';
import { meet, type Row } from './matrix';
import { pageOf } from './page';
import { probes } from './probes';
import { restarts } from './restarts';
import { Rig } from './rig';
import { buildImages, imageOf } from './shop';
import { signals } from './signals';
import { snapshots } from './snapshots';
import { store } from './store';

const families: readonly Family[] = [kills, dockerFaults, restarts, store, snapshots, probes, clock, signals];

/** Variable that restricts the matrix to one family, in a process of its own. */
const onlyFamily = 'REWIND_FAULTS_FAMILY';

const usage = `npm run faults [-- --only PATTERN --write --json FILE]

  --only PATTERN  only faults whose family, description, phase or way has this in it (a regular expression)
  --write         writes docs/reliability.md, if nothing is as it must not be: the tables of the families that were
                  met as a whole
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
  if (values.help) {
    process.stderr.write(`${usage}\n`);
    return 0;
  }
  Object.assign(process.env, toolVariables(await ensureToolchain({ images: true }), process.env));
  const started = Date.now();
  const rows: Row[] = [];
  let areAll = true;
  const whole: Family[] = [];
  for (const family of families) {
    if (![undefined, family.name].includes(process.env[onlyFamily])) continue;
    const pattern = new RegExp(values.only ?? '');
    const faults = family.faults.filter((it) => pattern.test(`${family.name}: ${it.what}, ${it.phase} (${it.way})`));
    if (faults.length === 0) continue;
    const areMet = await runFamily({ ...family, faults }, rows, values.only);
    if (areMet && faults.length === family.faults.length) whole.push(family);
    areAll &&= areMet;
    if (values.json) await writeFile(values.json, `${JSON.stringify(rows, undefined, 2)}\n`);
  }
  const bad = rows.filter(({ flaws }) => flaws.length > 0).length;
  process.stdout.write(
    `${rows.length} faults, ${bad} with something that must not be (${formatDuration(Date.now() - started)})\n`,
  );
  if (bad > 0 || rows.length === 0) return 1;
  if (values.write) await writePage(whole, rows);
  return values.write && !areAll ? 1 : 0;
}

async function writePage(whole: readonly Family[], rows: readonly Row[]): Promise<void> {
  const file = join(installDir, 'docs', 'reliability.md');
  const met = rows.filter(({ family }) => whole.some(({ name }) => name === family));
  const left = families.length - whole.length;
  if (left > 0) process.stderr.write(`docs/reliability.md: the tables of ${left} kinds were left as they are.\n`);
  if (met.length === 0) return;
  await writeFile(file, await pageOf(families, met, await readFile(file, 'utf8').catch(() => '')));
}

/** Meets all faults of a family, on a stack of its own; tells whether it could. */
async function runFamily(family: Family, rows: Row[], only: string | undefined): Promise<boolean> {
  const project = projectOf(family);
  const leftOut = (why: string): false => {
    process.stdout.write(`${family.name}: left out: ${why}\n`);
    return false;
  };
  await buildImages(project);
  try {
    if (family.isOnOwnEngine && process.env[onlyFamily] === undefined) {
      const network = await OwnNetwork.make();
      if (!network) return leftOut('this process may not make a network of its own');
      return await inOwnNetwork(network, family, rows, only);
    }
    const end = await family.begin?.();
    if (typeof end === 'string') return leftOut(end);
    const stack = await TestStack.create(project);
    const disk = family.disk && (await smallDisk(join(stack.directory, '.rewind', 'stacks'), family.disk));
    try {
      if (family.disk && !disk) return leftOut('this process may not mount a file system');
      const rig = await Rig.create(stack, disk || undefined);
      for (const fault of family.faults) {
        const from = Date.now();
        const row = await meet(rig, family, fault).catch((error: unknown) => {
          throw new Error(`${family.name}: ${fault.what}, ${fault.phase} (${fault.way}) could not be tried`, {
            cause: error,
          });
        });
        rows.push(row);
        process.stdout.write(
          `${lineOf(row)} (${row.seconds.toFixed(1)} s, ${formatDuration(Date.now() - from)} in all)\n`,
        );
        if (row.flaws.length > 0) process.stdout.write(`${detailsOf(row)}\n`);
      }
    } finally {
      if (disk) await disk.unmount();
      // What could not be tried is told, and not that its stack cannot be removed for it.
      await stack.remove().catch((error: unknown) => process.stderr.write(`${project}: ${String(error)}\n`));
      await end?.();
    }
    return true;
  } finally {
    await removeTaggedImages(imageOf(project, 'v1'), imageOf(project, 'v2'));
  }
}

/** The same in a process of its own, with a network of its own. */
async function inOwnNetwork(
  network: OwnNetwork,
  family: Family,
  rows: Row[],
  only: string | undefined,
): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'rewind-faults-'));
  try {
    const file = join(folder, 'rows.json');
    const [program, ...matrix] = [
      ...network.enter,
      process.execPath,
      process.argv[1]!,
      '--json',
      file,
      ...(only === undefined ? [] : ['--only', only]),
    ];
    const child = spawn(program!, matrix, {
      stdio: 'inherit',
      env: { ...process.env, [onlyFamily]: family.name },
    });
    await new Promise((resolve) => child.once('close', resolve).once('error', resolve));
    const found = JSON.parse(await readFile(file, 'utf8').catch(() => '[]')) as Row[];
    rows.push(...found);
    return found.length === family.faults.length;
  } finally {
    network.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

function lineOf({ family, what, phase, way, happened, wayOn, flaws }: Row): string {
  return `${flaws.length === 0 ? '✔' : '✘'} ${family}: ${what}, ${phase} (${way}): ${happened}${wayOn === '' ? '' : `; ${wayOn}`}`;
}

function detailsOf({ flaws, said }: Row): string {
  const lines = said.split('\n');
  return [...flaws, '', ...lines.slice(-60)].join('\n').replaceAll(/^/gm, '    ');
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${inspect(error)}\n`);
    process.exitCode = 1;
  },
);
