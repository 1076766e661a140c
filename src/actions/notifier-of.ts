import { RewindError } from '../errors';
import { Notifier } from '../notify/notifier';
import { notifySchema, type NotifyTarget } from '../notify/settings';
import { StackConfig } from '../releases/stack-config';
import { readShaped } from '../shaped';
import type { StackContext } from './stack-context';

/** Whoever is to be told of what happens to a stack: `rewind:notify`. Nothing waits for it to be read. */
export function notifierOf(context: StackContext): Notifier {
  return new Notifier(targetsOf(context));
}

async function targetsOf({ configFile, engine }: StackContext): Promise<readonly NotifyTarget[]> {
  const raw = (await StackConfig.read(configFile)).config['rewind:notify'];
  if (raw === undefined) return [];
  const value: unknown = hasSecret(raw) ? JSON.parse(await engine.secretOf('rewind:notify')) : raw;
  const { settings, problems } = readShaped('notify', notifySchema, value, []);
  RewindError.throwIfAny(problems);
  return settings;
}

function hasSecret(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  return 'secure' in value || Object.values(value).some(hasSecret);
}
