import path from 'node:path';
import { isExecutable } from './executables';
import { type Build, builtFolder, goBuild } from './go-build';
import type { Cache } from './places';

/** The programs of toolchain/builds.json: each is built at most once, and only a few at a time. */
export class BuildQueue {
  private readonly started = new Map<string, Promise<string>>();
  private readonly waiting: (() => void)[] = [];
  private free: number;

  /**
   * @param sources - the folder toolchain/
   * @param limit - builds at a time
   */
  constructor(
    private readonly cache: Cache,
    private readonly builds: readonly Build[],
    private readonly sources: string,
    limit: number,
  ) {
    this.free = limit;
  }

  /** The folder of a program if it has been built, now or by an earlier set-up. */
  built(name: string): string | undefined {
    const build = this.find(name);
    const folder = builtFolder(this.cache, build, this.sources);
    return isExecutable(path.join(folder, build.output)) ? folder : undefined;
  }

  /**
   * Builds a program.
   *
   * @param signal - ends the build
   * @returns its folder
   * @throws RewindError setup/engine
   */
  build(name: string, signal: AbortSignal): Promise<string> {
    const work = () => goBuild(this.cache, this.find(name), this.sources, signal);
    const running = this.started.get(name) ?? this.inTurn(work, signal);
    this.started.set(name, running);
    return running;
  }

  private async inTurn(work: () => Promise<string>, signal: AbortSignal): Promise<string> {
    if (this.free === 0) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.free--;
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free++;
    }
  }

  private find(name: string): Build {
    const build = this.builds.find((one) => one.name === name);
    if (!build) throw new TypeError(`toolchain/builds.json has no build named ${name}`);
    return build;
  }
}
