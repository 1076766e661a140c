import type * as command from '@pulumi/command/local/command';
import * as pulumi from '@pulumi/pulumi';

import { opCommand, type OpEnvironment, type OpSettings } from './op-command';
import { tokens } from './tokens';

/** What a {@link Snapshot} is made of. */
export interface SnapshotArgs {
  /** The service with the database. */
  readonly service: string;
  /** What is about to become of the data; a change of it is what a snapshot is taken before. */
  readonly before: OpEnvironment;
  readonly op: OpSettings;
  /** What has to be there first: the database, ready, and what the container of the migrations joins. */
  readonly after: pulumi.Input<pulumi.Resource[]>;
}

/** A snapshot of the database, taken before its schema or its data changes. */
export class Snapshot extends pulumi.ComponentResource {
  readonly command: command.Command;

  constructor(name: string, args: SnapshotArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super(tokens.snapshot, name, { service: args.service }, opts);
    const options = { parent: this, dependsOn: args.after };
    this.command = opCommand(name, 'snapshot', args.before, args.op, options);
    this.registerOutputs({});
  }
}
