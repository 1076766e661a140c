import { applyOverrides } from '../compose/overrides';
import { projectSecrets } from '../container/project-secrets';
import type { Compared } from '../releases/compare';
import type { ReleaseRecord } from '../releases/record';
import { openRelease } from '../releases/release-store';
import type { SealedRelease } from '../releases/sealed';
import type { ConfigSection } from '../releases/stack-config';
import { readSettings, type StackSettings } from '../settings';
import type { StackContext } from './stack-context';

/** One side of a comparison of releases. */
export interface Side {
  readonly compared: Compared;
  readonly settings: StackSettings;
  readonly files: SealedRelease['files'];
}

/**
 * Opens a release for comparison.
 *
 * @param key - `rewind:key`; undefined if it is not set
 * @throws RewindError release/unreadable
 */
export async function openSide(context: StackContext, record: ReleaseRecord, key: string | undefined): Promise<Side> {
  const sealed = await openRelease(context.releases, record, key, context.directory);
  const settings = settingsOf(record.config, sealed.secrets);
  return { compared: comparedOf(sealed.project, settings), settings, files: sealed.files };
}

/** A release with other images. */
export function withImages(side: Side, services: ReleaseRecord['services']): Side {
  const tags = Object.fromEntries(Object.entries(services).map(([name, { image }]) => [name, image]));
  const settings = { ...side.settings, tags };
  return { ...side, settings, compared: comparedOf(side.compared.project, settings) };
}

/** A compose project with settings laid over it. */
export function comparedOf(source: Compared['project'], settings: StackSettings): Compared {
  const project = { ...source, model: applyOverrides(source.model, settings).model };
  return {
    project,
    secrets: projectSecrets(project, settings.secrets),
    shown: settings.show,
    hidden: Object.fromEntries(Object.entries(settings.secrets).map(([name, vars]) => [name, Object.keys(vars)])),
  };
}

/** The settings of a configuration section, with the values of its secrets. */
export function settingsOf(config: ConfigSection, secrets: Readonly<Record<string, string>> = {}): StackSettings {
  const raw = Object.entries(config).flatMap(([key, value]): [string, unknown][] => {
    if (!key.startsWith('rewind:')) return [];
    const secret = secrets[key];
    return [[key.slice('rewind:'.length), secret === undefined ? value : parsed(secret)]];
  });
  return readSettings(Object.fromEntries(raw)).settings;
}

function parsed(text: string): unknown {
  try {
    return /^[[{"]/.test(text) ? (JSON.parse(text) as unknown) : text;
  } catch {
    return text;
  }
}
