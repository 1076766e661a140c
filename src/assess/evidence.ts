import type { LiveService } from '../verify/live-service';

/** How much of what it is given a container uses. */
export interface Usage {
  /** Part of the processors that it may use, 0 to 1, over about a second. */
  readonly cpu: number;
  /** Part of that time, 0 to 1, in which it had used up what it may, and was held back by the kernel. */
  readonly throttled: number;
  /** Bytes, without what the kernel could take back at once. */
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
}

/** What an engine has told of a container in the last minutes. */
export interface ContainerEvents {
  /** Times, in milliseconds since 1970, at which its process ended. */
  readonly ends: readonly number[];
  readonly outOfMemory: readonly number[];
}

/** What a service answers. */
export interface Samples {
  readonly asked: number;
  /** No answer, or one that says that the service has failed (500 and above). */
  readonly failed: number;
  /** Milliseconds of each answer. */
  readonly times: readonly number[];
  /** What was wrong with the last one that failed. */
  readonly why?: string;
}

/** A disk that the stack writes to. */
export interface DiskUse {
  /** `the store`, `the database`. */
  readonly what: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** The database of a stack, as far as it can be looked at. */
export interface DatabaseEvidence {
  readonly service: string;
  /** Why it cannot be reached. @default it can */
  readonly unreachable?: string;
  readonly revisions?: readonly string[];
  /** One hash over every object of the schema. */
  readonly fingerprint?: string;
  /** The same as the release has left it. @default it has not looked */
  readonly released?: string;
  /** Indexes that a migration has begun to build and not finished. */
  readonly invalidIndexes?: readonly string[];
  /** Migrations that the running image of the application has as its newest. @default it could not be asked */
  readonly heads?: readonly string[];
  /** Whether that image knows of the revision of the database. */
  readonly isKnown?: boolean;
  /** SQL checks that fail, with why. */
  readonly failedChecks?: readonly string[];
}

/** What a release has left of one service. */
export interface ExpectedService {
  readonly image: string;
  readonly imageId: string;
  readonly containers: number;
}

/** What differs between the release that runs and the last good one before it. */
export interface ReleaseChange {
  /** `r3`. */
  readonly before: string;
  readonly images: readonly string[];
  readonly configuration: readonly string[];
  readonly database: boolean;
}

/** Everything that is known of a stack at one moment. */
export interface Evidence {
  readonly now: number;
  readonly services: ReadonlyMap<string, LiveService>;
  /** By service; a service of the stack that the release does not know is none. */
  readonly expected: Readonly<Record<string, ExpectedService>>;
  /** When the running release was done, in milliseconds since 1970. */
  readonly releasedAt: number;
  /** `r4`. */
  readonly release: string;
  /** @default there is no release to go back to */
  readonly change?: ReleaseChange;
  /** By container ID. */
  readonly usage: ReadonlyMap<string, Usage>;
  readonly events: ReadonlyMap<string, ContainerEvents>;
  readonly logs: ReadonlyMap<string, readonly string[]>;
  /** By service. */
  readonly samples: ReadonlyMap<string, Samples>;
  readonly database?: DatabaseEvidence;
  readonly disks: readonly DiskUse[];
  /** Whatever was interrupted and not brought to its end, in words. */
  readonly interrupted: readonly string[];
  /** A security problem that somebody has declared. */
  readonly security?: string;
  /** Secrets that it concerns, as `rewind revert --rotate` takes them. @default none */
  readonly leaked?: readonly string[];
}
