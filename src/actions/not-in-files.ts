import { relative } from 'node:path';

import { loadComposeProject } from '../compose/load';
import { findConfigFiles } from '../container/config-files';
import { RewindError } from '../errors';
import { type Compared, compareModels, compareSections, differingImages } from '../releases/compare';
import { configOfDeploy } from '../releases/next-config';
import type { ConfigSection } from '../releases/stack-config';
import type { FileStore } from '../store/files';
import { composeSource } from './prepare-stack';
import { comparedOf, settingsOf, type Side } from './release-side';
import type { StackContext } from './stack-context';

/**
 * What the compose files and the configuration files beside them have otherwise than a release, in words: what the next
 * deploy brings.
 *
 * @param config - the stack configuration that the deploy will find
 */
export async function notInFiles(
  context: StackContext,
  config: ConfigSection,
  release: Side,
  store: FileStore,
): Promise<string[]> {
  const settings = settingsOf(configOfDeploy(config, {}));
  const files = settings.compose.join(', ');
  try {
    const project = await loadComposeProject(composeSource(settings, context.directory));
    const overlaid = comparedOf(project, { ...release.settings, tags: settings.tags });
    return [
      ...differingServices(release.compared, overlaid, files),
      ...compareSections(release.compared.project.model, project.model),
      ...(await differingFiles(release, overlaid, store)),
    ];
  } catch (error) {
    if (error instanceof RewindError) return [`${files} cannot be read: ${error.message}`];
    throw error;
  }
}

function differingServices(release: Compared, now: Compared, files: string): string[] {
  const differences = new Map(compareModels(release, now).map((it) => [it.service, it]));
  const images = new Set(differingImages(release, now));
  return [...new Set([...differences.keys(), ...images])].sort().map((service) => {
    const { presence, environment, keys } = differences.get(service) ?? { environment: [], keys: [] };
    if (presence === 'added') return `service ${service}: only in ${files}`;
    if (presence === 'removed') return `service ${service}: not in ${files}`;
    const changed = [...environment, ...keys].map(({ key }) => key);
    return `service ${service}: ${[...(images.has(service) ? ['image'] : []), ...changed].join(', ')}`;
  });
}

/** Configuration files of a release that are not there now as they were then. */
async function differingFiles(release: Side, { project }: Compared, store: FileStore): Promise<string[]> {
  const { kept } = await findConfigFiles(project, store, release.settings.files);
  const changed = Object.entries(release.files).filter(([source, { hash, permissions }]) => {
    const now = kept.get(source);
    return now?.hash !== hash || (permissions !== undefined && now.permissions !== permissions);
  });
  return changed.map(([source]) => `file ${relative(project.directory, source)}`).sort();
}
