import type { ComposeProject } from '../../src/compose/load';
import type { ComposeModel, ComposeService } from '../../src/compose/model';
import type { EngineFacts, ImageFacts } from '../../src/container/mapping';
import { type PlanInput, planProject, type ProjectPlan } from '../../src/container/plan';
import { projectSecrets } from '../../src/container/project-secrets';
import type { ContainerSpec } from '../../src/container/spec';

/** A model as docker compose would print it, of these services. */
export function modelOf(
  services: Readonly<Record<string, ComposeService>>,
  rest: Partial<ComposeModel> = {},
): ComposeModel {
  return { name: 'shop', services, networks: {}, volumes: {}, configs: {}, secrets: {}, ...rest };
}

/** A project of these services, in a folder that does not exist. */
export function projectOf(
  services: Readonly<Record<string, ComposeService>>,
  rest: Partial<ComposeModel> = {},
  more: Partial<ComposeProject> = {},
): ComposeProject {
  return {
    model: modelOf(services, rest),
    files: ['/srv/shop/compose.yaml'],
    directory: '/srv/shop',
    environment: {},
    secretVariables: {},
    warnings: [],
    options: ['--file', '/srv/shop/compose.yaml'],
    ...more,
  };
}

/** The engine that plans are made for, unless a test says otherwise. */
export const engineFacts: EngineFacts = {
  apiVersion: '1.41',
  swapLimit: true,
  local: true,
  platform: 'linux/amd64',
  ipv6: false,
};

/** The image that services have, unless a test says otherwise. */
export const imageFacts: ImageFacts = { id: `sha256:${'a'.repeat(64)}`, volumes: [] };

/** What a test may change about the planning of a project. */
export type PlanChanges = Partial<PlanInput> & {
  /** The image of every service. */
  readonly image?: ImageFacts;
  /** Secret environment variables, by service. */
  readonly declared?: Readonly<Record<string, Readonly<Record<string, string>>>>;
};

/** The plan of a project. */
export function planOf(
  project: ComposeProject,
  { image = imageFacts, declared = {}, ...changes }: PlanChanges = {},
): ProjectPlan {
  return planProject({
    project,
    engine: engineFacts,
    images: new Map(Object.keys(project.model.services).map((service) => [service, image])),
    kept: new Map(),
    stack: 'shop/dev',
    shown: {},
    hidden: Object.fromEntries(Object.entries(declared).map(([name, values]) => [name, Object.keys(values)])),
    secrets: projectSecrets(project, declared),
    ...changes,
  });
}

/** The container of a service `api` with these keys. Fails if the plan has problems. */
export function containerOf(
  keys: ComposeService,
  rest: Partial<ComposeModel> = {},
  changes: PlanChanges = {},
): ContainerSpec {
  const plan = planOf(projectOf({ api: { image: 'api:1', ...keys } }, rest), changes);
  if (plan.problems.length > 0) throw new Error(plan.problems.map((problem) => problem.message).join('\n'));
  return plan.services[0]!.containers[0]!;
}

/** What is refused about a service `api` with these keys: message and code of each problem. */
export function refusalsOf(
  keys: ComposeService,
  rest: Partial<ComposeModel> = {},
  changes: PlanChanges = {},
): { message: string; code: string }[] {
  const plan = planOf(projectOf({ api: { image: 'api:1', ...keys } }, rest), changes);
  return plan.problems.map(({ message, code }) => ({ message, code }));
}
