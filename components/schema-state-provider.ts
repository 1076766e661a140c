import type { SchemaFacts, SchemaIdentity } from '../src/actions/schema-state';

// What a SchemaState does. Runs in a process of its own, which Pulumi starts for dynamic resources, from the text in the
// state; it is there for previews without a change too, so that what looks at a database is loaded when it is needed.

/** What the program declares. */
export interface SchemaInputs extends SchemaIdentity {
  /** Images of the database's service and of those that start after it: another one may have changed the schema. */
  readonly images: Readonly<Record<string, string>>;
  /** Extensions that are declared. @default none */
  readonly extensions?: readonly string[];
  /** Revisions that the schema is to stand at, separated by commas. @default whatever it stands at */
  readonly revision?: string;
  /** What is expected of the database. */
  readonly status: string;
}

/** What stands in the state. Of the revision it is the live one. */
export interface SchemaOutputs extends SchemaIdentity, SchemaFacts {
  readonly images: Readonly<Record<string, string>>;
  readonly extensions?: readonly string[];
  /** The declared revision. @default none was */
  readonly target?: string;
  /** Whether the schema is another than was known before it was read. @default false */
  readonly moved?: boolean;
}

/** Whether something is to be done: the program asks for something else than was found. */
export function diff(_id: string, olds: SchemaOutputs, news: SchemaInputs): Promise<{ changes: boolean }> {
  const isAnother = asIs.some((key) => canonical(olds[key]) !== canonical(news[key]));
  const hasMoved = news.revision !== undefined && news.revision !== olds.revision;
  return Promise.resolve({ changes: isAnother || hasMoved || olds.moved === true });
}

export async function create(inputs: SchemaInputs): Promise<{ id: string; outs: SchemaOutputs }> {
  const { readSchemaState } = await import('../src/actions/schema-state');
  return { id: inputs.stack, outs: outputsOf(inputs, await readSchemaState(inputs)) };
}

/**
 * Inputs as they would have been declared for what is there: that is how a preview shows what is not as it is declared.
 * What is not declared at all is shown by `moved`, which makes a change of it.
 */
export async function read(
  id: string,
  known: SchemaOutputs,
): Promise<{ id: string; props: SchemaOutputs; inputs: SchemaInputs }> {
  const { readSchemaState } = await import('../src/actions/schema-state');
  const found = await readSchemaState(known, factsOf(known));
  const declared = Object.fromEntries(asIs.flatMap((key) => (known[key] === undefined ? [] : [[key, known[key]]])));
  const { revision, status } = found;
  const isMoved = known.fingerprint !== found.fingerprint || known.revision !== found.revision;
  const now = Object.fromEntries(Object.entries({ ...known, ...found }).filter(([key]) => key !== 'moved'));
  return {
    id,
    props: { ...(now as unknown as SchemaOutputs), ...(isMoved && { moved: true }) },
    inputs: {
      ...(declared as unknown as SchemaInputs),
      ...(known.target !== undefined && { revision: revision ?? '' }),
      status,
    },
  };
}

export async function update(
  _id: string,
  known: SchemaOutputs,
  inputs: SchemaInputs,
): Promise<{ outs: SchemaOutputs }> {
  const { settleSchema } = await import('../src/actions/schema-state');
  return { outs: outputsOf(inputs, await settleSchema(inputs, factsOf(known))) };
}

/** What is the same in inputs and outputs. */
const asIs = ['stack', 'service', 'database', 'user', 'versionTable', 'images', 'extensions', 'status'] as const;

function outputsOf({ revision, ...inputs }: SchemaInputs, found: SchemaFacts): SchemaOutputs {
  return { ...inputs, ...(revision !== undefined && { target: revision }), ...found };
}

function factsOf(known: SchemaOutputs): Partial<SchemaFacts> {
  const { revision, fingerprint, objects, sizeMiB, serverVersion } = known;
  const facts = { revision, fingerprint, objects, sizeMiB, serverVersion };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}

/** As text whatever the order of the keys: what comes back from the engine has another. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
