import * as pulumi from '@pulumi/pulumi';

import { reachable, revisionText, type SchemaIdentity } from '../src/actions/schema-state';
import { schemaStateText } from './schema-state-text';
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
        __provider: schemaStateText,
      },
      // There is nothing to delete, and nobody has to be asked to do so.
      { retainOnDelete: true, ...opts },
    );
  }
}
