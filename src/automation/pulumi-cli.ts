import { execa } from 'execa';

import { RewindError } from '../errors';

/** Where and how pulumi runs. */
export interface PulumiCliOptions {
  /** Folder of Pulumi.yaml. */
  readonly directory: string;
  /** Environment on top of this process's: PATH, PULUMI_HOME, backend, passphrase file. */
  readonly env: Readonly<Record<string, string>>;
}

/** The pulumi command in one project; the commands are those that a person would type. */
export class PulumiCli {
  readonly #options: PulumiCliOptions;

  constructor(options: PulumiCliOptions) {
    this.#options = options;
  }

  /**
   * Runs `pulumi …` to its end.
   *
   * @param onLine - sees each line of output as it comes. @default nothing
   * @returns all of its output
   * @throws RewindError pulumi/failed with what pulumi said
   */
  async run(args: readonly string[], onLine: (line: string) => void = () => undefined): Promise<string> {
    const child = execa('pulumi', [...args, '--non-interactive'], {
      cwd: this.#options.directory,
      env: this.#options.env,
      stdin: 'ignore',
      all: true,
      reject: false,
    });
    for await (const line of child.iterable({ from: 'all' })) onLine(line);
    const { all, exitCode } = await child;
    if (exitCode === 0) return all;
    throw new RewindError({
      code: 'pulumi/failed',
      message: `pulumi ${args.join(' ')} failed:\n${diagnosticsOf(all)}`,
      fix: 'Mend what it names and run the same command again.',
    });
  }
}

/** The part of pulumi's output that says what went wrong. */
export function diagnosticsOf(output: string): string {
  const start = output.indexOf('Diagnostics:');
  const end = output.indexOf('\nResources:', start);
  const text = start < 0 ? output : output.slice(start + 'Diagnostics:'.length, end < 0 ? undefined : end);
  return text.trim().split('\n').slice(-60).join('\n');
}
