import type { ErrorCode } from '../errors';
import type { ComposeModel, ComposeService } from '../compose/model';
import type { KeptFile } from '../store/files';
import type { ContainerSpec, LiveLimits } from './spec';

/** What the mapping has to know about the engine. */
export interface EngineFacts {
  /** Version of the engine's API, e.g. `1.41`. */
  readonly apiVersion: string;
  /** Whether the kernel can limit swap; without it the engine reads a memory limit back with swap -1. */
  readonly swapLimit: boolean;
  /** Whether the engine runs on this machine, so that it sees the same files. */
  readonly local: boolean;
  /** `os/architecture`, e.g. `linux/amd64`. */
  readonly platform: string;
  /** Whether the engine publishes ports on IPv6 too. */
  readonly ipv6: boolean;
}

/** What an image brings along that matters to its containers. */
export interface ImageFacts {
  readonly id: string;
  /** Paths that the image declares as VOLUME. */
  readonly volumes: readonly string[];
  /** The image's own entrypoint. @default none */
  readonly entrypoint?: readonly string[];
  /** The image's own health check. @default none */
  readonly healthcheck?: ImageHealthcheck;
}

/** A health check as an image has it. A container takes from it whatever its own leaves out. */
export interface ImageHealthcheck {
  /** `["CMD-SHELL", …]`. */
  readonly test?: readonly string[];
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly startPeriodMs?: number;
  readonly startIntervalMs?: number;
  readonly retries?: number;
}

/** Everything a key's mapping may look at or report to. */
export interface MappingContext {
  readonly service: string;
  readonly definition: ComposeService;
  readonly model: ComposeModel;
  readonly engine: EngineFacts;
  /** Undefined in a preview while the image still has to be pulled or built. */
  readonly image: ImageFacts | undefined;
  /** Number of the container within its service, from 1. */
  readonly number: number;
  readonly containerName: string;
  /** Secret values anywhere in the model: text that contains one is masked. */
  readonly secrets: ReadonlySet<string>;
  /** Environment keys of this service that were declared harmless. */
  readonly shown: readonly string[];
  /** Environment keys of this service whose values are secret by declaration. */
  readonly hidden: readonly string[];
  /** Configuration files in the store, by absolute path of their source. */
  readonly kept: ReadonlyMap<string, KeptFile>;
  /** Values of variables that configs and secrets come from. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: LiveLimits;
  readonly readBackDiffers: Set<string>;
  /** Reports that a key, or a value of it, cannot be carried over. */
  readonly refuse: (key: string, why: string, fix: string, code?: ErrorCode) => void;
  /** Reports that a key has no effect here, and why that is harmless. */
  readonly warn: (key: string, why: string) => void;
}

/** How one key of a compose service is carried over. docs/compose-support.md is generated from these. */
export interface KeyMapping {
  readonly key: string;
  /**
   * - carried: the container has it as `docker compose up` would give it
   * - partly: most values are; the note names those that are refused
   * - composed: docker compose or Rewind has acted on it before a container is made
   * - harmless: has no effect on a container; a warning where somebody could expect one
   * - refused: an error, because the Docker provider cannot express it
   */
  readonly support: 'carried' | 'partly' | 'composed' | 'harmless' | 'refused';
  /** Provider property, or what acts on the key. */
  readonly to: string;
  readonly note?: string;
  // The value's shape is what docker compose prints for this key; each mapping declares it for itself.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly apply?: (value: any, spec: ContainerSpec, context: MappingContext) => void;
}

/** Compares Docker API versions, e.g. `1.41` with `1.44`. */
export function apiAtLeast(engine: EngineFacts, version: string): boolean {
  const [a, b] = [engine.apiVersion, version].map((v) => v.split('.').map(Number));
  return a![0]! !== b![0]! ? a![0]! > b![0]! : (a![1] ?? 0) >= (b![1] ?? 0);
}
