import type * as command from '@pulumi/command/local/command';
import * as pulumi from '@pulumi/pulumi';

import { opCommand, type OpEnvironment, type OpSettings } from './op-command';
import { tokens } from './tokens';

/** What a {@link Migration} is made of. */
export interface MigrationArgs {
  readonly service: string;
  /** What the data is to be: its revision, its migrations, what it was restored from. */
  readonly target: OpEnvironment;
  readonly op: OpSettings;
  /** What has to be there first: the snapshot, what was restored, and what the container of the migrations joins. */
  readonly after: pulumi.Input<pulumi.Resource[]>;
}

/**
 * Brings the data to where it is to be: puts the restored database into the place of the live one, and moves the schema
 * up or down. To create and to change it are the same.
 */
export class Migration extends pulumi.ComponentResource {
  readonly command: command.Command;

  constructor(name: string, { service, target, op, after }: MigrationArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super(tokens.migration, name, { service }, opts);
    this.command = opCommand(name, 'migrate', target, op, { parent: this, dependsOn: after });
    this.registerOutputs({});
  }
}
