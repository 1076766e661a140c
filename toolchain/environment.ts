import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { EngineAddress } from '../src/docker/engine';
import { chosenBackend, defaultBackendUrl } from './backend';
import { pathEntries } from './executables';
import { ensurePassphrase } from './passphrase';
import { cachePlaces } from './places';
import { projectPlaces } from './project';
import { ensureToolchain, type SetupOptions, type Toolchain } from './setup';
import type { EnvironmentChange } from './shell';

/** Names the project whose settings are in the environment, so that they are told from the user's own. */
const projectVariable = 'REWIND_ENV';

/**
 * What a shell needs so that plain `pulumi` works on a project: the tools, the state backend and the passphrase. Values
 * that the user set are left alone; those of an earlier `rewind env` are renewed. Makes the passphrase and the folder of
 * the default backend if they are not there.
 *
 * @param env - the environment to change
 */
export function environmentFor(toolchain: Toolchain, projectDir: string, env: NodeJS.ProcessEnv): EnvironmentChange {
  const users = withoutEarlier(env);
  const set: Record<string, string> = { ...toolVariables(toolchain, env), [projectVariable]: path.resolve(projectDir) };
  if (!chosenBackend(users, projectDir, toolchain.pulumiHome)) {
    fs.mkdirSync(projectPlaces(projectDir).state, { recursive: true });
    set['PULUMI_BACKEND_URL'] = defaultBackendUrl(projectDir);
  }
  if (users['PULUMI_CONFIG_PASSPHRASE'] === undefined && !users['PULUMI_CONFIG_PASSPHRASE_FILE']) {
    set['PULUMI_CONFIG_PASSPHRASE_FILE'] = ensurePassphrase(projectPlaces(projectDir));
  }
  const unset = Object.keys(env).filter((name) => users[name] === undefined && set[name] === undefined);
  return { set, unset };
}

/**
 * The part of it that is the same for every project: where the tools are.
 *
 * @param env - the environment to change
 */
export function toolVariables(toolchain: Toolchain, env: NodeJS.ProcessEnv): Record<string, string> {
  const users = withoutEarlier(env);
  const [compose, ...rest] = toolchain.compose;
  const isStandalone = rest.length === 0;
  return {
    PATH: searchPath(toolchain, env),
    PULUMI_HOME: toolchain.pulumiHome,
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    ...(isStandalone && users['REWIND_COMPOSE'] === undefined && { REWIND_COMPOSE: compose }),
    ...dockerVariables(toolchain.docker, users),
  };
}

/**
 * The same for a process that this one starts: what to add to its environment.
 *
 * @param options - as for {@link ensureToolchain}. @default Docker need not answer: the process will tell
 */
export async function projectEnvironment(
  projectDir: string,
  options: SetupOptions = { docker: false },
): Promise<Record<string, string>> {
  const { set, unset } = environmentFor(await ensureToolchain(options), projectDir, process.env);
  // Pulumi takes an empty variable for none.
  return { ...Object.fromEntries(unset.map((name) => [name, ''])), ...set };
}

/** The environment as the user made it: without what an earlier `rewind env` set for a project. */
function withoutEarlier(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const users = { ...env };
  const earlier = env[projectVariable];
  if (!earlier) return users;
  if (env['PULUMI_BACKEND_URL'] === defaultBackendUrl(earlier)) delete users['PULUMI_BACKEND_URL'];
  if (env['PULUMI_CONFIG_PASSPHRASE_FILE'] === projectPlaces(earlier).passphrase) {
    delete users['PULUMI_CONFIG_PASSPHRASE_FILE'];
  }
  if (env['REWIND_COMPOSE']?.startsWith(cachePlaces(env).root + path.sep)) delete users['REWIND_COMPOSE'];
  return users;
}

/** PATH with the tools first, and without the folders that npm and an earlier `rewind env` put in front. */
function searchPath({ binDirs }: Toolchain, env: NodeJS.ProcessEnv): string {
  const entries = pathEntries(env['PATH']).filter((entry) => !entry.startsWith(cachePlaces(env).toolchains + path.sep));
  const first = env['npm_config_user_agent'] === undefined ? 0 : entries.findIndex((entry) => !isNpmFolder(entry));
  return [...binDirs, ...entries.slice(Math.max(first, 0))].join(path.delimiter);
}

function isNpmFolder(entry: string): boolean {
  return /[/\\]node_modules[/\\]\.bin$|[/\\]node-gyp-bin$/.test(entry);
}

/** The Docker provider knows DOCKER_HOST, but not Docker's contexts. */
function dockerVariables(address: EngineAddress, env: NodeJS.ProcessEnv): Record<string, string> {
  if (address.host === undefined || address.from === 'DOCKER_HOST') return {};
  const certificates = contextCertificates(address.from.replace(/^context /, ''), env);
  return {
    DOCKER_HOST: address.host,
    ...(certificates !== undefined && { DOCKER_CERT_PATH: certificates, DOCKER_TLS_VERIFY: '1' }),
  };
}

/** The folder with a context's ca.pem, cert.pem and key.pem, if it has them. */
function contextCertificates(context: string, env: NodeJS.ProcessEnv): string | undefined {
  const config = env['DOCKER_CONFIG'] || path.join(env['HOME'] || os.homedir(), '.docker');
  const id = createHash('sha256').update(context).digest('hex');
  const folder = path.join(config, 'contexts', 'tls', id, 'docker');
  return fs.existsSync(folder) ? folder : undefined;
}
