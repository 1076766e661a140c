import { createConnection } from 'node:net';
import { promisify } from 'node:util';

import { credentials, type ServiceError } from '@grpc/grpc-js';
import { ResourceProviderClient } from '@pulumi/pulumi/proto/provider_grpc_pb';
import { CreateRequest, DiffRequest, ReadRequest } from '@pulumi/pulumi/proto/provider_pb';
import { PluginAttach } from '@pulumi/pulumi/proto/plugin_pb';
import { Struct } from 'google-protobuf/google/protobuf/struct_pb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type DynamicResource, serveDynamic } from '../../../src/automation/dynamic-provider';
import type { ServedProvider } from '../../../src/automation/served-provider';

const text = 'exports.handler = () => require("shelf");';
const shelf: DynamicResource = {
  diff: (_id, olds, news) => Promise.resolve({ changes: olds['books'] !== news['books'] }),
  create: (inputs) => Promise.resolve({ id: 'a shelf', outs: { ...inputs, full: undefined, height: 2 } }),
  read: () => Promise.reject(new Error('the shelf is gone')),
  update: (_id, _olds, news) => Promise.resolve({ outs: news }),
};

let served: ServedProvider;
let client: ResourceProviderClient;

beforeAll(async () => {
  served = await serveDynamic({ text, load: () => Promise.resolve(shelf) });
  client = new ResourceProviderClient(`127.0.0.1:${served.port}`, credentials.createInsecure());
});

afterAll(() => {
  client.close();
  served.close();
});

const struct = (values: Record<string, string | number>, by = text): Struct =>
  Struct.fromJavaScript({ ...values, __provider: by });

describe('a dynamic resource that is served in this process', () => {
  test('is reached by an engine that attaches to it', async () => {
    await expect(promisify(client.attach.bind(client))(new PluginAttach())).resolves.toBeDefined();
  });

  test('says whether it differs, and what has come of making it, with the text of its provider', async () => {
    const differs = async (before: string, after: string): Promise<number> => {
      const request = new DiffRequest();
      request.setOlds(struct({ books: before }));
      request.setNews(struct({ books: after }));
      return new Promise((resolve, reject) => {
        client.diff(request, (error, response) => {
          if (error) reject(error);
          else resolve(response.getChanges());
        });
      });
    };
    expect(await differs('novels', 'novels')).toBe(1);
    expect(await differs('novels', 'poems')).toBe(2);

    const request = new CreateRequest();
    request.setProperties(struct({ books: 'poems' }));
    const made = await new Promise<[string, unknown]>((resolve, reject) => {
      client.create(request, (error, response) => {
        if (error) reject(error);
        else resolve([response.getId(), response.getProperties()?.toJavaScript()]);
      });
    });
    expect(made).toEqual(['a shelf', { books: 'poems', height: 2, __provider: text }]);
  });

  test('tells the engine what went wrong', async () => {
    const request = new ReadRequest();
    request.setProperties(struct({}));
    expect(await refused((done) => client.read(request, done))).toContain('the shelf is gone');
  });

  test('runs no text that comes from elsewhere', async () => {
    const request = new CreateRequest();
    request.setProperties(struct({}, 'exports.handler = () => { globalThis.ran = true; };'));
    expect(await refused((done) => client.create(request, done))).toContain('no other dynamic resource');
    expect(globalThis).not.toHaveProperty('ran');
  });

  test('listens on loopback only, and no longer than it is needed', async () => {
    const other = await serveDynamic({ text, load: () => Promise.resolve(shelf) });
    expect(await isOpen('127.0.0.1', other.port)).toBe(true);
    expect(await isOpen('127.0.0.2', other.port)).toBe(false);
    other.close();
    expect(await isOpen('127.0.0.1', other.port)).toBe(false);
  });
});

function refused(call: (done: (error: ServiceError | null) => void) => unknown): Promise<string> {
  return new Promise((resolve) => {
    call((error) => {
      resolve(error?.details ?? 'it was done');
    });
  });
}

function isOpen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });
}
