import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';

import type { ProgramOptions } from '../components';
import type { InlineProgram } from '../src/automation/program-run';
import { connectAndAsk } from '../src/docker/engine';
import { RewindError } from '../src/errors';
import type { DynamicResource } from '../src/automation/dynamic-provider';
import { opOf } from '../components/op-text';
import { schemaStateText } from '../components/schema-state-text';
import { tokens } from '../components/tokens';
import { installDir } from '../toolchain/places';

/**
 * Loads what it takes to start Pulumi's engine, which commands that run no program do without: to be called while something
 * else is waited for.
 */
export async function loadEngine(): Promise<void> {
  await import('../src/automation/program-run');
}

async function prepareAhead(configFile: string, directory: string): Promise<void> {
  const preparing = await import('../src/actions/prepare-stack');
  await preparing.prepareAhead(configFile, directory);
}

/** The program of `index.ts`, to run in this process. */
export function standardProgram(options: ProgramOptions): InlineProgram {
  const run = async (): Promise<Record<string, unknown>> => {
    const { ComposeStack, prepareFromConfig } = await import('../components');
    const stack = await ComposeStack.whenReady('stack', prepareFromConfig(options));
    return { services: stack.services, files: stack.files };
  };
  const dynamic = {
    type: tokens.schemaState,
    text: schemaStateText,
    load: () => import('../components/schema-state-provider') as Promise<object> as Promise<DynamicResource>,
  };
  const { configFile, directory } = options;
  const commands = directory !== undefined && {
    knows: (text: string) => opOf(text) !== undefined,
    run: async (text: string, input: string, signal: AbortSignal) => {
      const { runStep } = await import('./steps');
      try {
        return await runStep({ ...opOf(text)!, directory, key: input.trim(), signal });
      } catch (error) {
        // As much as the command prints: the engine passes it on.
        throw error instanceof RewindError ? new Error(error.render(), { cause: error }) : error;
      }
    },
  };
  // What the Docker engine is, and what the compose files say, has to be known then, too: each takes as long to tell.
  const load = (): Promise<unknown> =>
    Promise.all([
      import('../components'),
      connectAndAsk(),
      configFile !== undefined && directory !== undefined && prepareAhead(configFile, directory),
    ]);
  return Object.assign(run, { load, dynamic, ...(commands && { commands }) });
}

/**
 * Whether a project's program is the standard one, so that running that in this process comes to the same. A program
 * with resources of its own has to run as it is.
 *
 * @param directory - folder of Pulumi.yaml
 */
export function hasStandardProgram(directory: string): boolean {
  try {
    const { main } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { main?: string };
    const found = [main, 'index.js', 'index.ts'].find((it) => it !== undefined && existsSync(resolve(directory, it)));
    const program = realpathSync(resolve(directory, found!));
    if (program === realpathSync(join(installDir, 'dist', 'index.js'))) return true;
    return withoutComments(readFileSync(program, 'utf8')) === withoutComments(programText);
  } catch {
    return false;
  }
}

/** The program that `rewind init` writes. */
export const programText = `import { ComposeStack, prepareFromConfig, stackOutput } from 'rewind';

const stack = ComposeStack.whenReady('stack', prepareFromConfig());

/** By service: the image as it was asked for, and its immutable ID. */
export const services = stackOutput(stack, (it) => it.services);

/** Content hash of each configuration file, by its path: what \`rewind:files\` takes to bring it back. */
export const files = stackOutput(stack, (it) => it.files);
`;

function withoutComments(source: string): string {
  return source
    .replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
