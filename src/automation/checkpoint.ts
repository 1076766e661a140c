import { readdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { RewindError } from '../errors';
import { isAlive } from '../lock.mjs';
import { run } from '../process';
import { withoutPrefix } from './said';
import { nameIn } from './urn';

/** A resource in a stack's state. Secrets in its inputs are encrypted. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** @default it is a component */
  readonly id?: string;
  /** Type of what it belongs to, e.g. `rewind:compose:Stack`. */
  readonly parentType?: string;
  /** @default an older Pulumi has written it */
  readonly created?: Date;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** What a stack's state says. */
export interface StackState {
  /** When it was written. @default an older Pulumi has written it */
  readonly writtenAt?: Date;
  readonly resources: readonly StateResource[];
  /** Operations of which the engine did not see the end. */
  readonly pending: readonly { readonly operation: string; readonly type: string; readonly name: string }[];
  /** Whether an engine is at work on the stack. */
  readonly isLocked: boolean;
}

/** Which state to read. */
export interface StateOptions {
  /** Folder of Pulumi.yaml. */
  readonly directory: string;
  readonly project: string;
  readonly stack: string;
  /** Environment of pulumi. @default that of this process */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads the state of a stack: of a backend of files in this process, which takes milliseconds; any other is asked with
 * `pulumi stack export`.
 *
 * @throws RewindError pulumi/failed
 */
export async function readState(options: StateOptions): Promise<StackState> {
  const { directory, project, stack, env = process.env } = options;
  const root = filesOf(env['PULUMI_BACKEND_URL']);
  if (root !== undefined) {
    const text = await readWritten(root, project, stack);
    const deployment = deploymentIn(text ?? '{}');
    if (deployment) return stateOf(deployment, await isLocked(root, project, stack));
  }
  const argv = ['pulumi', 'stack', 'export', '--stack', stack, '--non-interactive'] as const;
  const { exitCode, stdout, stderr } = await run(argv, { cwd: directory });
  if (exitCode !== 0) {
    throw new RewindError({
      code: 'pulumi/failed',
      message: `The state of the stack cannot be read: ${withoutPrefix(stderr.trim())}`,
      fix: 'Make the state backend (PULUMI_BACKEND_URL) answer, then run this again.',
    });
  }
  return stateOf((JSON.parse(stdout) as { deployment?: Deployment }).deployment ?? {}, false);
}

/**
 * The resources that a stack's state has, also those that are about to be deleted; undefined if it is not in a backend of
 * files, not there yet, or damaged, which Pulumi will tell.
 */
export async function writtenResources({
  project,
  stack,
  env = process.env,
}: Omit<StateOptions, 'directory'>): Promise<readonly Pick<WrittenResource, 'type' | 'inputs'>[] | undefined> {
  const root = filesOf(env['PULUMI_BACKEND_URL']);
  try {
    const text = root === undefined ? undefined : await readWritten(root, project, stack);
    return text === undefined ? undefined : (deploymentIn(text)?.resources ?? []);
  } catch {
    return undefined;
  }
}

/** Undefined if a file has none, as that of an older Pulumi. */
function deploymentIn(text: string): Deployment | undefined {
  const { checkpoint } = JSON.parse(text) as { checkpoint?: { latest?: Deployment | null } };
  return checkpoint && (checkpoint.latest ?? {});
}

function readWritten(root: string, project: string, stack: string): Promise<string | undefined> {
  return readFirst([join(root, 'stacks', project, `${stack}.json`), join(root, 'stacks', project, `${stack}.json.gz`)]);
}

/** Layout: https://www.pulumi.com/docs/iac/concepts/state-and-backends/#local-filesystem */
function filesOf(backend: string | undefined): string | undefined {
  if (!backend?.startsWith('file://') || !URL.canParse(backend)) return undefined;
  const url = new URL(backend);
  // `file://~` and `file://./x` name no absolute path: pulumi knows what they mean.
  return url.host === '' ? join(fileURLToPath(url.href.replace(/[?#].*$/, '')), '.pulumi') : undefined;
}

async function readFirst(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const content = await readFile(path).catch(() => undefined);
    if (content) return (path.endsWith('.gz') ? gunzipSync(content) : content).toString('utf8');
  }
  return undefined;
}

/** Whether a process that may live holds the lock of a backend of files. */
async function isLocked(root: string, project: string, stack: string): Promise<boolean> {
  const folder = join(root, 'locks', 'organization', project, stack);
  const names = await readdir(folder).catch(() => []);
  const holders = await Promise.all(
    names.map(async (name) => {
      try {
        return JSON.parse(await readFile(join(folder, name), 'utf8')) as { pid?: number; hostname?: string };
      } catch {
        return {}; // it has just ended, or is about to write it
      }
    }),
  );
  return holders.some(({ pid, hostname: host }) => pid !== undefined && (host !== hostname() || isAlive(pid)));
}

interface Deployment {
  readonly manifest?: { readonly time?: string };
  readonly resources?: readonly WrittenResource[] | null;
  readonly pending_operations?: readonly { readonly resource: WrittenResource; readonly type: string }[] | null;
}

interface WrittenResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly parent?: string;
  readonly created?: string;
  /** True for what a replacement has left to be deleted. */
  readonly delete?: boolean;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

function stateOf({ manifest, resources, pending_operations: pending }: Deployment, locked: boolean): StackState {
  const living = (resources ?? []).filter((resource) => resource.delete !== true);
  return {
    ...(manifest?.time !== undefined && { writtenAt: new Date(manifest.time) }),
    resources: living.map(({ urn, type, id, parent, created, inputs = {} }) => ({
      urn,
      type,
      name: nameIn(urn),
      inputs,
      ...(id !== undefined && { id }),
      ...(parent !== undefined && { parentType: typeIn(parent) }),
      ...(created !== undefined && { created: new Date(created) }),
    })),
    pending: (pending ?? []).map(({ type: operation, resource: { type, urn } }) => ({
      operation,
      type,
      name: nameIn(urn),
    })),
    isLocked: locked,
  };
}

/** The last of the types in a URN: `urn:pulumi:dev::shop::rewind:compose:Stack$docker:index/network:Network::front`. */
function typeIn(urn: string): string {
  const [, , types = ''] = urn.split('::');
  return types.slice(types.lastIndexOf('$') + 1);
}
