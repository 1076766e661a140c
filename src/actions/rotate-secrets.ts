import { randomBytes } from 'node:crypto';

import { RewindError } from '../errors';
import type { ReleaseRecord } from '../releases/record';
import { configPath } from './restore-secrets';
import type { StackContext } from './stack-context';

/** Secrets that get one new value, which they share: `api.API_TOKEN`, or `passwords.reports` of a role. */
export type Rotation = readonly string[];

/** Bytes of a value that is made up. */
const length = 32;

/** What is rotated, in the words of the command line: names with a comma between them share a value. */
export function rotationOf(word: string): Rotation {
  return word.split(',').map((name) => name.trim());
}

/**
 * Makes sure that there is what is to be rotated.
 *
 * @throws RewindError config/invalid
 */
export function checkRotations(rotations: readonly Rotation[], { services, config }: ReleaseRecord): void {
  const secrets = (config['rewind:secrets'] ?? {}) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  const roles = ((config['rewind:database'] ?? {}) as { readonly roles?: object }).roles ?? {};
  const known = [
    ...Object.keys(services).flatMap((service) =>
      Object.keys(secrets[service] ?? {}).map((key) => `${service}.${key}`),
    ),
    ...Object.keys(roles).map((role) => `passwords.${role}`),
  ];
  const unknown = rotations.flat().filter((name) => !known.includes(name));
  RewindError.throwIfAny(
    unknown.map((name) => ({
      code: 'config/invalid',
      message: `${name} is no secret that can be rotated.`,
      fix:
        known.length > 0
          ? `There are: ${known.join(', ')}. Any other is set by hand: pulumi config set --secret --path rewind:secrets.<service>.<KEY>`
          : 'Secrets of a stack are set with pulumi config set --secret --path rewind:secrets.<service>.<KEY>',
    })),
  );
}

/**
 * Gives secrets of a stack new values at random, in a configuration file that is about to run.
 *
 * @param configFile - the stack configuration file to write them to
 */
export async function rotateSecrets(
  { engine }: StackContext,
  rotations: readonly Rotation[],
  configFile: string,
): Promise<void> {
  for (const names of rotations) {
    const value = randomBytes(length).toString('base64url');
    for (const name of names) {
      const dot = name.indexOf('.');
      const [group, key] = [name.slice(0, dot), name.slice(dot + 1)];
      const path = group === 'passwords' ? ['rewind:passwords', key] : ['rewind:secrets', group, key];
      await engine.setSecret(configPath(path), value, configFile);
    }
  }
}
