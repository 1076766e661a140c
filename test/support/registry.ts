import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Manifest {
  readonly type: string;
  readonly content: Buffer;
}

/**
 * A registry of images on 127.0.0.1, in memory: as much of the distribution API as `docker push` and `docker pull` use.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
export class Registry {
  readonly #server: Server;
  readonly #blobs = new Map<string, Buffer>();
  readonly #uploads = new Map<string, Buffer[]>();
  /** By `name:tag` and `name@digest`. */
  readonly #manifests = new Map<string, Manifest>();
  /** Every request so far, as `METHOD /path`. */
  readonly requests: string[] = [];

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
  }

  /** Starts a registry on a free port. Docker takes one on a loopback address without TLS. */
  static async start(): Promise<Registry> {
    const registry = new Registry();
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  /** `127.0.0.1:port`, as it stands before the name of an image. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Stops it; its images are gone. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url!, 'http://registry');
    this.requests.push(`${request.method} ${pathname}`);
    response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
    if (pathname === '/v2/') return void response.end('{}');
    const [, name, kind, rest] = /^\/v2\/(.+)\/(blobs|manifests)\/(.*)$/.exec(pathname) ?? [];
    if (name === undefined) return void refuse(response, 'NAME_UNKNOWN');
    if (kind === 'manifests') return this.#manifest(request, response, name, rest!);
    if (rest!.startsWith('uploads/')) return this.#upload(request, response, name, rest!.slice(8), searchParams);
    this.#blob(request, response, rest!);
  }

  #blob(request: IncomingMessage, response: ServerResponse, digest: string): void {
    const blob = this.#blobs.get(digest);
    if (!blob) return void refuse(response, 'BLOB_UNKNOWN');
    give(request, response, { type: 'application/octet-stream', content: blob });
  }

  async #upload(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    upload: string,
    query: URLSearchParams,
  ): Promise<void> {
    const id = upload === '' ? randomUUID() : upload;
    const chunks = this.#uploads.get(id) ?? [];
    chunks.push(await bodyOf(request));
    const digest = query.get('digest');
    if (request.method === 'PUT' && digest !== null) {
      this.#uploads.delete(id);
      const blob = Buffer.concat(chunks);
      if (digestOf(blob) !== digest) return void refuse(response, 'DIGEST_INVALID');
      this.#blobs.set(digest, blob);
      response.setHeader('Docker-Content-Digest', digest);
      return void response.writeHead(201, { Location: `/v2/${name}/blobs/${digest}` }).end();
    }
    this.#uploads.set(id, chunks);
    const size = chunks.reduce((sum, { length }) => sum + length, 0);
    response.setHeader('Location', `/v2/${name}/blobs/uploads/${id}`);
    response.setHeader('Range', `0-${Math.max(size - 1, 0)}`);
    response.writeHead(202).end();
  }

  async #manifest(request: IncomingMessage, response: ServerResponse, name: string, reference: string): Promise<void> {
    if (request.method === 'PUT') {
      const manifest = { type: request.headers['content-type']!, content: await bodyOf(request) };
      const digest = digestOf(manifest.content);
      this.#manifests.set(`${name}@${digest}`, manifest).set(`${name}:${reference}`, manifest);
      response.setHeader('Docker-Content-Digest', digest);
      return void response.writeHead(201, { Location: `/v2/${name}/manifests/${digest}` }).end();
    }
    const manifest = this.#manifests.get(`${name}${reference.startsWith('sha256:') ? '@' : ':'}${reference}`);
    if (!manifest) return void refuse(response, 'MANIFEST_UNKNOWN');
    give(request, response, manifest);
  }
}

function give(request: IncomingMessage, response: ServerResponse, { type, content }: Manifest): void {
  response.writeHead(200, {
    'Content-Type': type,
    'Content-Length': content.length,
    'Docker-Content-Digest': digestOf(content),
  });
  response.end(request.method === 'HEAD' ? undefined : content);
}

function refuse(response: ServerResponse, code: string): ServerResponse {
  const message = code.toLowerCase().replaceAll('_', ' ');
  return response
    .writeHead(404, { 'Content-Type': 'application/json' })
    .end(JSON.stringify({ errors: [{ code, message }] }));
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
