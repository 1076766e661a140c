import { keptName } from '../docker/kept-images';
import { localImageId } from '../docker/images';
import { shortId } from '../docker/short-id';
import type { ReleasedService } from '../releases/record';
import type { Finding } from './finding';
import { type Scene } from './scene';

/** Images of the release that are gone, not kept any more, or whose name means another one by now. */
export function imageFindings(scene: Scene): Finding[] {
  const { record, inventory, stack, events } = scene;
  const tagged = new Set<string>();
  return Object.entries(record.services).flatMap(([service, released]): Finding[] => {
    const { image, imageId } = released;
    const base = { group: service };
    if (!inventory.images.has(imageId)) {
      const origin = events.latest('image', ['delete'], ({ id }) => id === imageId);
      return [
        {
          ...base,
          id: `image/${service}/exists`,
          what: `image of ${service}`,
          declared: `${image} (${shortId(imageId)})`,
          live: 'not on this engine any more',
          ...origin,
          severity: 'broken',
          fix: 'none',
          note: wayBack(released),
        },
      ];
    }
    const findings: Finding[] = [];
    if (!inventory.images.has(keptName(stack, imageId))) {
      findings.push({
        ...base,
        id: `image/${service}/kept`,
        what: `image of ${service} is not kept`,
        declared: keptName(stack, imageId),
        live: 'this name is gone',
        severity: 'changed',
        fix: 'update',
        note: 'docker image prune could take it.',
      });
    }
    if (image.startsWith('sha256:') || tagged.has(image)) return findings;
    tagged.add(image);
    const now = localImageId(inventory, image);
    if (now === imageId) return findings;
    const origin = events.latest(
      'image',
      now === undefined ? ['untag'] : ['tag'],
      ({ attributes }) => attributes['name'] === image,
    );
    findings.push({
      ...base,
      id: `image/${service}/tag`,
      what: `tag ${image}`,
      declared: shortId(imageId),
      live: now === undefined ? 'there is no such tag' : shortId(now),
      ...origin,
      severity: 'information',
      fix: 'update',
      note: 'What runs is the image of the release; the next deploy takes what the tag means then.',
    });
    return findings;
  });
}

function wayBack({ image, digest, revision }: ReleasedService): string {
  const ways = [
    ...(digest === undefined ? [] : [`docker pull ${digest}`]),
    ...(revision === undefined ? [] : [`build ${image} from commit ${revision}`]),
  ];
  return ways.length > 0
    ? `Get it back: ${ways.join(', or ')}.`
    : 'Load it from where it was saved (docker load), or deploy another one.';
}

/** Tags that a registry has moved: asks each registry for its manifests only. */
export async function registryFindings({ record, docker }: Scene): Promise<Finding[]> {
  const found = await Promise.all(
    Object.entries(record.services).map(async ([service, { image, digest }]): Promise<Finding[]> => {
      if (digest === undefined) return [];
      try {
        const { Descriptor: descriptor } = (await docker.getImage(image).distribution()) as {
          Descriptor?: { digest?: string };
        };
        const now = descriptor?.digest;
        if (now === undefined || digest.endsWith(`@${now}`)) return [];
        return [
          {
            id: `image/${service}/registry`,
            group: service,
            what: `tag ${image} in its registry`,
            declared: digest.slice(digest.indexOf('@') + 1),
            live: now,
            severity: 'information',
            fix: 'adopt',
            note: 'What runs is the image of the release; the next pull brings another.',
          },
        ];
      } catch {
        return []; // a registry that does not answer tells nothing of what runs here
      }
    }),
  );
  return found.flat();
}
