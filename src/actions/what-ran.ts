import type Docker from 'dockerode';

import { stackLabel } from '../container/labels';
import { connect } from '../docker/engine';

/** The containers of a stack that ran at one time. */
export class WhatRan {
  readonly #docker: Docker;
  readonly #ids: readonly string[];

  private constructor(docker: Docker, ids: readonly string[]) {
    this.#docker = docker;
    this.#ids = ids;
  }

  /**
   * Those that run now.
   *
   * @param stack - name of the stack, as its containers are labelled with it
   * @throws RewindError docker/unreachable
   */
  static async now(stack: string): Promise<WhatRan> {
    const { docker } = await connect();
    const running = await docker.listContainers({ filters: { label: [`${stackLabel}=${stack}`] } });
    return new WhatRan(
      docker,
      running.map((container) => container.Id),
    );
  }

  /**
   * Starts those that have stopped since: Pulumi takes a container that it has not changed for one that runs. One that is
   * gone is made anew by the update, and one that does not start is told of by it.
   */
  async startAgain(): Promise<void> {
    await Promise.allSettled(this.#ids.map((id) => this.#docker.getContainer(id).start()));
  }
}
