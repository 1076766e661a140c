import { setTimeout as sleep } from 'node:timers/promises';

import type Docker from 'dockerode';

import { stackLabel } from '../container/labels';
import { connect } from '../docker/engine';
import { freePorts, publishedBy } from '../docker/free-ports';

/** For so long an engine is waited for that does not answer. */
const patienceMs = 30_000;

/** The containers of a stack that ran at one time. */
export class WhatRan {
  readonly #docker: Docker;
  readonly #stack: string;
  readonly #ids: readonly string[];

  private constructor(docker: Docker, stack: string, ids: readonly string[]) {
    this.#docker = docker;
    this.#stack = stack;
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
      stack,
      running.map((container) => container.Id),
    );
  }

  /**
   * Starts those that have stopped since: Pulumi takes a container that it has not changed for one that runs. One that is
   * gone is made anew by the update, and one that does not start is told of by it. A port that has moved from one to a
   * container which came later moves back. An engine that is being restarted is waited for.
   */
  async startAgain(): Promise<void> {
    for (const end = Date.now() + patienceMs; !(await this.#isThere()) && Date.now() < end;) await sleep(200);
    await Promise.allSettled(this.#ids.map((id) => this.#start(this.#docker.getContainer(id))));
  }

  async #start(container: Docker.Container): Promise<void> {
    const info = await container.inspect();
    if (info.State.Running) return;
    await freePorts(this.#docker, publishedBy(info), this.#stack);
    await container.start();
  }

  #isThere(): Promise<boolean> {
    return this.#docker.ping().then(
      () => true,
      () => false,
    );
  }
}
