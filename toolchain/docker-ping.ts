import http from 'node:http';
import type { EngineAddress } from '../src/docker/engine';
import { run } from '../src/process';

export const defaultSocket = '/var/run/docker.sock';

/** Why an engine does not answer. */
export type Silence =
  /** There is no such socket: nothing runs, or somewhere else. */
  | 'no-socket'
  /** The socket is there, but nobody listens. */
  | 'dead-socket'
  /** The user may not use the socket. */
  | 'forbidden'
  /** It took the connection and said nothing sensible in time. */
  | 'no-answer';

/** What became of asking an engine for its version. */
export type Ping =
  | { readonly version: string }
  | { readonly silence: Silence; /** What was said, for people. */ readonly detail: string };

const socketTimeoutMs = 10_000;
const remoteTimeoutMs = 20_000;

/** The path of a local engine's socket; undefined if the engine is reached otherwise. */
export function socketOf(address: EngineAddress): string | undefined {
  if (address.host === undefined) return defaultSocket;
  return address.host.startsWith('unix://') ? address.host.slice('unix://'.length) : undefined;
}

/**
 * Asks an engine for its version: a local one over its socket, without starting a process, any other by the docker
 * command, which knows SSH and certificates.
 *
 * @param docker - path of the docker command
 */
export async function ping(address: EngineAddress, docker: string): Promise<Ping> {
  const socket = socketOf(address);
  if (socket !== undefined) return pingSocket(socket);
  const { exitCode, stdout, stderr } = await run([docker, 'version', '--format', '{{.Server.Version}}'], {
    timeoutMs: remoteTimeoutMs,
  });
  if (exitCode === 0) return { version: stdout.trim() };
  return { silence: 'no-answer', detail: stderr.trim() || `no answer in ${remoteTimeoutMs / 1000} s` };
}

/** Asks the engine behind a socket for its version. */
export async function pingSocket(socketPath: string): Promise<Ping> {
  return new Promise((resolve) => {
    const request = http.get({ socketPath, path: '/version', timeout: socketTimeoutMs }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        const version = versionIn(text);
        resolve(version ? { version } : { silence: 'no-answer', detail: `HTTP status ${response.statusCode ?? 0}` });
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer in ${socketTimeoutMs / 1000} s`)));
    request.on('error', (error: NodeJS.ErrnoException) => {
      resolve({ silence: silences[error.code ?? ''] ?? 'no-answer', detail: error.message });
    });
  });
}

const silences: Readonly<Record<string, Silence>> = {
  ENOENT: 'no-socket',
  ECONNREFUSED: 'dead-socket',
  EACCES: 'forbidden',
  EPERM: 'forbidden',
};

function versionIn(text: string): string | undefined {
  try {
    const { Version } = JSON.parse(text) as { Version?: unknown };
    return typeof Version === 'string' ? Version : undefined;
  } catch {
    return undefined;
  }
}
