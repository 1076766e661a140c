import { join, relative } from 'node:path';

import * as command from '@pulumi/command/local/command';
import type * as pulumi from '@pulumi/pulumi';

import { installDir } from '../toolchain/places';
import { opText } from './op-text';
import { unknown } from './outputs';

/** What all commands of a stack's data have in common. */
export interface OpSettings {
  /** `project/stack` of Pulumi. */
  readonly stack: string;
  /** URL of the store, as it is configured. */
  readonly store: string;
  /** Folder of Pulumi.yaml. */
  readonly directory: string;
  /** `rewind:key`, as a secret. @default not known yet: the first update makes it */
  readonly key: pulumi.Output<string> | undefined;
}

/** What a command does, as it is seen in a preview. */
export type OpEnvironment = Readonly<Record<string, pulumi.Input<string>>>;

/**
 * A command that runs `rewind op <name>` when it is created, and again whenever its environment changes. That describes
 * what is to be, and nothing of how it came about: the text is state, so that nothing in it may differ between machines or
 * days. What else the command needs to know the program has written down; the key to that comes by standard input.
 */
export function opCommand(
  resource: string,
  name: string,
  environment: OpEnvironment,
  { stack, store, directory, key }: OpSettings,
  opts: pulumi.CustomResourceOptions,
): command.Command {
  const cli = relative(directory, join(installDir, 'dist', 'op.js'));
  return new command.Command(
    resource,
    {
      create: opText(cli, { name, stack, store }),
      environment,
      stdin: key ?? unknown(),
      logging: 'none',
      addPreviousOutputInEnv: false,
    },
    opts,
  );
}
