import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import Docker from 'dockerode';

import type { EngineFacts } from '../container/mapping';
import { messageOf, RewindError } from '../errors';

/** Where the Docker engine is. */
export interface EngineAddress {
  /** `unix:///…`, `tcp://…`, `ssh://…`, or undefined for the default socket. */
  readonly host: string | undefined;
  /** What said so: `DOCKER_HOST`, the name of a Docker context, or the default. */
  readonly from: string;
}

/**
 * The engine that the docker command would use: DOCKER_HOST, else the current Docker context, else the socket. Like the
 * docker command, takes a variable that is empty for one that is not set.
 *
 * @throws RewindError docker/unreachable if the address cannot be found out, or is none
 */
export function engineAddress(env: NodeJS.ProcessEnv = process.env): EngineAddress {
  if (env['DOCKER_HOST']) return checked({ host: env['DOCKER_HOST'], from: 'DOCKER_HOST' });
  const folder = env['DOCKER_CONFIG'] || join(homedir(), '.docker');
  const context =
    env['DOCKER_CONTEXT'] ||
    (readJson(join(folder, 'config.json')) as { currentContext?: string } | undefined)?.currentContext ||
    'default';
  if (context === 'default') return { host: undefined, from: 'default' };
  // Layout: https://docs.docker.com/engine/manage-resources/contexts/
  const id = createHash('sha256').update(context).digest('hex');
  const meta = readJson(join(folder, 'contexts', 'meta', id, 'meta.json')) as ContextMeta | undefined;
  const host = meta?.Endpoints?.docker?.Host;
  if (host === undefined) {
    throw new RewindError({
      code: 'docker/unreachable',
      message: `The Docker context ${context} does not exist.`,
      fix: 'Choose another: docker context use default (docker context ls lists them).',
    });
  }
  return checked({ host, from: `context ${context}` });
}

function checked(address: { readonly host: string; readonly from: string }): EngineAddress {
  if (/^(unix|npipe|tcp|https?|ssh):\/\/./.test(address.host) && URL.canParse(address.host)) return address;
  throw new RewindError({
    code: 'docker/unreachable',
    message: `"${address.host}" (${address.from}) is no address of a Docker engine.`,
    fix: 'Write it as unix:///path/to/docker.sock, tcp://host:port or ssh://user@host.',
  });
}

interface ContextMeta {
  readonly Endpoints?: { readonly docker?: { readonly Host?: string } };
}

function readJson(path: string): unknown {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new RewindError({
      code: 'docker/unreachable',
      message: `Which Docker engine to use stands in ${path}, which cannot be read: ${messageOf(error)}.`,
      fix: 'Mend the file, or name the engine with DOCKER_HOST.',
      cause: error,
    });
  }
}

/** A connection to a Docker engine and what matters of it. */
export interface Engine {
  readonly docker: Docker;
  readonly facts: EngineFacts;
}

/**
 * Connects to the engine that the docker command would use.
 *
 * @throws RewindError docker/unreachable
 */
export async function connect(env: NodeJS.ProcessEnv = process.env): Promise<Pick<Engine, 'docker'>> {
  const address = engineAddress(env);
  try {
    const docker = open(address, env);
    await docker.ping();
    return { docker };
  } catch (error) {
    throw unreachable(address, error);
  }
}

/**
 * The same, and asks it what it is. For that the engine starts programs of its own, which takes it twenty times a ping: whoever has
 * asked within a minute is told the same again.
 *
 * @throws RewindError docker/unreachable
 */
export async function connectAndAsk(env: NodeJS.ProcessEnv = process.env): Promise<Engine> {
  const address = engineAddress(env);
  try {
    const docker = open(address, env);
    const known = asked.get(address.host);
    if (known && Date.now() - known.at < factsMs) {
      const [facts] = await Promise.all([known.facts, docker.ping()]);
      return { docker, facts };
    }
    const facts = readFacts(docker, address);
    asked.set(address.host, { at: Date.now(), facts });
    return { docker, facts: await facts };
  } catch (error) {
    asked.delete(address.host);
    throw unreachable(address, error);
  }
}

const factsMs = 60_000;
const asked = new Map<string | undefined, { readonly at: number; readonly facts: Promise<EngineFacts> }>();

async function readFacts(docker: Docker, address: EngineAddress): Promise<EngineFacts> {
  const [version, info] = await Promise.all([
    docker.version(),
    docker.info() as Promise<{ SwapLimit?: boolean; OSType?: string }>,
  ]);
  const local = address.host === undefined || address.host.startsWith('unix:');
  return {
    apiVersion: version.ApiVersion,
    swapLimit: info.SwapLimit ?? false,
    local,
    platform: `${version.Os}/${version.Arch}`,
    ipv6: local && hasIpv6(),
  };
}

/** Whether this machine has IPv6. Where it has none, an engine refuses to publish a port on `::`. */
function hasIpv6(): boolean {
  try {
    return readFileSync('/proc/sys/net/ipv6/conf/all/disable_ipv6', 'utf8').trim() === '0';
  } catch {
    return false;
  }
}

function open(address: EngineAddress, env: NodeJS.ProcessEnv): Docker {
  if (address.host === undefined) return new Docker({ socketPath: '/var/run/docker.sock' });
  const url = new URL(address.host);
  if (url.protocol === 'unix:') return new Docker({ socketPath: url.pathname });
  if (url.protocol === 'ssh:') {
    return new Docker({
      protocol: 'ssh',
      host: url.hostname,
      port: url.port || 22,
      username: url.username,
      sshOptions: { agent: env['SSH_AUTH_SOCK'] },
    });
  }
  const certificates = env['DOCKER_CERT_PATH'];
  const tls = env['DOCKER_TLS_VERIFY'] && certificates;
  return new Docker({
    protocol: tls ? 'https' : 'http',
    host: url.hostname,
    port: url.port || (tls ? 2376 : 2375),
    ...(tls && {
      ca: readFileSync(join(certificates, 'ca.pem')),
      cert: readFileSync(join(certificates, 'cert.pem')),
      key: readFileSync(join(certificates, 'key.pem')),
    }),
  });
}

function unreachable(address: EngineAddress, error: unknown): RewindError {
  const where = address.host ?? 'unix:///var/run/docker.sock';
  const code = (error as NodeJS.ErrnoException).code;
  const fix =
    code === 'EACCES'
      ? 'Your user may not use the socket: run with sudo, or add yourself to the docker group (sudo usermod -aG docker $USER) and log in again.'
      : code === 'ENOENT' || code === 'ECONNREFUSED'
        ? 'Start Docker (npx rewind setup does it where it can), or point DOCKER_HOST or the Docker context at a running engine.'
        : 'Check DOCKER_HOST and the Docker context (docker context ls), then: docker version.';
  return new RewindError({
    code: 'docker/unreachable',
    message: `No Docker engine answers at ${where} (${address.from}): ${messageOf(error)}.`,
    fix,
    cause: error,
  });
}
