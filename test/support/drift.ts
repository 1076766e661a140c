import { expect } from 'vitest';

import type { Drift } from '../../src/actions/find-drift';
import type { Finding } from '../../src/drift/finding';
import { run } from '../../src/process';
import type { SeenByRefresh } from './seen-by-refresh';
import type { TestStack } from './stack';

/** What `rewind drift --json` prints. */
export async function driftOf(stack: TestStack, ...args: string[]): Promise<Drift> {
  const { exitCode, stdout, stderr } = await stack.tryRewind(['drift', '--json', ...args]);
  if (exitCode !== 0 && exitCode !== 2) throw new Error(`rewind drift ended with ${exitCode}:\n${stdout}\n${stderr}`);
  const drift = JSON.parse(stdout) as Drift;
  if ((exitCode === 0) !== drift.ok) throw new Error(`rewind drift ended with ${exitCode}, which is not what it found`);
  return drift;
}

/** The findings with what of them people read first. */
export function briefly({ findings }: Drift): Record<string, string> {
  return Object.fromEntries(
    findings.map(({ id, declared = 'none', live = 'none', severity }: Finding) => [
      id,
      `${severity}: ${declared} → ${live}`,
    ]),
  );
}

/** Any docker command, which has to succeed. */
export async function docker(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(['docker', ...args]);
  if (exitCode !== 0) throw new Error(`docker ${args.join(' ')} failed:\n${stderr}`);
  return stdout.trim();
}

/** One difference that somebody's hand makes, and how it is to be told. */
export interface MadeDrift {
  readonly name: string;
  readonly make: () => Promise<unknown>;
  /** By ID, the finding as {@link briefly} tells it; a pattern where it holds an ID or a time. */
  readonly found: Readonly<Record<string, string | RegExp>>;
  /** What `--fix` is told. @default nothing: all that differs */
  readonly fix?: readonly string[];
  /** What puts it right in place of `--fix`, which cannot. */
  readonly mend?: () => Promise<unknown>;
}

/** What is to be found, for `toEqual`. */
export function asFound(found: MadeDrift['found']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(found).map(([id, text]): [string, unknown] => [
      id,
      typeof text === 'string' ? text : expect.stringMatching(text),
    ]),
  );
}

/** What a drift that is made has to do with. */
export interface MadeDriftOptions {
  readonly stack: TestStack;
  /** Looks at it as Pulumi's own refresh does. */
  readonly refresh: SeenByRefresh;
  /** What must not be shown. */
  readonly secrets: RegExp;
  /** Waits until what was put right is there again. @default it is there at once */
  readonly settled?: () => Promise<unknown>;
}

/** Makes a drift: it is found, named as it should be, with none of the secrets, and put right, so that nothing differs. */
export async function foundAndPutRight(
  { name, make, found, fix = [], mend }: MadeDrift,
  { stack, refresh, secrets, settled }: MadeDriftOptions,
): Promise<void> {
  await make();
  try {
    const drift = await driftOf(stack);
    expect(briefly(drift)).toEqual(asFound(found));
    await refresh.look(stack, name, Object.keys(found));
    expect(JSON.stringify(drift)).not.toMatch(secrets);
  } finally {
    if (mend) await mend();
    else await stack.rewind('drift', '--fix', ...fix, '--yes');
  }
  await settled?.();
  expect(briefly(await driftOf(stack))).toEqual({});
}
