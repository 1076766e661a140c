import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
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
  readonly run: () => Promise<Tally>;
}

/** In the order of how soon they tell of a mistake. */
const checks: readonly Check[] = [
  { name: 'lint', run: () => tool('eslint', '.') },
  { name: 'format', run: () => tool('prettier', '--check', '--log-level', 'warn', '.') },
  { name: 'types', run: () => tool('tsc', '--noEmit') },
  { name: 'unit', run: () => vitest('unit') },
  { name: 'setup', run: setUp },
  { name: 'go', run: goTests },
  { name: 'example', run: exampleTests },
  { name: 'integration', run: () => vitest('integration') },
];

/** A tool of node_modules that says yes or no. */
async function tool(name: string, ...args: string[]): Promise<Tally> {
  return single((await start(bin(name), args)) === 0);
}

async function vitest(project: string): Promise<Tally> {
  return withReport(async (report) => {
    const args = ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const exitCode = await start(bin('vitest'), args);
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
async function setUp(): Promise<Tally> {
  const toolchain = await ensureToolchain({ images: true, announce: true, stream: process.stdout });
  Object.assign(process.env, toolVariables(toolchain, process.env));
  return nothing;
}

async function goTests(): Promise<Tally> {
  const missing = await whyNoGo();
  if (missing !== undefined) {
    say(`The tests of the plugins are skipped. ${missing}`);
    return { ...nothing, skipped: 1 };
  }
  const plugins = readBuilds(toolchainSources).find(({ name }) => name === 'plugins')!;
  const folder = path.join(toolchainSources, plugins.dir);
  // Compiled as the plugins themselves are: Go finds all that they share in its cache.
  const flags = ['-trimpath', ...(plugins.tags ? [`-tags=${plugins.tags}`] : [])];
  if (hasPostgresServer()) return goTest(folder, [...flags, './...']);
  const others = await goTest(folder, [...flags, ...(await packagesWithout(folder, postgresql))]);
  return add(others, await inDatabaseImage(folder, [...flags, `./${postgresql}`]));
}

/** The folder of the plugin whose tests start a Postgres server of their own. */
const postgresql = 'postgresql';

async function goTest(folder: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Tally> {
  const result = await execa('go', ['test', '-json', ...args], {
    cwd: folder,
    env: { ...goEnvironment, ...env },
    stdin: 'ignore',
    all: true,
    lines: true,
    reject: false,
  });
  say(goOutput(result.all).trimEnd());
  return withExitCode(tallyGo(result.all), result.exitCode);
}

/** The packages of a module but for the one in a folder of that name. */
async function packagesWithout(folder: string, name: string): Promise<string[]> {
  const { stdout } = await execa('go', ['list', './...'], { cwd: folder, env: goEnvironment, lines: true });
  return stdout.filter((line) => !line.endsWith(`/${name}`));
}

/** Runs tests that need the programs of a Postgres server in the image that has them: the example's database. */
async function inDatabaseImage(folder: string, args: readonly string[]): Promise<Tally> {
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
    return await goTest(folder, [`-exec=${command.join(' ')}`, ...args], { GOTMPDIR: scratch });
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
async function exampleTests(): Promise<Tally> {
  const folder = path.join(installDir, 'examples', 'apex', 'tests');
  const files = fs.readdirSync(folder).filter((name) => name.endsWith('.test.mjs'));
  return withReport(async (report) => {
    const reporters = ['--test-reporter=spec', '--test-reporter-destination=stdout', '--test-reporter=tap'];
    const args = ['--test', ...reporters, `--test-reporter-destination=${report}`];
    const exitCode = await start(process.execPath, [...args, ...files.map((name) => path.join(folder, name))]);
    return withExitCode(tallyTap(readOr(report)), exitCode);
  });
}

function bin(name: string): string {
  return path.join(installDir, 'node_modules', '.bin', name);
}

async function start(file: string, args: readonly string[]): Promise<number | undefined> {
  const { exitCode } = await execa(file, args, {
    cwd: installDir,
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
  });
  return exitCode;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function main(names: readonly string[]): Promise<void> {
  const known = checks.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    say(`There is no check named ${unknown.join(', ')}.\n  → Use: npm test [-- ${known.join('|')} …]`);
    process.exitCode = 1;
    return;
  }
  let total = nothing;
  for (const { name, run } of checks) {
    if (names.length > 0 && !names.includes(name)) continue;
    const started = Date.now();
    say(`\n── ${name}`);
    const tally = await run().catch((error: unknown) => {
      say(error instanceof RewindError ? error.render() : messageOf(error));
      return single(false);
    });
    say(`── ${name}: ${closingLine(tally)} (${formatDuration(Date.now() - started)})`);
    total = add(total, tally);
  }
  say(`\n${closingLine(total)}`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

void main(process.argv.slice(2));
