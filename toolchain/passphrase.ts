import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { RewindError } from '../src/errors';
import type { ProjectPlaces } from './project';

const bytes = 32;

/**
 * Makes sure that the project has a passphrase for the secrets in its stacks, generated once and readable by its owner
 * only. It is never printed: pulumi reads the file.
 *
 * @returns the file that holds it
 * @throws RewindError setup/failed if the passphrase of existing stacks is gone
 */
export function ensurePassphrase({ folder, passphrase, state }: ProjectPlaces): string {
  fs.mkdirSync(folder, { recursive: true });
  fs.chmodSync(folder, 0o700);
  if (!hasContent(passphrase)) {
    if (hasStacks(state)) throw passphraseLost(passphrase, state);
    generate(passphrase);
  }
  fs.chmodSync(passphrase, 0o600);
  return passphrase;
}

function hasContent(file: string): boolean {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && stat.size > 0;
}

/** Whether the local backend holds stacks, whose secrets only their own passphrase opens. */
function hasStacks(state: string): boolean {
  const stacks = path.join(state, '.pulumi', 'stacks');
  return (
    fs.existsSync(stacks) && fs.readdirSync(stacks, { recursive: true }).some((name) => String(name).endsWith('.json'))
  );
}

function generate(file: string): void {
  const draft = `${file}.${process.pid}`;
  fs.writeFileSync(draft, crypto.randomBytes(bytes).toString('base64'), { mode: 0o600 });
  try {
    // Not renamed: of two processes at the same time, the first one's stays.
    if (!hasContent(file)) fs.rmSync(file, { force: true });
    fs.linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

function passphraseLost(passphrase: string, state: string): RewindError {
  return new RewindError({
    code: 'setup/failed',
    message: `The passphrase of this project is gone (${passphrase}), but ${state} still holds stacks encrypted with it.`,
    fix:
      'Put the file back from a backup, or set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE. ' +
      'If the stacks are not needed any more, move the state folder away.',
  });
}
