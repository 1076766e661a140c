import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { vi } from 'vitest';

import { tempFolder } from './temp-folder';

/** What a made-up docker compose answers. */
export interface ComposeAnswers {
  /** Printed by `config --format json`. @default an empty project */
  readonly model?: unknown;
  /** Printed by `config --no-interpolate --format json`. @default nothing */
  readonly uninterpolated?: unknown;
  /** Printed by `config --variables --format json`. @default none */
  readonly variables?: unknown;
  /** Printed for a file that comes by standard input. @default an empty project */
  readonly interpolated?: unknown;
  /** Printed to standard error by every call. @default nothing */
  readonly stderr?: string;
  /** Exit code of every call. @default 0 */
  readonly exitCode?: number;
}

/** A program that stands in for docker compose: it answers from files and remembers how it was called. */
export class FakeCompose {
  readonly path: string;
  readonly #folder: string;

  /** Makes the program under a name; the folder that it is in goes when the test ends. */
  constructor(answers: ComposeAnswers = {}, name = 'docker-compose') {
    this.#folder = tempFolder({
      model: JSON.stringify(answers.model ?? { name: 'shop' }),
      uninterpolated: JSON.stringify(answers.uninterpolated ?? {}),
      variables: JSON.stringify(answers.variables ?? {}),
      interpolated: JSON.stringify(answers.interpolated ?? {}),
      stderr: answers.stderr ?? '',
    });
    this.path = join(this.#folder, name);
    writeFileSync(
      this.path,
      `#!/bin/sh
export PATH=/usr/bin:/bin
{ printf '%s' "$(pwd)"; for word; do printf '\\t%s' "$word"; done; echo; } >> '${this.#folder}/calls'
cat '${this.#folder}/stderr' >&2
case "$*" in
  *'--file - '*) cat > '${this.#folder}/input'; cat '${this.#folder}/interpolated' ;;
  *--variables*) cat '${this.#folder}/variables' ;;
  *--no-interpolate*) cat '${this.#folder}/uninterpolated' ;;
  *) cat '${this.#folder}/model' ;;
esac
exit ${answers.exitCode ?? 0}
`,
    );
    chmodSync(this.path, 0o755);
  }

  /** Has Rewind run this program until the test ends. */
  use(): this {
    vi.stubEnv('REWIND_COMPOSE', this.path);
    return this;
  }

  /** The folder to put on PATH. */
  get folder(): string {
    return this.#folder;
  }

  /** The file that came by standard input last. */
  get input(): unknown {
    return JSON.parse(readFileSync(join(this.#folder, 'input'), 'utf8')) as unknown;
  }

  /** Every call so far, in order of time: its arguments, and the folder in which it ran. */
  get calls(): { args: string[]; cwd: string }[] {
    const file = join(this.#folder, 'calls');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [cwd, ...args] = line.split('\t');
        return { args, cwd: cwd! };
      });
  }
}
