import type Docker from 'dockerode';

import { execInContainer } from '../docker/exec';
import { RewindError } from '../errors';
import { readLiveServices } from '../verify/live-service';
import type { CacheSettings } from './settings';

/** The cache of a stack. */
export class Cache {
  readonly #docker: Docker;
  readonly #stack: string;
  readonly #settings: CacheSettings;

  /** @param stack - `project/stack` of Pulumi */
  constructor(docker: Docker, stack: string, settings: CacheSettings) {
    this.#docker = docker;
    this.#stack = stack;
    this.#settings = settings;
  }

  get service(): string {
    return this.#settings.service;
  }

  /** What empties it, in words. */
  get command(): string {
    return this.#settings.flush.join(' ');
  }

  /**
   * What is in it, in its own words.
   *
   * @throws RewindError service/not-ready
   */
  async content(): Promise<string> {
    return (await this.#run(this.#settings.show)).trim();
  }

  /**
   * Empties it.
   *
   * @throws RewindError service/not-ready
   */
  async flush(): Promise<void> {
    await this.#run(this.#settings.flush);
  }

  async #run(argv: readonly string[]): Promise<string> {
    const { service } = this.#settings;
    const live = (await readLiveServices(this.#docker, this.#stack)).get(service);
    const running = live?.containers.find(({ State: { Running: is } }) => is);
    if (!running) throw this.#problem(live ? 'does not run' : 'is no service of the stack');
    const { exitCode, stdout, stderr } = await execInContainer(this.#docker.getContainer(running.Id), { argv });
    // redis-cli says what went wrong where it says what went well.
    if (exitCode === 0 && !/^\(error\)|^(ERR|NOAUTH|NOPERM|WRONGPASS|READONLY)\b/m.test(stdout)) return stdout;
    throw this.#problem(`does not do "${argv.join(' ')}": ${`${stderr}${stdout}`.trim() || `exit code ${exitCode}`}`);
  }

  #problem(why: string): RewindError {
    return new RewindError({
      code: 'service/not-ready',
      message: `The cache ${this.#settings.service} ${why}.`,
      fix: 'Correct rewind:cache, or restart without --flush-cache.',
    });
  }
}
