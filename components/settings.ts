import * as pulumi from '@pulumi/pulumi';

import type { Problem } from '../src/errors';
import { readSettings, settingKeys, type StackSettings } from '../src/settings';

const namespace = 'rewind';

/**
 * Reads the `rewind:` settings of the stack's configuration. Secret settings are decrypted for the program alone;
 * whatever is made of them is marked as secret again.
 */
export async function stackSettings(): Promise<{ settings: StackSettings; problems: Problem[] }> {
  const config = new pulumi.Config(namespace);
  const raw: Record<string, unknown> = {};
  for (const key of configuredKeys()) {
    const value = await plain(config.getSecret(key));
    if (value !== undefined) raw[key] = parse(value);
  }
  const { settings, problems } = readSettings(raw);
  if (raw['passwords'] !== undefined && !isSecret('passwords')) problems.push(openPasswords);
  return { settings: isSecret('env') ? hideEnvironment(settings) : settings, problems: [...problems] };
}

const openPasswords: Problem = {
  code: 'config/invalid',
  message: 'rewind:passwords is not encrypted.',
  fix: 'Remove it (pulumi config rm rewind:passwords), choose other passwords, and set them: pulumi config set --secret --path rewind:passwords.<role>.',
};

/** The keys that are set in this namespace, known or not: an unknown one is an error, not silence. */
function configuredKeys(): string[] {
  const prefix = `${namespace}:`;
  const set = Object.keys(pulumi.runtime.allConfig())
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length));
  return [...new Set([...set, ...Object.keys(settingKeys)])];
}

/** The settings with what is under `env`, if it was set with --secret, treated like what is under `secrets`. */
function hideEnvironment({ env, secrets, ...rest }: StackSettings): StackSettings {
  const services = [...new Set([...Object.keys(env), ...Object.keys(secrets)])];
  const merged = services.map((service) => [service, { ...env[service], ...secrets[service] }]);
  return { ...rest, env: {}, secrets: Object.fromEntries(merged) as StackSettings['secrets'] };
}

/** Whether a setting was set with --secret. */
function isSecret(key: string): boolean {
  return isConfigSecret(`${namespace}:${key}`);
}

// Pulumi's own Config relies on it; its types leave it out.
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret: (key: string) => boolean };

/**
 * The values of all secret keys of the stack's configuration, decrypted, but for the key of its releases: that is never
 * put where it would open itself.
 */
export function secretConfiguration(): Record<string, string> {
  const all = Object.entries(pulumi.runtime.allConfig() as Record<string, string>);
  return Object.fromEntries(all.filter(([key]) => isConfigSecret(key) && key !== `${namespace}:key`));
}

function plain(output: pulumi.Output<string> | undefined): Promise<string | undefined> {
  return new Promise((resolve) => {
    if (output === undefined) resolve(undefined);
    else output.apply(resolve);
  });
}

/** Pulumi hands structured settings over as JSON and plain ones as they are. */
function parse(value: string): unknown {
  if (!/^[[{"]/.test(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}
