import { RewindError } from '../errors';
import { Notifier } from '../notify/notifier';
import { notifySchema, type NotifyTarget } from '../notify/settings';
import { StackConfig } from '../releases/stack-config';
import { readShaped } from '../shaped';
import { settingValue } from './setting-value';
import type { StackContext } from './stack-context';

/** Whoever is to be told of what happens to a stack: `rewind:notify`. Nothing waits for it to be read. */
export function notifierOf(context: StackContext): Notifier {
  return new Notifier(targetsOf(context));
}

async function targetsOf(context: StackContext): Promise<readonly NotifyTarget[]> {
  const value = await settingValue(context, await StackConfig.read(context.configFile), 'notify');
  const { settings, problems } = readShaped('notify', notifySchema, value, []);
  RewindError.throwIfAny(problems);
  return settings;
}
