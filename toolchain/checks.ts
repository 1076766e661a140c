import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PassThrough, type Writable } from 'node:stream';
import { execa } from 'execa';
import { messageOf, RewindError } from '../src/errors';
import { toolVariables } from './environment';
import { goEnvironment, readBuilds, whyNoGo } from './go-build';
import { installDir, toolchainSources } from './places';
import { ensureToolchain } from './setup';
import { formatDuration } from './step-output';
import {
  add,
  closingLine,
  goOutput,
  nothing,
  single,
  type Tally,
  tallyGo,
  tallyTap,
  tallyVitest,
  withExitCode,
} from './tally';

/** A kind of check. `npm test -- NAME…` runs only those named. */
interface Check {
  readonly name: string;
  readonly run: (out: Writable) => Promise<Tally>;
}

/** What needs nothing but the sources, in the order of how soon it tells of a mistake. */
const ofTheSources: readonly Check[] = [
  {
    name: 'static',
    run: (out) => tools(out, ['eslint', '.'], ['prettier', '--check', '--log-level', 'warn', '.'], ['tsc', '--noEmit']),
  },
  { name: 'unit', run: (out) => vitest('unit', out) },
];

/** What gets the tools and tests those; beside the sources, as much of it is waiting. */
const ofTheTools: readonly Check[] = [
  { name: 'setup', run: setUp },
  { name: 'go', run: goTests },
  { name: 'example', run: exampleTests },
];

const ofTheWhole: readonly Check[] = [{ name: 'integration', run: (out) => vitest('integration', out) }];

/** What the checks are started with: with the tools on PATH, once they are there. */
const withTools: NodeJS.ProcessEnv = { ...process.env };

/** Tools of node_modules that say yes or no, side by side. */
async function tools(out: Writable, ...commands: readonly (readonly string[])[]): Promise<Tally> {
  const tallies = await Promise.all(
    commands.map(async ([name = '', ...args]) => {
      const { exitCode, all } = await execa(bin(name), args, {
        cwd: installDir,
        stdin: 'ignore',
        all: true,
        reject: false,
      });
      if (all !== '') say(out, all);
      if (exitCode !== 0) say(out, `${name} ${args.join(' ')}: exit code ${exitCode}`);
      return single(exitCode === 0);
    }),
  );
  return tallies.reduce(add, nothing);
}

async function vitest(project: string, out: Writable): Promise<Tally> {
  return withReport(async (report) => {
    const args = ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const exitCode = await start(out, bin('vitest'), args);
    const text = readOr(report);
    return withExitCode(text === '' ? nothing : tallyVitest(text), exitCode);
  });
}

/** Gives a runner a file to report to. */
async function withReport(use: (file: string) => Promise<Tally>): Promise<Tally> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rewind-checks-'));
  try {
    return await use(path.join(folder, 'report'));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The text of a file, empty if there is none: a runner that breaks down writes none. */
function readOr(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
}

/** Gets what the later checks need and puts it on PATH for them. Counts only if it fails: it is no test. */
async function setUp(out: Writable): Promise<Tally> {
  const toolchain = await ensureToolchain({ images: true, announce: true, stream: out });
  Object.assign(withTools, toolVariables(toolchain, process.env));
  return nothing;
}

async function goTests(out: Writable): Promise<Tally> {
  const missing = await whyNoGo();
  if (missing !== undefined) {
    say(out, `The tests of the plugins are skipped. ${missing}`);
    return { ...nothing, skipped: 1 };
  }
  const plugins = readBuilds(toolchainSources).find(({ name }) => name === 'plugins')!;
  const folder = path.join(toolchainSources, plugins.dir);
  // Compiled as the plugins themselves are: Go finds all that they share in its cache.
  const flags = ['-trimpath', ...(plugins.tags ? [`-tags=${plugins.tags}`] : [])];
  if (hasPostgresServer()) return goTest(out, folder, [...flags, './...']);
  const others = await goTest(out, folder, [...flags, ...(await packagesWithout(folder, postgresql))]);
  return add(others, await inDatabaseImage(out, folder, [...flags, `./${postgresql}`]));
}

/** The folder of the plugin whose tests start a Postgres server of their own. */
const postgresql = 'postgresql';

async function goTest(
  out: Writable,
  folder: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Tally> {
  const result = await execa('go', ['test', '-json', ...args], {
    cwd: folder,
    env: { ...withTools, ...goEnvironment, ...env },
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    lines: true,
    reject: false,
  });
  say(out, goOutput(result.all).trimEnd());
  return withExitCode(tallyGo(result.all), result.exitCode);
}

/** The packages of a module but for the one in a folder of that name. */
async function packagesWithout(folder: string, name: string): Promise<string[]> {
  const { stdout } = await execa('go', ['list', './...'], { cwd: folder, env: goEnvironment, lines: true });
  return stdout.filter((line) => !line.endsWith(`/${name}`));
}

/** Runs tests that need the programs of a Postgres server in the image that has them: the example's database. */
async function inDatabaseImage(out: Writable, folder: string, args: readonly string[]): Promise<Tally> {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'rewind-go-'));
  try {
    const mounts = [scratch, folder].flatMap((it) => ['--volume', `${it}:${it}:ro`]);
    const container = ['docker', 'run', '--rm', '--network=none', '--user=0', ...mounts];
    const command = [
      ...container,
      `--workdir=${path.join(folder, postgresql)}`,
      '--entrypoint=/usr/bin/env',
      databaseImage,
    ];
    return await goTest(out, folder, [`-exec=${command.join(' ')}`, ...args], { GOTMPDIR: scratch });
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

const databaseImage = 'apex-db:15';

/** Whether this machine has the programs of a Postgres server, of which the tests start one of their own. */
function hasPostgresServer(): boolean {
  const debian = '/usr/lib/postgresql';
  const versions = fs.existsSync(debian) ? fs.readdirSync(debian).map((name) => path.join(debian, name, 'bin')) : [];
  return [...versions, ...(process.env['PATH'] ?? '').split(path.delimiter)].some((folder) =>
    fs.existsSync(path.join(folder, 'initdb')),
  );
}

/** The example's own tests, which know nothing of Rewind: by Node's test runner. */
async function exampleTests(out: Writable): Promise<Tally> {
  const folder = path.join(installDir, 'examples', 'apex', 'tests');
  const files = fs.readdirSync(folder).filter((name) => name.endsWith('.test.mjs'));
  return withReport(async (report) => {
    const reporters = ['--test-reporter=spec', '--test-reporter-destination=stdout', '--test-reporter=tap'];
    const args = ['--test', ...reporters, `--test-reporter-destination=${report}`];
    const exitCode = await start(out, process.execPath, [...args, ...files.map((name) => path.join(folder, name))]);
    return withExitCode(tallyTap(readOr(report)), exitCode);
  });
}

function bin(name: string): string {
  return path.join(installDir, 'node_modules', '.bin', name);
}

async function start(out: Writable, file: string, args: readonly string[]): Promise<number | undefined> {
  const isOwn = out === process.stdout;
  const child = execa(file, args, {
    cwd: installDir,
    env: withTools,
    extendEnv: false,
    stdin: 'ignore',
    stdout: isOwn ? 'inherit' : 'pipe',
    stderr: isOwn ? 'inherit' : 'pipe',
    buffer: false,
    reject: false,
  });
  for (const stream of [child.stdout, child.stderr]) stream?.pipe(out, { end: false });
  return (await child).exitCode;
}

function say(out: Writable, text: string): void {
  out.write(`${text}\n`);
}

async function runAll(checks: readonly Check[], out: Writable): Promise<Tally> {
  let total = nothing;
  for (const { name, run } of checks) {
    const started = Date.now();
    say(out, `\n── ${name}`);
    const tally = await run(out).catch((error: unknown) => {
      say(out, error instanceof RewindError ? error.render() : messageOf(error));
      return single(false);
    });
    say(out, `── ${name}: ${closingLine(tally)} (${formatDuration(Date.now() - started)})`);
    total = add(total, tally);
  }
  return total;
}

async function main(names: readonly string[]): Promise<void> {
  const out = process.stdout;
  const known = [...ofTheSources, ...ofTheTools, ...ofTheWhole].map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    say(out, `There is no check named ${unknown.join(', ')}.\n  → Use: npm test [-- ${known.join('|')} …]`);
    process.exitCode = 1;
    return;
  }
  const wanted = (checks: readonly Check[]): Check[] =>
    checks.filter(({ name }) => names.length === 0 || names.includes(name));
  // What is said of the tools waits until all is said of the sources.
  const held = new PassThrough({ highWaterMark: 2 ** 26 });
  const tools = runAll(wanted(ofTheTools), held);
  const tallies = [await runAll(wanted(ofTheSources), out)];
  held.pipe(out, { end: false });
  tallies.push(await tools);
  held.end();
  await once(held, 'end');
  tallies.push(await runAll(wanted(ofTheWhole), out));
  const total = tallies.reduce(add, nothing);
  say(out, `\n${closingLine(total)}`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

void main(process.argv.slice(2));
