import {
  CheckResponse,
  CreateResponse,
  DiffResponse,
  type CheckRequest,
  ConfigureResponse,
  type CreateRequest,
  type DeleteRequest,
  type DiffRequest,
  ReadResponse,
  type ReadRequest,
  UpdateResponse,
  type UpdateRequest,
} from '@pulumi/pulumi/proto/provider_pb';
import { version } from '@pulumi/pulumi/version';
import { Empty } from 'google-protobuf/google/protobuf/empty_pb';
import type { Struct } from 'google-protobuf/google/protobuf/struct_pb';

import { answering, type Properties, read, type ServedProvider, serveProvider, written } from './served-provider';

/** What a kind of dynamic resource does: https://www.pulumi.com/docs/iac/concepts/providers/dynamic-providers/ */
export interface DynamicResource {
  diff(id: string, olds: Properties, news: Properties): Promise<{ readonly changes: boolean }>;
  create(inputs: Properties): Promise<{ readonly id: string; readonly outs: Properties }>;
  read(
    id: string,
    props: Properties,
  ): Promise<{ readonly id: string; readonly props: Properties; readonly inputs: Properties }>;
  update(id: string, olds: Properties, news: Properties): Promise<{ readonly outs: Properties }>;
}

/** A kind of dynamic resource that is served in this process. */
export interface ServedResource {
  /** The text that Pulumi keeps of its provider. */
  readonly text: string;
  readonly load: () => Promise<DynamicResource>;
}

/** The property of a dynamic resource that has the text of its provider. */
const textKey = '__provider';

/**
 * Serves one kind of dynamic resource in this process, as `@pulumi/pulumi/cmd/dynamic-provider` does in one of its own, which
 * takes Node.js a second to start and to load the SDK, at the end of an update. The text of a provider is never run: what comes
 * with any other than the one that is known is refused.
 */
export async function serveDynamic({ text, load }: ServedResource): Promise<ServedProvider> {
  const known = async (properties: Properties): Promise<DynamicResource> => {
    if (properties[textKey] === text) return load();
    throw new Error('This process serves no other dynamic resource than its own.');
  };
  return serveProvider(version, {
    configure: answering(() => new ConfigureResponse()),
    check: answering(async (request: CheckRequest) => {
      await known(read(request.getNews()));
      const response = new CheckResponse();
      response.setInputs(request.getNews());
      return response;
    }),
    diff: answering(async (request: DiffRequest) => {
      const [olds, news] = [read(request.getOlds()), read(request.getNews())];
      const { changes } = await (await known(news)).diff(request.getId(), olds, news);
      const response = new DiffResponse();
      const { DIFF_SOME: some, DIFF_NONE: none } = DiffResponse.DiffChanges;
      response.setChanges(changes ? some : none);
      return response;
    }),
    create: answering(async (request: CreateRequest) => {
      const inputs = read(request.getProperties());
      const { id, outs } = await (await known(inputs)).create(inputs);
      const response = new CreateResponse();
      response.setId(id);
      response.setProperties(withText(outs));
      return response;
    }),
    read: answering(async (request: ReadRequest) => {
      const properties = read(request.getProperties());
      const { id, props, inputs } = await (await known(properties)).read(request.getId(), properties);
      const response = new ReadResponse();
      response.setId(id);
      response.setProperties(withText(props));
      response.setInputs(withText(inputs));
      return response;
    }),
    update: answering(async (request: UpdateRequest) => {
      const [olds, news] = [read(request.getOlds()), read(request.getNews())];
      const { outs } = await (await known(news)).update(request.getId(), olds, news);
      const response = new UpdateResponse();
      response.setProperties(withText(outs));
      return response;
    }),
    // Taking it out of the stack leaves alone what it tells of.
    delete: answering(async (request: DeleteRequest) => {
      await known(read(request.getProperties()));
      return new Empty();
    }),
  });

  function withText(outs: Properties): Struct {
    return written({ ...outs, [textKey]: text });
  }
}
