import { createServer, type Server } from 'node:http';
import { join } from 'node:path';

import { afterEach } from 'vitest';

import { tempFolder } from './temp-folder';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** What an engine has, as its API lists it. */
export interface EngineContents {
  readonly containers?: readonly unknown[];
  readonly networks?: readonly unknown[];
  readonly volumes?: readonly unknown[];
  /** Image IDs by their tag. */
  readonly images?: Readonly<Record<string, string>>;
}

/**
 * Starts a server on a socket of its own that answers the reading requests of an engine's API; no registry is within its
 * reach. It goes when the test ends.
 *
 * @returns the address, and the requests so far, as `GET /info`
 */
export async function engineServer(contents: EngineContents = {}): Promise<{ host: string; requests: string[] }> {
  const images = Object.entries(contents.images ?? {});
  const answers: Record<string, unknown> = {
    '/version': { ApiVersion: '1.41', Os: 'linux', Arch: 'amd64' },
    '/info': { SwapLimit: true },
    '/containers/json': contents.containers ?? [],
    '/networks': contents.networks ?? [],
    '/volumes': { Volumes: contents.volumes ?? [] },
    '/images/json': images.map(([tag, Id]) => ({ Id, RepoTags: [tag], RepoDigests: [] })),
    ...Object.fromEntries(images.map(([, id]) => [`/images/${id}/json`, { Config: {} }])),
  };
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url!.replace(/^\/v[\d.]+/, '').replace(/\?.*/, ''));
    requests.push(`${request.method!} ${path}`);
    const answer = answers[path];
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? { message: 'no such thing' }));
  });
  servers.push(server);
  const socket = join(tempFolder(), 'docker.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return { host: `unix://${socket}`, requests };
}
