import { randomBytes } from 'node:crypto';

import {
  type CheckRequest,
  CheckResponse,
  ConfigureResponse,
  type CreateRequest,
  CreateResponse,
  type DeleteRequest,
  type DiffRequest,
  DiffResponse,
  PropertyDiff,
  type ReadRequest,
  ReadResponse,
  type UpdateRequest,
  UpdateResponse,
} from '@pulumi/pulumi/proto/provider_pb';
import { specialSecretSig, specialSigKey, unknownValue } from '@pulumi/pulumi/runtime/rpc';
import { Empty } from 'google-protobuf/google/protobuf/empty_pb';

import { answering, type Properties, read, type ServedProvider, serveProvider, written } from './served-provider';
import { nameIn } from './urn';

/** Commands that are done in this process, in place of running their text. */
export interface ServedCommands {
  /** Whether a text is that of one of them. */
  readonly knows: (text: string) => boolean;
  /**
   * Does what a text stands for.
   *
   * @param input - what it would read from standard input
   * @param signal - asks to stop
   * @returns what it would print
   */
  readonly run: (text: string, input: string, signal: AbortSignal) => Promise<string>;
}

/** Type of the only resource that is served. */
export const commandType = 'command:local:Command';

/** The version whose properties and answers these are. */
const version = '1.2.1';

/**
 * Serves the resource `command:local:Command` in this process, as the plugin `command` does in one of its own: that has to be
 * started, and starts a Node.js for each of our commands. A text is never run: what is none of these commands, or has more
 * than `create`, is refused.
 */
export async function serveCommands({ knows, run }: ServedCommands): Promise<ServedProvider> {
  const stop = new AbortController();
  const checked = (inputs: Properties): Properties => {
    if (isServed(inputs, knows)) return inputs;
    throw new Error('This process runs no other commands than its own.');
  };
  /** What is known of a command once it has run. In a preview it is not, and what it will print is not known. */
  const outputsOf = async (inputs: Properties, isPreview: boolean, gone: AbortSignal): Promise<Properties> => {
    const { create, stdin } = checked(inputs);
    const stdout = isPreview
      ? unknownValue
      : await run(create as string, textOf(stdin), AbortSignal.any([stop.signal, gone]));
    return { ...inputs, stdout: secret(stdout), stderr: secret(isPreview ? unknownValue : '') };
  };
  return serveProvider(version, {
    cancel: answering(() => {
      stop.abort();
      return new Empty();
    }),
    // What the plugin has noted of itself is kept, so that neither of the two sees a change of the other's.
    checkConfig: answering((request: CheckRequest) => {
      const noted = Object.entries(read(request.getOlds())).filter(([name]) => name.startsWith('__'));
      const response = new CheckResponse();
      response.setInputs(written({ ...Object.fromEntries(noted), ...read(request.getNews()) }));
      return response;
    }),
    configure: answering(() => {
      const response = new ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      response.setAcceptresources(true);
      return response;
    }),
    check: answering((request: CheckRequest) => {
      const response = new CheckResponse();
      response.setInputs(written(checked(read(request.getNews()))));
      return response;
    }),
    diff: answering((request: DiffRequest) => {
      const inputs = checked(read(request.getNews()));
      const changes = differences(read(request.getOldInputs()), inputs);
      const response = new DiffResponse();
      const { DIFF_SOME: some, DIFF_NONE: none } = DiffResponse.DiffChanges;
      response.setChanges(changes.size > 0 ? some : none);
      response.setDiffsList([...new Set([...changes.keys()].map((path) => path.split('.')[0]!))]);
      response.setHasdetaileddiff(changes.size > 0);
      for (const [path, kind] of changes) {
        const difference = new PropertyDiff();
        difference.setKind(kind);
        response.getDetaileddiffMap().set(path, difference);
      }
      return response;
    }),
    create: answering(async (request: CreateRequest, gone) => {
      const outputs = await outputsOf(read(request.getProperties()), request.getPreview(), gone);
      const response = new CreateResponse();
      response.setId(request.getPreview() ? '' : `${nameIn(request.getUrn())}${randomBytes(4).toString('hex')}`);
      response.setProperties(written(outputs));
      return response;
    }),
    update: answering(async (request: UpdateRequest, gone) => {
      const response = new UpdateResponse();
      response.setProperties(written(await outputsOf(read(request.getNews()), request.getPreview(), gone)));
      return response;
    }),
    // It has no more to read than what is written down.
    read: answering((request: ReadRequest) => {
      const response = new ReadResponse();
      response.setId(request.getId());
      response.setProperties(written(read(request.getProperties())));
      response.setInputs(written(read(request.getInputs())));
      return response;
    }),
    delete: answering((request: DeleteRequest) => {
      checked(read(request.getProperties()));
      return new Empty();
    }),
  });
}

/** Whether a command is one of ours, and does no more when it is updated or deleted. */
export function isServed({ create, update, delete: remove }: Properties, knows: (text: string) => boolean): boolean {
  return typeof create === 'string' && knows(create) && update === undefined && remove === undefined;
}

/** By the path of each property that differs, how. */
function differences(before: Properties, after: Properties, within = ''): Map<string, PropertyDiff.Kind> {
  const { ADD, DELETE, UPDATE } = PropertyDiff.Kind;
  const found = new Map<string, PropertyDiff.Kind>();
  for (const name of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
    const [old, now] = [opened(before[name]), opened(after[name])];
    const path = `${within}${name}`;
    if (old === undefined) found.set(path, ADD);
    else if (now === undefined) found.set(path, DELETE);
    else if (isObject(old) && isObject(now)) {
      for (const [inner, kind] of differences(old, now, `${path}.`)) found.set(inner, kind);
    } else if (JSON.stringify(old) !== JSON.stringify(now)) found.set(path, UPDATE);
  }
  return found;
}

function secret(value: string): Properties {
  return { [specialSigKey]: specialSecretSig, value };
}

/** A value without the mark of a secret. */
function opened(value: unknown): unknown {
  return isObject(value) && value[specialSigKey] === specialSecretSig ? value['value'] : value;
}

function textOf(value: unknown): string {
  const text = opened(value);
  return typeof text === 'string' ? text : '';
}

function isObject(value: unknown): value is Properties {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
