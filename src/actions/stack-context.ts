import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parse } from 'yaml';

import { storeFolder } from './prepare-stack';
import { StackEngine } from '../automation/engine';
import { openValue } from '../automation/passphrase';
import { messageOf, RewindError } from '../errors';
import { usualStore } from '../project-folder';
import { ReleaseStore } from '../releases/release-store';
import { StackConfig } from '../releases/stack-config';

/** One stack of a project, as the commands see it. */
export interface StackContext {
  /** Folder of Pulumi.yaml. */
  readonly directory: string;
  /** Name of the stack within its project. */
  readonly stack: string;
  /** `project/stack`. */
  readonly name: string;
  /** Absolute path of the stack configuration file. */
  readonly configFile: string;
  readonly releases: ReleaseStore;
  readonly engine: StackEngine;
}

/**
 * Opens a stack.
 *
 * @param env - with which pulumi runs, on top of this process's environment
 * @throws RewindError config/invalid
 */
export async function openStack(
  directory: string,
  stack: string,
  env: Readonly<Record<string, string>>,
): Promise<StackContext> {
  const configFile = join(directory, `Pulumi.${stack}.yaml`);
  const store = (await StackConfig.read(configFile)).config['rewind:store'];
  const project = projectName(join(directory, 'Pulumi.yaml'));
  const name = `${project}/${stack}`;
  const root = storeFolder(typeof store === 'string' ? store : usualStore, directory);
  return {
    directory,
    stack,
    name,
    configFile,
    releases: new ReleaseStore(root, name),
    engine: new StackEngine({ directory, project, stack, env }),
  };
}

/**
 * The key of the stack's releases; undefined if the configuration has none.
 *
 * @throws RewindError pulumi/failed
 */
export async function releaseKey(context: StackContext, today: StackConfig): Promise<string | undefined> {
  return today.config['rewind:key'] === undefined ? undefined : secretOf(context, today, 'rewind:key');
}

/**
 * A key of the stack configuration that is or has a secret, decrypted. Pulumi, which takes a process, is asked only where
 * that cannot be done in this one.
 *
 * @param key - as it is written, e.g. `rewind:verify`
 * @returns text, or JSON
 * @throws RewindError pulumi/failed
 */
export async function secretOf({ engine }: StackContext, today: StackConfig, key: string): Promise<string> {
  return (await openValue(today.provider, today.config[key])) ?? engine.secretOf(key);
}

/**
 * Name of a project.
 *
 * @param file - path of its Pulumi.yaml
 * @throws RewindError config/invalid
 */
export function projectName(file: string): string {
  try {
    const { name } = parse(readFileSync(file, 'utf8')) as { name?: unknown };
    if (typeof name === 'string') return name;
    throw new Error('it has no name');
  } catch (error) {
    throw new RewindError({
      code: 'config/invalid',
      message: `${file} cannot be read: ${messageOf(error)}`,
      fix: 'Correct the file; its keys are described at https://www.pulumi.com/docs/iac/concepts/projects/project-file/.',
      cause: error,
    });
  }
}
