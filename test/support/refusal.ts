import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'vitest';

import { inspectContainers, inspectNetworks, inspectVolumes } from './docker';
import type { TestStack } from './stack';

/** A problem as it is told to people. */
export interface Told {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
}

/**
 * Runs a preview that has to be refused: with one error, readable from its first to its last line, and without a change
 * to anything.
 *
 * @param env - variables for this preview alone
 * @returns the problems that it tells of, in order
 */
export async function refusedPreview(stack: TestStack, env: Readonly<Record<string, string>> = {}): Promise<Told[]> {
  const before = await inventoryOf(stack);
  const { ok, output } = await stack.tryPulumi(['preview', '--diff', '--suppress-progress'], env);
  expect(await inventoryOf(stack)).toEqual(before);
  if (ok) throw new Error(`The preview was not refused:\n${output}`);
  return toldIn(output);
}

/** The problems in what pulumi printed; fails if there is anything in it that is not for people. */
export function toldIn(output: string): Told[] {
  expect(output.match(/error:/g), output).toHaveLength(1);
  expect(output).not.toMatch(/\n\s+at |unhandled|\.js:\d|\[object /);
  const [, report] = /error: ([\s\S]*?)(?=\nResources:|$)/.exec(output)!;
  const blocks = report!.replace(/^\d+ problems:\n\n/, '').trim();
  const told = [...blocks.matchAll(/([\s\S]*?)\n {2}→ (.*) \[([\w/-]+)\](?:\n\n|$)/g)].map(
    ([, message, fix, code]) => ({ code: code!, message: message!, fix: fix! }),
  );
  expect(told.map(({ code, message, fix }) => `${message}\n  → ${fix} [${code}]`).join('\n\n')).toBe(blocks);
  return told;
}

/** What a stack has on the engine and in its store. */
async function inventoryOf({ project, directory }: TestStack): Promise<unknown> {
  const containers = Object.values(await inspectContainers(project));
  return {
    containers: containers.map(({ Id, State }) => [Id, State.Status, State.StartedAt]),
    networks: Object.values(await inspectNetworks(project)).map(({ Id }) => Id),
    volumes: Object.keys(await inspectVolumes(project)),
    store: (await readdir(join(directory, '.rewind', 'files')).catch(() => [])).sort(),
  };
}
