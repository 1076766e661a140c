import type Docker from 'dockerode';

/** What the engine is to say of a container. */
export interface ContainerState {
  readonly status: 'running' | 'exited' | 'starting';
  /** @default 0 */
  readonly exitCode?: number;
  /** @default nothing */
  readonly logs?: string;
}

/** An engine on which containers are what a test says they are; at first, all are starting. */
export class FakeContainers {
  readonly #states = new Map<string, ContainerState>();
  /** IDs of the containers that were looked at. */
  readonly looked = new Set<string>();
  /** Limits that were set, by ID. */
  readonly updated: Record<string, unknown> = {};

  /** Says what a container is from now on. */
  set(id: string, state: ContainerState): void {
    this.#states.set(id, state);
  }

  /** The engine as code under test takes it. */
  get docker(): Docker {
    return {
      getContainer: (id: string) => ({
        inspect: () => {
          this.looked.add(id);
          const { status, exitCode = 0 } = this.#states.get(id) ?? { status: 'starting' };
          return Promise.resolve({
            State: {
              Status: status === 'starting' ? 'created' : status,
              ExitCode: exitCode,
              // Whatever ends has been started by the test.
              StartedAt: new Date(status === 'exited' ? Date.now() : 0).toISOString(),
            },
            RestartCount: 0,
            HostConfig: { RestartPolicy: { Name: 'always' } },
            Config: {},
          });
        },
        update: (limits: unknown) => {
          this.updated[id] = limits;
          return Promise.resolve();
        },
        logs: () => Promise.resolve(Buffer.from(this.#states.get(id)?.logs ?? '')),
      }),
    } as unknown as Docker;
  }
}
