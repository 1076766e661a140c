import type { ComposeProject } from '../compose/load';
import type { MappingContext } from './mapping';
import type { ContainerSpec } from './spec';

/** Says which Pulumi stack a container, network or volume belongs to. */
export const stackLabel = 'dev.rewind.stack';

/** Labels of docker compose, https://github.com/docker/compose/blob/main/pkg/api/labels.go */
export const composeLabel = (name: string): string => `com.docker.compose.${name}`;

/**
 * Adds the labels by which docker compose knows its containers, so that `docker compose ps|logs|exec` work on them.
 * The label with compose's version is left out: a newer compose must not replace every container.
 */
export function setupLabels(
  spec: ContainerSpec,
  context: MappingContext,
  { project, stack, hash }: { project: ComposeProject; stack: string; hash: string },
): void {
  const dependencies = Object.entries(context.definition.depends_on ?? {})
    .filter(([name]) => name in context.model.services)
    .map(([name, { condition, restart = false }]) => `${name}:${condition}:${restart}`)
    .sort();
  const labels: Record<string, string> = {
    [composeLabel('project')]: context.model.name,
    [composeLabel('service')]: context.service,
    [composeLabel('container-number')]: String(context.number),
    [composeLabel('oneoff')]: 'False',
    [composeLabel('config-hash')]: hash,
    [composeLabel('depends_on')]: dependencies.join(','),
    [composeLabel('project.working_dir')]: project.directory,
    [composeLabel('project.config_files')]: project.files.join(','),
    [stackLabel]: stack,
  };
  spec.labels.push(...Object.entries(labels).map(([label, value]) => ({ label, value })));
  spec.labels.sort((a, b) => (a.label < b.label ? -1 : 1));
}
