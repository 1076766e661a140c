import { status, Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import { type IResourceProviderServer, ResourceProviderService } from '@pulumi/pulumi/proto/provider_grpc_pb';
import { PluginInfo } from '@pulumi/pulumi/proto/plugin_pb';
import { Empty } from 'google-protobuf/google/protobuf/empty_pb';
import { Struct } from 'google-protobuf/google/protobuf/struct_pb';

import { messageOf } from '../errors';

/** Properties of a resource, as they go over the wire: https://www.pulumi.com/docs/iac/concepts/state-and-backends/ */
export type Properties = Record<string, unknown>;

/** A provider that the engine can reach. */
export interface ServedProvider {
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  close(): void;
}

/** What a provider does besides what all do; a method that is left out is told to the engine as one that there is not. */
export type ProviderMethods = Partial<IResourceProviderServer>;

/**
 * Serves a provider in this process, for an engine that attaches to it.
 *
 * @param version - of the provider
 */
export async function serveProvider(version: string, methods: ProviderMethods): Promise<ServedProvider> {
  const server = new Server();
  server.addService(ResourceProviderService, {
    attach: answering(() => new Empty()),
    cancel: answering(() => new Empty()),
    getPluginInfo: answering(() => {
      const info = new PluginInfo();
      info.setVersion(version);
      return info;
    }),
    ...methods,
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return {
    port,
    close: () => {
      server.forceShutdown();
    },
  };
}

/** Properties that came. */
export function read(struct: Struct | undefined): Properties {
  return struct?.toJavaScript() ?? {};
}

/** Properties that go. */
export function written(properties: Properties): Struct {
  return Struct.fromJavaScript(JSON.parse(JSON.stringify(properties)) as Parameters<typeof Struct.fromJavaScript>[0]);
}

/**
 * A method as gRPC wants it.
 *
 * @param answer - is told when whoever has asked is gone
 */
export function answering<Request, Response>(
  answer: (request: Request, gone: AbortSignal) => Response | Promise<Response>,
): (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>) => void {
  return (call, done) => {
    const gone = new AbortController();
    call.on('cancelled', () => {
      gone.abort();
    });
    Promise.resolve()
      .then(() => answer(call.request, gone.signal))
      .then(
        (response) => {
          done(null, response);
        },
        (error: unknown) => {
          done({ code: status.UNKNOWN, details: messageOf(error) });
        },
      );
  };
}
