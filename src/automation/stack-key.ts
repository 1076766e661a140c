import { RewindError } from '../errors';
import { run } from '../process';
import { newKey } from '../releases/seal';

/**
 * Makes the key of a stack's releases and puts it into the stack configuration, encrypted by the stack's own secrets
 * provider. The key goes to pulumi through its standard input: arguments can be seen by others.
 *
 * @param directory - folder of Pulumi.yaml
 * @throws RewindError pulumi/failed
 */
export async function makeKey(
  directory: string,
  stack: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const key = newKey();
  const argv = ['pulumi', 'config', 'set', 'rewind:key', '--secret', '--stack', stack, '--non-interactive'] as const;
  const { exitCode, stderr } = await run(argv, { cwd: directory, env, input: key });
  if (exitCode === 0) return key;
  throw new RewindError({
    code: 'pulumi/failed',
    message: `The stack configuration does not take the key that releases are encrypted with: ${stderr.trim()}`,
    fix: 'Make Pulumi.<stack>.yaml writable, or set one yourself: head -c 32 /dev/urandom | base64 | pulumi config set rewind:key --secret',
  });
}
