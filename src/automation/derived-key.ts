import { pbkdf2 } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

const derive = promisify(pbkdf2);

/** Kept by the process rather than by this module: the launcher and the command line are bundles of their own. */
const place = Symbol.for('rewind.derived-keys');

interface Keeper {
  [place]?: Map<string, Promise<Buffer>>;
}

/**
 * The key that Pulumi makes of a passphrase: a million rounds of PBKDF2, a third of a second of a processor, on a thread of
 * its own. Once in a process is enough.
 * https://github.com/pulumi/pulumi/blob/v3.248.0/sdk/go/common/resource/config/crypt.go
 *
 * @param salt - in base64, as the stack configuration has it
 */
export function derivedKey(passphrase: string, salt: string): Promise<Buffer> {
  const keeper = globalThis as Keeper;
  const derived = (keeper[place] ??= new Map<string, Promise<Buffer>>());
  const of = JSON.stringify([passphrase, salt]);
  const key = derived.get(of) ?? derive(passphrase, Buffer.from(salt, 'base64'), 1_000_000, 32, 'sha256');
  derived.set(of, key);
  return key;
}

/** The passphrase of an environment, as Pulumi takes it; undefined if there is none. */
export function passphraseIn(env: NodeJS.ProcessEnv): string | undefined {
  const { PULUMI_CONFIG_PASSPHRASE: given, PULUMI_CONFIG_PASSPHRASE_FILE: file } = env;
  if (given) return given;
  try {
    return file ? readFileSync(file, 'utf8').trim() : undefined;
  } catch {
    return undefined;
  }
}
