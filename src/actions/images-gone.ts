import { connect } from '../docker/engine';
import { imagesNotThere } from '../docker/images';
import { type Problem, RewindError } from '../errors';
import { type ReleaseRecord, releaseName } from '../releases/record';
import { StackConfig } from '../releases/stack-config';
import { dataChoiceOf, revertConfig, type RevertChoice, type RevertEnds, servicesAfter } from './revert-config';
import type { StackContext } from './stack-context';

/**
 * Images that a revert needs and that are not on the engine any more.
 *
 * @throws RewindError docker/unreachable
 */
export async function imagesInTheWay(
  context: StackContext,
  { from, to }: { readonly from: ReleaseRecord | undefined; readonly to: ReleaseRecord },
  choice: RevertChoice,
): Promise<Problem[]> {
  const gone = await imagesGone(to, to.services);
  const isPart = choice.only !== undefined || dataChoiceOf(choice) === 'keep';
  if (gone.length === 0 || !isPart || !from) return gone;
  // Not everything of the release comes back: what stays as it is does without its image of then.
  const ends: RevertEnds = { from, to };
  try {
    const today = await StackConfig.read(context.configFile);
    const { data } = await revertConfig(context, ends, today.config, choice);
    return await imagesGone(to, servicesAfter(ends, choice.only, data));
  } catch (error) {
    if (error instanceof RewindError) return gone;
    throw error;
  }
}

/** Images of services that are not on the engine any more, each with the way to get it back. */
async function imagesGone(release: ReleaseRecord, services: ReleaseRecord['services']): Promise<Problem[]> {
  const { docker } = await connect();
  const gone = await imagesNotThere(docker, new Set(Object.values(services).map(({ imageId }) => imageId)));
  return Object.entries(services).flatMap(([service, { image, imageId, digest, revision }]): Problem[] => {
    if (!gone.has(imageId)) return [];
    const ways = [
      ...(digest === undefined ? [] : [`docker pull ${digest}`]),
      ...(revision === undefined ? [] : [`build ${image} from commit ${revision}`]),
    ];
    return [
      {
        code: 'docker/missing-image',
        message: `The image ${image} (${imageId}) that ${service} ran in ${releaseName(release.number)} is not on this engine any more.`,
        fix:
          ways.length > 0
            ? `Get it back: ${ways.join(', or ')}.`
            : 'Load it from where it was saved (docker load), or choose another release: rewind history.',
      },
    ];
  });
}
