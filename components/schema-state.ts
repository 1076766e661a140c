import * as pulumi from '@pulumi/pulumi';

import { reachable, revisionText, type SchemaIdentity } from '../src/actions/schema-state';
import { tokens } from './tokens';

/** What a {@link SchemaState} is of. */
export interface SchemaStateArgs extends SchemaIdentity {
  /** Images of the database's service and of those that start after it, by service. */
  readonly images: Readonly<Record<string, pulumi.Input<string>>>;
  /** Extensions that are declared. @default none */
  readonly extensions?: readonly string[];
  /** Revisions that the schema is to stand at. @default whatever it stands at */
  readonly revisions?: pulumi.Input<readonly string[]>;
}

/**
 * The schema of the stack's database as part of the stack's state. An update writes down where it stands; a refresh finds
 * out whether somebody has moved it since. Taking it out of the stack leaves the database alone.
 */
export class SchemaState extends pulumi.CustomResource {
  /** `reachable`, or why the database could not be looked at. */
  declare readonly status: pulumi.Output<string>;
  /** Revisions that it stands at, separated by commas. */
  declare readonly revision: pulumi.Output<string | undefined>;
  /** One hash over every object. */
  declare readonly fingerprint: pulumi.Output<string | undefined>;

  constructor(name: string, { revisions, ...inputs }: SchemaStateArgs, opts: pulumi.CustomResourceOptions = {}) {
    super(
      tokens.schemaState,
      name,
      {
        ...inputs,
        revision: revisions && pulumi.output(revisions).apply(revisionText),
        status: reachable,
        fingerprint: undefined,
        __provider: provider,
      },
      // There is nothing to delete, and nobody has to be asked to do so.
      { retainOnDelete: true, ...opts },
    );
  }
}

/**
 * The provider, as Pulumi keeps that of a dynamic resource in the state: here no more than where to find it, seen from
 * the folder of the project. Written by hand: having it made of a function takes the TypeScript compiler, half a second
 * per preview, and the text would change with each version.
 */
const provider =
  'exports.handler = () => require("node:module").createRequire(process.cwd() + "/")("rewind/schema-state");';
