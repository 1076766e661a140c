import fs from 'node:fs';
import path from 'node:path';

import { run } from '../src/process';
import { type LoggedProcess, runLogged } from './logged-process';

/** Changes to modules that a program is built from: `patches.json` in the folder of the build. */
export interface Patch {
  /** Paths of modules that all get the same changes. */
  readonly modules: readonly string[];
  readonly changes: readonly Change[];
}

/** A passage of a file, which has to be there once, and what comes in its place. */
export interface Change {
  /** Below the module's folder. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Reads the patches of a build; most have none. */
export function readPatches(dir: string): Patch[] {
  const file = path.join(dir, 'patches.json');
  return fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as Patch[]) : [];
}

/**
 * Copies the modules that are to be changed, as go.sum has verified them, and changes the copies.
 *
 * @param go - the Go program
 * @param dir - folder of the build's module
 * @param into - a folder for what is patched
 * @param how - how programs are run for it
 * @returns a go.mod that takes them from there, for `go build -modfile`: https://go.dev/ref/mod#build-commands
 * @throws LoggedProcessError if they cannot be had
 * @throws Error if a module is not what a change was written for
 */
export async function patchModules(
  patches: readonly Patch[],
  go: string,
  dir: string,
  into: string,
  how: Pick<LoggedProcess, 'env' | 'logFile' | 'signal'>,
): Promise<string> {
  const replaced: string[] = [];
  for (const { modules, changes } of patches) {
    await runLogged({ argv: [go, 'mod', 'download', ...modules], cwd: dir, ...how });
    const list = [go, 'list', '-m', '-f', '{{.Path}}={{.Dir}}', ...modules] as const;
    const { exitCode, stdout, stderr } = await run([...list], { cwd: dir, ...how });
    if (exitCode !== 0) throw new Error(`go list does not tell where modules lie: ${stderr}`);
    for (const line of stdout.trim().split('\n')) {
      const [name = '', original = ''] = line.split('=');
      const copy = path.join(into, name.replaceAll('/', '_'));
      fs.cpSync(original, copy, { recursive: true });
      // Modules lie in Go's cache without write permission.
      for (const entry of ['', ...fs.readdirSync(copy, { recursive: true, encoding: 'utf8' })]) {
        fs.chmodSync(path.join(copy, entry), 0o755);
      }
      if (!fs.existsSync(path.join(copy, 'go.mod'))) fs.writeFileSync(path.join(copy, 'go.mod'), `module ${name}\n`);
      for (const change of changes) apply(change, copy, name);
      replaced.push(`replace ${name} => ${copy}\n`);
    }
  }
  const modFile = path.join(into, 'go.mod');
  fs.writeFileSync(modFile, `${fs.readFileSync(path.join(dir, 'go.mod'), 'utf8')}\n${replaced.join('')}`);
  fs.copyFileSync(path.join(dir, 'go.sum'), path.join(into, 'go.sum'));
  return modFile;
}

function apply({ file, from, to }: Change, folder: string, module: string): void {
  const place = path.join(folder, file);
  const parts = fs.readFileSync(place, 'utf8').split(from);
  if (parts.length !== 2) throw new Error(`${module} has ${parts.length - 1} times, not once, in ${file}:\n${from}`);
  fs.writeFileSync(place, parts.join(to));
}
