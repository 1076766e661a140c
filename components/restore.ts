import type * as command from '@pulumi/command/local/command';
import * as pulumi from '@pulumi/pulumi';

import type { RestoreSettings } from '../src/settings';
import { opCommand, type OpSettings } from './op-command';
import { tokens } from './tokens';

/** What a {@link Restore} is made of. */
export interface RestoreArgs {
  readonly service: string;
  readonly restore: RestoreSettings;
  readonly op: OpSettings;
  /** What has to be there first: the database, ready. */
  readonly after: pulumi.Input<pulumi.Resource[]>;
}

/** The data of a snapshot, restored beside the live database while the application goes on. */
export class Restore extends pulumi.ComponentResource {
  readonly command: command.Command;

  constructor(name: string, { service, restore, op, after }: RestoreArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super(tokens.restore, name, { service }, opts);
    const options = { parent: this, dependsOn: after };
    this.command = opCommand(name, 'restore', restoreEnvironment(restore), op, options);
    this.registerOutputs({});
  }
}

/** A restore as a preview shows it. */
export function restoreEnvironment({ source, at }: RestoreSettings): Record<string, string> {
  return 'snapshot' in source
    ? { RESTORE: source.snapshot, RESTORE_AT: at }
    : { RESTORE: source.database, RESTORE_AT: at };
}
