import * as pulumi from '@pulumi/pulumi';

/** A resource as a program has declared it. */
export interface DeclaredResource {
  readonly type: string;
  readonly name: string;
  /** Name of its parent; of a top-level resource, an empty text. */
  readonly parent: string;
  /** Inputs; a secret one is `{ secret: value }`, one that is not known yet `{ unknown: true }`. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Names of the resources that it depends on, sorted. */
  readonly dependencies: readonly string[];
  /** Names of the resources with which it is replaced, sorted. */
  readonly replaceWith: readonly string[];
  /** What a change of replaces it. */
  readonly replacementTrigger: unknown;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly deleteBeforeReplace: boolean;
  readonly replaceOnChanges: readonly string[];
  readonly ignoreChanges: readonly string[];
  readonly importId: string;
  /** Names of the hooks that run before it is created. */
  readonly beforeCreate: readonly string[];
}

/** The request by which a program declares a resource, as far as it is looked at here. */
interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getObject(): { toJavaScript(): Record<string, unknown> };
  getDependenciesList(): string[];
  getReplaceWithList(): string[];
  getReplacementTrigger(): { toJavaScript(): unknown } | undefined;
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getDeletebeforereplace(): boolean;
  getReplaceonchangesList(): string[];
  getIgnorechangesList(): string[];
  getImportid(): string;
  getHooks(): { getBeforeCreateList(): string[] } | undefined;
}

interface Monitor {
  registerResource(request: Request, callback: unknown): unknown;
  registerResourceOutputs: (request: unknown, callback: (error: null, response: object) => void) => void;
  registerResourceHook?: (request: unknown, callback: (error: null, response: object) => void) => void;
}

const signature = '4dabf18193072939515e22adb298388d';
const secret = '1b47061264138c4ac30d75fd1eb44270';
const unknown = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

/** Takes the place of the Pulumi engine: writes down what a program declares, in order, and creates nothing. */
export class PulumiRecorder {
  readonly resources: DeclaredResource[] = [];

  /** Puts a new recorder in place. The ID of a resource is its name with `-id`. */
  static async start(options: { readonly preview?: boolean } = {}): Promise<PulumiRecorder> {
    const { preview = false } = options;
    const recorder = new PulumiRecorder();
    const mocks: pulumi.runtime.Mocks = {
      newResource: ({ name, inputs }) => ({
        id: preview ? undefined : `${name}-id`,
        state: inputs as Record<string, unknown>,
      }),
      call: () => ({}),
    };
    await pulumi.runtime.setMocks(mocks, 'shop', 'dev', preview);
    const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
    const register = monitor.registerResource.bind(monitor);
    monitor.registerResource = (request, callback) => {
      recorder.resources.push(read(request));
      return register(request, callback);
    };
    // What is still under way when a test ends reports to the recorder of the next, which has never heard of it.
    monitor.registerResourceOutputs = (_request, callback) => {
      callback(null, {});
    };
    // The mocks of this version leave it out.
    monitor.registerResourceHook = (_request, callback) => {
      callback(null, {});
    };
    return recorder;
  }

  /** The resources of a type, by its last part: `Container`. */
  ofType(kind: string): DeclaredResource[] {
    return this.resources.filter(({ type }) => type.endsWith(`:${kind}`));
  }

  /** The one resource of a name and a type, by its last part. */
  the(kind: string, name: string): DeclaredResource {
    const found = this.ofType(kind).filter((resource) => resource.name === name);
    if (found.length !== 1) throw new Error(`${found.length} resources ${kind} are called ${name}.`);
    return found[0]!;
  }
}

function read(request: Request): DeclaredResource {
  const names = (urns: readonly string[]): string[] => urns.map(nameOf).sort();
  return {
    type: request.getType(),
    name: request.getName(),
    parent: nameOf(request.getParent()),
    inputs: plain(request.getObject().toJavaScript()) as Record<string, unknown>,
    dependencies: names(request.getDependenciesList()),
    replaceWith: names(request.getReplaceWithList()),
    replacementTrigger: plain(request.getReplacementTrigger()?.toJavaScript()),
    protect: request.getProtect(),
    retainOnDelete: request.getRetainondelete(),
    deleteBeforeReplace: request.getDeletebeforereplace(),
    replaceOnChanges: request.getReplaceonchangesList(),
    ignoreChanges: request.getIgnorechangesList(),
    importId: request.getImportid(),
    beforeCreate: request.getHooks()?.getBeforeCreateList() ?? [],
  };
}

function nameOf(urn: string): string {
  return urn.split('::').at(-1)!;
}

function plain(value: unknown): unknown {
  if (value === unknown) return { unknown: true };
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  const record = value as Record<string, unknown>;
  if (record[signature] === secret) return { secret: plain(record['value']) };
  return Object.fromEntries(Object.entries(record).map(([key, inner]) => [key, plain(inner)]));
}
