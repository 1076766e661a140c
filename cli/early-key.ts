import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { derivedKey, passphraseIn } from '../src/automation/derived-key';
import { projectFolder } from '../src/project-folder';
import { projectPlaces } from '../toolchain/project';

/** Commands that open a secret of the stack. */
const opening = new Set(['assess', 'deploy', 'drift', 'plan', 'revert', 'verify']);

/**
 * Begins to derive the key of the stack's secrets while the command line is still being loaded, for those commands that need
 * it. Which stack it is about is a guess, from what takes no time to find out; where that is wrong, the key is derived when
 * it is asked for.
 */
export function deriveKeyEarly([command = '', ...args]: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  if (!opening.has(command)) return;
  try {
    const folder = projectFolder();
    const option = args.indexOf('--stack');
    const salt = saltOf(folder, option < 0 ? env['PULUMI_STACK'] : args[option + 1]);
    const { passphrase: own } = projectPlaces(folder);
    const isGiven = env['PULUMI_CONFIG_PASSPHRASE'] !== undefined || Boolean(env['PULUMI_CONFIG_PASSPHRASE_FILE']);
    const passphrase = passphraseIn(isGiven ? env : { PULUMI_CONFIG_PASSPHRASE_FILE: own });
    if (salt === undefined || passphrase === undefined) return;
    derivedKey(passphrase, salt).catch(() => undefined);
  } catch {
    // Whatever is wrong, the command says so.
  }
}

/** Salt of the stack that is named, or of the only one that there is. */
function saltOf(folder: string, stack: string | undefined): string | undefined {
  const files = readdirSync(folder).filter((name) => /^Pulumi\..+\.yaml$/.test(name));
  const named = stack ? files.find((name) => name === `Pulumi.${basename(stack)}.yaml`) : undefined;
  const file = named ?? (files.length === 1 ? files[0] : undefined);
  if (file === undefined) return undefined;
  return /^encryptionsalt:\s*["']?v1:([^:\s]+):/m.exec(readFileSync(join(folder, file), 'utf8'))?.[1];
}
