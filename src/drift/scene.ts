import type Docker from 'dockerode';

import type { StackState } from '../automation/checkpoint';
import type { ComposeProject } from '../compose/load';
import type { EngineFacts } from '../container/mapping';
import type { ContainerSpec, ServicePlan } from '../container/spec';
import type { Inventory } from '../docker/inventory';
import type { Compared } from '../releases/compare';
import type { ReleaseRecord } from '../releases/record';
import type { SealedRelease } from '../releases/sealed';
import type { ConfigSection } from '../releases/stack-config';
import type { StackSettings } from '../settings';
import type { EngineDefaults } from './engine-defaults';
import type { EngineEvents } from './events';
import type { ImageConfig } from './image-config';
import type { Inspected } from './live-form';

/** Everything that was read, once, for all that looks for differences. */
export interface Scene {
  /** `project/stack` of Pulumi. */
  readonly stack: string;
  readonly docker: Docker;
  readonly facts: EngineFacts;
  readonly defaults: EngineDefaults;
  readonly inventory: Inventory;
  /** The newest release: what is to run. */
  readonly record: ReleaseRecord;
  /** Its compose project, as the files had it. */
  readonly source: ComposeProject;
  /** The same with its settings laid over it. */
  readonly released: Compared;
  readonly settings: StackSettings;
  /** Its configuration files, by their source. */
  readonly files: SealedRelease['files'];
  readonly plans: readonly ServicePlan[];
  /** Containers by name: those that are planned, and those of the project. */
  readonly inspected: ReadonlyMap<string, Inspected>;
  /** Images of the release, by ID. Lacks those that are gone. */
  readonly images: ReadonlyMap<string, ImageConfig>;
  /** What the stack's state says; undefined if it could not be read. */
  readonly state: StackState | undefined;
  readonly events: EngineEvents;
  /** Secret values that must not be shown: those of the release, and of the environment of what runs. */
  readonly secrets: ReadonlySet<string>;
  /** The stack configuration as it is today. */
  readonly today: ConfigSection;
  /** Whether somebody is at work on the stack: what is in the middle of its way is no difference. */
  readonly isUnderWay: boolean;
}

/** A planned container with the service that it belongs to. */
export interface PlannedContainer {
  readonly service: string;
  readonly plan: ServicePlan;
  readonly spec: ContainerSpec;
}

/** All containers that are planned. */
export function plannedContainers({ plans }: Pick<Scene, 'plans'>): PlannedContainer[] {
  return plans.flatMap((plan) => plan.containers.map((spec) => ({ service: plan.service, plan, spec })));
}

/** Types of the provider's resources. */
export const resourceTypes = {
  container: 'docker:index/container:Container',
  network: 'docker:index/network:Network',
  volume: 'docker:index/volume:Volume',
} as const;

/** ID that the state has for a resource. */
export function idInState(
  { state }: Pick<Scene, 'state'>,
  kind: keyof typeof resourceTypes,
  name: string,
): string | undefined {
  return state?.resources.find((resource) => resource.type === resourceTypes[kind] && resource.name === name)?.id;
}

/** A container's name without the project's in front, as its service and number: `api-1`. */
export function shortName({ record: { project } }: Pick<Scene, 'record'>, name: string): string {
  return name.startsWith(`${project}-`) || name.startsWith(`${project}_`) ? name.slice(project.length + 1) : name;
}
