import { loadComposeProject } from '../compose/load';
import type { Finding } from '../drift/finding';
import type { Scene } from '../drift/scene';
import { RewindError } from '../errors';
import { canonical } from '../drift/form';
import { type Compared, compareModels, compareSections, differingImages } from '../releases/compare';
import { configOfDeploy } from '../releases/next-config';
import { composeSource } from './prepare-stack';
import { comparedOf, settingsOf } from './release-side';
import type { StackSettings } from '../settings';

/** What the compose files resolve to now, or why they cannot be read. */
export type ReadFiles = Awaited<ReturnType<typeof loadComposeProject>> | RewindError;

/** Reads the compose files that a deploy would take. */
export async function readComposeFiles(today: Scene['today'], directory: string): Promise<ReadFiles> {
  const source = composeSource(settingsOf(configOfDeploy(today, {})), directory);
  return loadComposeProject(source).catch((error: unknown) => {
    if (error instanceof RewindError) return error;
    throw error;
  });
}

/** What the compose files have otherwise than the release: what the next deploy brings. */
export function composeFindings(scene: Scene, now: ReadFiles): Finding[] {
  const base = { severity: 'information', fix: 'adopt' } as const;
  if (now instanceof RewindError) {
    return [
      { ...base, id: 'compose/files', group: 'stack', what: 'compose files', live: `cannot be read: ${now.message}` },
    ];
  }
  const overlaid = comparedOf(now, scene.settings);
  return [
    ...differences(scene.released, overlaid, 'compose', 'the compose files', 'the next deploy brings it'),
    ...compareSections(scene.released.project.model, now.model).map((section) => ({
      ...base,
      id: `compose/${section.replace(' ', '.')}`,
      group: 'stack',
      what: `${section} in the compose files`,
      live: 'otherwise than in the release',
    })),
  ];
}

/** What the stack configuration says otherwise than when the release was made: it was changed, and not deployed. */
export function configFindings(scene: Scene, secrets: Readonly<Record<string, string>>): Finding[] {
  const today = settingsOf(scene.today, secrets);
  const now = comparedOf(scene.source, today);
  const database = (settings: StackSettings): string =>
    canonical({ ...settings.database, revision: undefined, restore: undefined });
  return [
    ...differences(scene.released, now, 'config', 'the stack configuration', 'the next deploy brings it'),
    ...(database(today) === database(scene.settings)
      ? []
      : [
          {
            id: 'config/rewind:database',
            group: 'stack',
            what: 'rewind:database in the stack configuration',
            live: 'otherwise than in the release',
            severity: 'information' as const,
            fix: 'adopt' as const,
          },
        ]),
    ...otherPins(scene, today),
  ];
}

/** Services whose image is pinned to another one than ran. */
function otherPins({ record }: Scene, { images }: StackSettings): Finding[] {
  return Object.entries(record.services).flatMap(([service, { image, imageId }]): Finding[] => {
    const pin = images[image];
    if (pin === undefined || pin === imageId) return [];
    return [
      {
        id: `config/${service}/pin`,
        group: service,
        what: `image of ${service} in the stack configuration (rewind:images)`,
        declared: imageId.slice(0, 19),
        live: pin.slice(0, 19),
        severity: 'information',
        fix: 'adopt',
      },
    ];
  });
}

function differences(before: Compared, now: Compared, kind: string, where: string, note: string): Finding[] {
  const base = { severity: 'information', fix: 'adopt', note } as const;
  const found = compareModels(before, now).flatMap(({ service, presence, environment, keys }): Finding[] => {
    if (presence !== 'both') {
      const live = presence === 'added' ? 'there' : 'missing';
      const declared = presence === 'added' ? 'not in the release' : 'in the release';
      return [
        { ...base, id: `${kind}/${service}`, group: service, what: `service ${service} in ${where}`, declared, live },
      ];
    }
    return [
      ...environment.map((it) => ({ ...it, path: `env.${it.key}` })),
      ...keys.map((it) => ({ ...it, path: it.key })),
    ].map(({ path, key, from, to }) => ({
      ...base,
      id: `${kind}/${service}/${path}`,
      group: service,
      what: `${key} of ${service} in ${where}`,
      ...(from !== undefined && { declared: from }),
      ...(to !== undefined && { live: to }),
    }));
  });
  const images = differingImages(before, now).map((service) => ({
    ...base,
    id: `${kind}/${service}/image`,
    group: service,
    what: `image of ${service} in ${where}`,
    ...imageOf(before, service, 'declared'),
    ...imageOf(now, service, 'live'),
  }));
  return [...found, ...images];
}

function imageOf({ project }: Compared, service: string, side: 'declared' | 'live'): Partial<Finding> {
  const image = project.model.services[service]?.image;
  return image === undefined ? {} : { [side]: image };
}
