import * as pulumi from '@pulumi/pulumi';

import { tokens } from './tokens';

/** What a {@link Quiesce} is made of. */
export interface QuiesceArgs {
  /** The service with the database. */
  readonly service: string;
  /** Services that are stopped while what is within changes the data. */
  readonly stops: readonly string[];
}

/**
 * The time in which nothing that uses the database runs: what changes the data is within. It has no command of its own.
 * The command within stops the services itself, once it has everything ready, so that they are away for as short as can be.
 */
export class Quiesce extends pulumi.ComponentResource {
  constructor(name: string, { service, stops }: QuiesceArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super(tokens.quiesce, name, { service, stops: [...stops] }, opts);
    this.registerOutputs({});
  }
}
