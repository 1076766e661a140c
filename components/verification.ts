import type * as command from '@pulumi/command/local/command';
import * as pulumi from '@pulumi/pulumi';

import { opCommand, type OpEnvironment, type OpSettings } from './op-command';
import { tokens } from './tokens';

/** What a {@link Verification} is made of. */
export interface VerificationArgs {
  readonly service: string;
  /** What the data is to be. */
  readonly target: OpEnvironment;
  readonly op: OpSettings;
  /** What has to be there first: all services, ready. */
  readonly after: pulumi.Input<pulumi.Resource[]>;
}

/** Makes sure, at the end, that the data is what it is to be, and that nothing was left stopped. */
export class Verification extends pulumi.ComponentResource {
  readonly command: command.Command;

  constructor(
    name: string,
    { service, target, op, after }: VerificationArgs,
    opts: pulumi.ComponentResourceOptions = {},
  ) {
    super(tokens.verification, name, { service }, opts);
    this.command = opCommand(name, 'verify', target, op, { parent: this, dependsOn: after });
    this.registerOutputs({});
  }
}
