import { setTimeout as sleep } from 'node:timers/promises';

import { credentials, type ServiceError } from '@grpc/grpc-js';
import { ResourceProviderClient } from '@pulumi/pulumi/proto/provider_grpc_pb';
import {
  CheckRequest,
  CreateRequest,
  DeleteRequest,
  DiffRequest,
  type DiffResponse,
  PropertyDiff,
  ReadRequest,
  UpdateRequest,
} from '@pulumi/pulumi/proto/provider_pb';
import { Empty } from 'google-protobuf/google/protobuf/empty_pb';
import { Struct } from 'google-protobuf/google/protobuf/struct_pb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { isServed, serveCommands } from '../../../src/automation/command-provider';
import { read, type ServedProvider } from '../../../src/automation/served-provider';

type Values = Parameters<typeof Struct.fromJavaScript>[0];
type Call<Response> = (done: (error: ServiceError | null, response: Response) => void) => unknown;

const secret = (value: string) => ({ '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270', value });
const unknown = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
const inputs = { create: 'tidy up', environment: { SHELF: 'left' }, stdin: secret('the key') };

let done: string[];
let work: (signal: AbortSignal) => Promise<string>;
let served: ServedProvider;
let client: ResourceProviderClient;

beforeEach(async () => {
  done = [];
  work = () => Promise.resolve('tidy');
  served = await serveCommands({
    knows: (text) => text.startsWith('tidy'),
    run: (text, input, signal) => {
      done.push(`${text}, ${input}`);
      return work(signal);
    },
  });
  client = new ResourceProviderClient(`127.0.0.1:${served.port}`, credentials.createInsecure());
});

afterEach(() => {
  client.close();
  served.close();
});

const struct = (values: object): Struct => Struct.fromJavaScript(values as Values);

const answer = <Response>(call: Call<Response>): Promise<Response> =>
  new Promise((resolve, reject) => {
    call((error, response) => {
      if (error) reject(error);
      else resolve(response);
    });
  });

let creating: { cancel(): void } | undefined;

function create(values: object, preview = false) {
  const request = new CreateRequest();
  request.setUrn('urn:pulumi:dev::shop::rewind:data:Snapshot$command:local:Command::db-snapshot');
  request.setProperties(struct(values));
  request.setPreview(preview);
  return answer<{ getId(): string; getProperties(): Struct | undefined }>((tell) => {
    creating = client.create(request, tell);
  });
}

async function diff(before: object, after: object): Promise<DiffResponse> {
  const request = new DiffRequest();
  request.setOlds(struct({ ...before, stdout: 'tidy' }));
  request.setOldInputs(struct(before));
  request.setNews(struct(after));
  return answer((tell) => client.diff(request, tell));
}

describe('a command that is done in this process', () => {
  test('is done when it is made, and what it prints is a secret, as what it was given is', async () => {
    const response = await create(inputs);
    expect(done).toEqual(['tidy up, the key']);
    expect(response.getId()).toMatch(/^db-snapshot[0-9a-f]{8}$/);
    expect(read(response.getProperties())).toEqual({ ...inputs, stdout: secret('tidy'), stderr: secret('') });
  });

  test('is done again when it is changed', async () => {
    const request = new UpdateRequest();
    request.setOlds(struct(inputs));
    request.setNews(struct({ ...inputs, environment: { SHELF: 'right' } }));
    const response = await answer<{ getProperties(): Struct | undefined }>((tell) => client.update(request, tell));
    expect(done).toEqual(['tidy up, the key']);
    expect(read(response.getProperties())).toMatchObject({ environment: { SHELF: 'right' }, stdout: secret('tidy') });
  });

  test('is not done in a preview', async () => {
    expect(read((await create(inputs, true)).getProperties())).toMatchObject({ stdout: secret(unknown) });
    expect(done).toEqual([]);
  });

  test('differs by what it is told, whether that is a secret or not', async () => {
    const same = await diff(inputs, { ...inputs, stdin: 'the key' });
    expect([same.getChanges(), same.getDiffsList()]).toEqual([1, []]);
    const after = { ...inputs, environment: { SHELF: 'right', ROOM: 'hall' }, stdin: secret('another') };
    const changed = await diff({ ...inputs, dir: '/' }, after);
    expect([changed.getChanges(), changed.getDiffsList()]).toEqual([2, ['dir', 'environment', 'stdin']]);
    const { ADD, DELETE, UPDATE } = PropertyDiff.Kind;
    const kinds = [...changed.getDetaileddiffMap().entries()].map(([path, it]) => [path, it.getKind()]);
    expect(kinds).toEqual([
      ['dir', DELETE],
      ['environment.ROOM', ADD],
      ['environment.SHELF', UPDATE],
      ['stdin', UPDATE],
    ]);
  });

  test('has nothing to read but what is written down', async () => {
    const request = new ReadRequest();
    request.setId('db-snapshot1');
    request.setInputs(struct(inputs));
    request.setProperties(struct({ ...inputs, stdout: 'tidy' }));
    const response = await answer<{ getId(): string; getProperties(): Struct | undefined }>((tell) =>
      client.read(request, tell),
    );
    expect([response.getId(), read(response.getProperties())]).toEqual(['db-snapshot1', { ...inputs, stdout: 'tidy' }]);
  });

  test('leaves nothing behind that would have to be deleted', async () => {
    const request = new DeleteRequest();
    request.setProperties(struct(inputs));
    await answer((tell) => client.delete(request, tell));
    expect(done).toEqual([]);
  });

  test('keeps what the plugin has noted of itself in the properties of the provider', async () => {
    const request = new CheckRequest();
    request.setOlds(struct({ '__pulumi-go-provider-version': '1.2.0', version: '1.2.0', gone: 'x' }));
    request.setNews(struct({ version: '1.2.1' }));
    const response = await answer<{ getInputs(): Struct | undefined }>((tell) => client.checkConfig(request, tell));
    expect(read(response.getInputs())).toEqual({ '__pulumi-go-provider-version': '1.2.0', version: '1.2.1' });
  });

  test('says what went wrong', async () => {
    work = () => Promise.reject(new Error('the shelf is gone'));
    await expect(create(inputs)).rejects.toThrow('the shelf is gone');
  });

  test.each([
    ['of another text', { ...inputs, create: 'touch it' }],
    ['that does more when it is updated', { ...inputs, update: 'touch it' }],
    ['that does more when it is deleted', { ...inputs, delete: 'touch it' }],
    ['whose text is not known', { ...inputs, create: secret('tidy up') }],
  ])('is refused if it is one %s', async (_, values) => {
    expect(isServed(values, (text) => text.startsWith('tidy'))).toBe(false);
    await expect(create(values)).rejects.toThrow('no other commands than its own');
    expect(done).toEqual([]);
  });

  test.each([
    ['the engine asks for it', () => answer<Empty>((tell) => client.cancel(new Empty(), tell))],
    [
      'the engine is gone',
      () => {
        creating?.cancel();
        return Promise.resolve();
      },
    ],
  ])('is asked to stop when %s', async (_, end) => {
    let stopped = false;
    const begun = new Promise<void>((resolve) => {
      work = async (signal) => {
        resolve();
        for (let waited = 0; !signal.aborted && waited < 5000; waited += 5) await sleep(5);
        stopped = signal.aborted;
        throw new Error('Interrupted.');
      };
    });
    const result = create(inputs);
    result.catch(() => undefined);
    await begun;
    await end();
    await expect(result).rejects.toThrow();
    await expect.poll(() => stopped).toBe(true);
  });
});
