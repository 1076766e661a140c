import { shortId } from '../docker/short-id';
import { stackGroup, type Finding } from './finding';
import { plannedContainers, resourceTypes, type Scene } from './scene';

/** What the stack's state says otherwise than the release: unfinished operations, and resources that do not belong. */
export function stateFindings(scene: Scene): Finding[] {
  const { state, isUnderWay } = scene;
  if (!state || isUnderWay || state.isLocked) return [];
  return [...pending(scene), ...unknownToRelease(scene), ...unknownToState(scene), ...otherInputs(scene)];
}

function pending({ state }: Scene): Finding[] {
  return state!.pending.map(({ operation, type, name }) => ({
    id: `pulumi/pending.${name}`,
    group: stackGroup,
    what: `operation on ${name} (${type})`,
    declared: 'finished',
    live: `${operation}, of which Pulumi did not see the end`,
    severity: 'changed',
    fix: 'update',
    note: 'Pulumi warns of it until a refresh clears it.',
  }));
}

/** Resources of the compose stack in the state that the release does not declare; others are the program's own. */
function unknownToRelease(scene: Scene): Finding[] {
  const names = new Set(plannedContainers(scene).map(({ spec }) => spec.name));
  return scene
    .state!.resources.filter(({ type }) => type === resourceTypes.container)
    .filter(({ name, parentType }) => parentType === 'rewind:compose:Service' && !names.has(name))
    .map(({ name, id = '' }) => ({
      id: `pulumi/state.${name}`,
      group: stackGroup,
      what: `${name} in the state`,
      live: `a container (${shortId(id)}) that the release does not declare`,
      severity: 'changed',
      fix: 'update',
    }));
}

/** Containers that the release declares and the state has forgotten: `pulumi state delete`. */
function unknownToState(scene: Scene): Finding[] {
  const known = new Set(scene.state!.resources.map(({ type, name }) => `${type} ${name}`));
  return plannedContainers(scene)
    .filter(({ spec: { name } }) => !known.has(`${resourceTypes.container} ${name}`) && scene.inspected.has(name))
    .map(({ service, spec: { name } }) => ({
      id: `pulumi/state.${name}`,
      group: service,
      what: `${name} in the state`,
      declared: 'there',
      live: 'missing: the state was edited, or an update was interrupted',
      severity: 'changed',
      fix: 'update',
      note: 'The next update makes the container anew.',
    }));
}

/** Containers for which the state says another image than the release: it was edited, or a failed update has left it. */
function otherInputs(scene: Scene): Finding[] {
  const images = new Map(plannedContainers(scene).map((it) => [it.spec.name, it]));
  return scene.state!.resources.flatMap(({ type, name, inputs }): Finding[] => {
    const planned = images.get(name);
    const image = inputs['image'];
    if (type !== resourceTypes.container || !planned || typeof image !== 'string' || image === planned.spec.image)
      return [];
    return [
      {
        id: `pulumi/state.${name}.image`,
        group: planned.service,
        what: `image of ${name} in the state`,
        declared: shortId(planned.spec.image ?? ''),
        live: shortId(image),
        severity: 'changed',
        fix: 'update',
      },
    ];
  });
}
