import * as pulumi from '@pulumi/pulumi';

import { prepareStack } from '../src/actions/prepare-stack';
import { projectFolder } from '../src/project-folder';
import type { ComposeStackArgs } from './compose-stack';
import { tellingTheFix } from './telling-the-fix';
import { stackSettings } from './settings';

/**
 * Prepares the stack that the configuration describes. Problems end the program with all of them at once, as text for
 * people: nothing has been declared yet, so nothing changes.
 */
export async function prepareFromConfig(): Promise<ComposeStackArgs> {
  const stack = `${pulumi.getProject()}/${pulumi.getStack()}`;
  const preview = pulumi.runtime.isDryRun();
  return tellingTheFix(async () => {
    const { settings, problems } = await stackSettings();
    const prepared = await prepareStack({ settings, problems, directory: projectFolder(), stack, preview });
    if (prepared.notices.length > 0) await pulumi.log.info(prepared.notices.join('\n'));
    if (prepared.warnings.length > 0) await pulumi.log.warn(prepared.warnings.join('\n'));
    return { prepared, stack, readyTimeoutSeconds: settings.readyTimeoutSeconds };
  });
}
