import fs from 'node:fs';
import path from 'node:path';
import { RewindError } from '../src/errors';
import { run } from '../src/process';
import { keyOf, makeFolder } from './artifacts';
import { findExecutable } from './executables';
import { patchModules, readPatches } from './go-patches';
import { LoggedProcessError, runLogged } from './logged-process';
import type { Cache } from './places';
import { formatVersion, isAtLeast, parseVersion } from './version';
import { oldestGo } from './versions';

/** One program of toolchain/builds.json. */
export interface Build {
  readonly name: string;
  /** Folder of its Go module below toolchain/. */
  readonly dir: string;
  readonly package: string;
  /** @default none */
  readonly ldflags?: string;
  /** Build tags, comma-separated. @default none */
  readonly tags?: string;
  /** File name of the program. */
  readonly output: string;
  /** Further names of the same file: it acts by the name it is started under. @default none */
  readonly links?: readonly string[];
}

/**
 * Reads toolchain/builds.json.
 *
 * @param sources - the folder toolchain/
 */
export function readBuilds(sources: string): Build[] {
  const { builds } = JSON.parse(fs.readFileSync(path.join(sources, 'builds.json'), 'utf8')) as { builds: Build[] };
  return builds;
}

/** What decides the outcome of a build: its entry, its module files, its sources and the platform. */
export function buildKey(build: Build, sources: string): string {
  const dir = path.join(sources, build.dir);
  const files = sourceFiles(dir).flatMap((file) => [path.relative(dir, file), fs.readFileSync(file, 'utf8')]);
  return keyOf(process.platform, process.arch, JSON.stringify(build), ...files);
}

/** Everything in the module's folder that can get into the program, in a fixed order. */
function sourceFiles(dir: string): string[] {
  return fs
    .readdirSync(dir, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const file = path.join(dir, entry.name);
      if (entry.isDirectory()) return entry.name === 'testdata' ? [] : sourceFiles(file);
      return /_test\.go$|\.md$|^\./.test(entry.name) ? [] : [file];
    });
}

/** The folder of a finished build. */
export function builtFolder(cache: Cache, build: Build, sources: string): string {
  return path.join(cache.artifacts, `${build.name}-${buildKey(build, sources)}`);
}

/**
 * Builds a program with Go, unless it is there.
 *
 * @param signal - ends the build
 * @returns the folder that holds it, under its name and all its links
 * @throws RewindError setup/engine with the end of the build's log
 */
export async function goBuild(cache: Cache, build: Build, sources: string, signal: AbortSignal): Promise<string> {
  const folder = builtFolder(cache, build, sources);
  await makeFolder(folder, async (draft) => {
    const logFile = path.join(cache.logs, `build-${build.name}.log`);
    const output = path.join(draft, build.output);
    try {
      const go = findExecutable('go', process.env['PATH']) ?? 'go';
      const dir = path.join(sources, build.dir);
      const how = { env: goEnvironment, logFile, signal };
      const patches = readPatches(dir);
      const into = path.join(draft, '.patched');
      const modFile = patches.length > 0 ? await patchModules(patches, go, dir, into, how) : undefined;
      await runLogged({ argv: goBuildArgv(go, build, output, modFile), cwd: dir, ...how });
      fs.rmSync(into, { recursive: true, force: true });
    } catch (error) {
      if (!(error instanceof LoggedProcessError)) throw error;
      signal.throwIfAborted();
      throw new RewindError({
        code: 'setup/engine',
        message: `${build.name} could not be built from toolchain/${build.dir}:\n${error.tail}`,
        fix: `${fixFor(error.tail)} The whole log: ${logFile}. Then run the set-up again; it goes on where it stopped.`,
        cause: error,
      });
    }
    for (const link of build.links ?? []) fs.linkSync(output, path.join(draft, link));
  });
  return folder;
}

/** The command that builds a program, by another go.mod where that is given. */
export function goBuildArgv(go: string, build: Build, output: string, modFile?: string): [string, ...string[]] {
  return [
    go,
    'build',
    '-trimpath',
    ...(modFile === undefined ? [] : [`-modfile=${modFile}`]),
    ...(build.tags ? [`-tags=${build.tags}`] : []),
    `-ldflags=${build.ldflags ?? '-s -w'}`,
    '-o',
    output,
    build.package,
  ];
}

/** go.sum decides which sources are taken, the Go that is there builds them, and nothing depends on a C compiler. */
export const goEnvironment = {
  CGO_ENABLED: '0',
  GOFLAGS: '-mod=readonly -buildvcs=false',
  GOTOOLCHAIN: 'local',
  GOWORK: 'off',
};

function fixFor(log: string): string {
  if (/no space left on device/.test(log)) {
    return 'Free some disk space: a first build takes about 5 GB in the cache of Go (`go env GOCACHE GOMODCACHE`).';
  }
  if (/dial tcp|no such host|i\/o timeout|connection refused|proxyconnect|Forbidden|Bad Gateway/.test(log)) {
    return 'Let Go reach a module proxy: set GOPROXY to one that is allowed here, or HTTPS_PROXY.';
  }
  if (/checksum mismatch|SECURITY ERROR/.test(log)) {
    return 'A module is not the one that go.sum names: `go clean -modcache`, and ask who runs the module proxy.';
  }
  return 'See what Go says above.';
}

/**
 * Finds out whether builds are possible here.
 *
 * @returns undefined if so, else why not, as a sentence
 */
export async function whyNoGo(): Promise<string | undefined> {
  const go = findExecutable('go', process.env['PATH']);
  const wanted = formatVersion(oldestGo);
  if (!go) return `There is no Go on PATH; ${wanted} or newer is needed to build them here.`;
  const { stdout, stderr } = await run([go, 'env', 'GOVERSION'], { env: { GOTOOLCHAIN: 'local' }, timeoutMs: 30_000 });
  const version = parseVersion(stdout);
  if (!version) return `${go} does not tell its version: ${stderr.trim() || stdout.trim()}.`;
  if (isAtLeast(version, oldestGo)) return undefined;
  return `The Go on PATH (${go}) is ${formatVersion(version)}; ${wanted} or newer is needed to build them here.`;
}
