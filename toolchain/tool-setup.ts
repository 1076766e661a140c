import fs from 'node:fs';
import path from 'node:path';
import { keyOf, linkFile, makeFolder } from './artifacts';
import { BuildQueue } from './build-queue';
import { type Compose, findComposePlugin, obtainCompose } from './compose';
import { type Engine, inspectPulumi, obtainEngine } from './engine';
import { findExecutable, isExecutable } from './executables';
import { readBuilds } from './go-build';
import type { Cache } from './places';
import { obtainPlugins } from './plugins';
import { situationKey, type Tools, usersProgram, usersPulumiHome, writeStamp } from './ready-stamp';
import { composeRelease, mirrorUrl, pulumiRelease, type Release } from './releases';
import type { Step } from './steps';
import { versions } from './versions';

/** While one build is being linked, on one core, another compiles. */
const buildsAtATime = 2;

const engineStep = 'Pulumi engine';

/** Gets the engine, the plugins and docker compose, in steps. */
export class ToolSetup {
  readonly steps: readonly Step[];
  private readonly queue: BuildQueue;
  private engine: Engine | undefined;
  private compose: Compose | undefined;
  private pluginSummary = '';
  private releaseAnswer: Promise<Release | string> | undefined;

  /**
   * @param sources - the folder toolchain/
   * @param beforeCompose - names of steps that provide the docker command
   */
  constructor(
    private readonly cache: Cache,
    private readonly sources: string,
    beforeCompose: readonly string[],
  ) {
    this.queue = new BuildQueue(cache, readBuilds(sources), sources, buildsAtATime);
    this.steps = [
      { name: engineStep, run: (report, signal) => this.getEngine(report, signal) },
      { name: 'Pulumi plugins', after: [engineStep], run: (report, signal) => this.getPlugins(report, signal) },
      { name: 'docker compose', after: beforeCompose, run: (report, signal) => this.getCompose(report, signal) },
    ];
  }

  /** Puts what the steps got into one folder for PATH, and notes that all is ready. */
  async finish(): Promise<Tools> {
    const { engine, compose } = this;
    if (!engine || !compose) throw new TypeError('the steps have not been run');
    const programs = [...engine.programs, ...(compose.program === undefined ? [] : [compose.program])];
    const binDirs = programs.length === 0 ? [] : [await this.assemble(programs)];
    const [binDir] = binDirs;
    const own = this.own('pulumi');
    const tools: Tools = {
      pulumi: engine.source === 'path' ? own! : path.join(binDir!, 'pulumi'),
      binDirs,
      compose: compose.program === undefined ? compose.argv : [path.join(binDir!, path.basename(compose.program))],
      summary: [engine.summary, this.pluginSummary, compose.summary],
    };
    const files = [tools.pulumi, ...programs.map((program) => path.join(binDir!, path.basename(program)))];
    writeStamp(this.cache, situationKey(process.env, this.cache, this.sources), tools, files);
    return tools;
  }

  private async assemble(programs: readonly string[]): Promise<string> {
    const folder = path.join(this.cache.toolchains, keyOf(...programs));
    const bin = path.join(folder, 'bin');
    if (!programs.every((program) => isExecutable(path.join(bin, path.basename(program))))) {
      fs.rmSync(folder, { recursive: true, force: true });
    }
    await makeFolder(folder, (draft) => {
      for (const program of programs) linkFile(program, path.join(draft, 'bin', path.basename(program)));
    });
    return bin;
  }

  private async getEngine(report: (detail: string) => void, signal: AbortSignal): Promise<string> {
    const hasLanguageHost = this.own('pulumi-language-nodejs') !== undefined;
    const found = await inspectPulumi(this.own('pulumi'), hasLanguageHost, this.cache.pulumiHome);
    this.engine = await obtainEngine({
      cache: this.cache,
      found,
      release: () => this.release(),
      built: (name) => this.queue.built(name),
      build: (name) => this.queue.build(name, signal),
      report,
      signal,
    });
    return this.engine.summary;
  }

  private async getPlugins(report: (detail: string) => void, signal: AbortSignal): Promise<string> {
    const sources = await obtainPlugins({
      cache: this.cache,
      userHome: usersPulumiHome(process.env, this.cache),
      release: () => this.release(),
      mirror: mirrorUrl(process.env),
      pulumi: this.engine!.programs[0] ?? this.own('pulumi')!,
      built: (name) => this.queue.built(name),
      build: (name) => this.queue.build(name, signal),
      report,
      signal,
    });
    const from = { user: 'your own', download: 'downloaded', build: 'built from Go modules' } as const;
    this.pluginSummary = Object.entries(sources)
      .map(([plugin, source]) => `${plugin} ${versions[plugin as keyof typeof sources]} (${from[source]})`)
      .join(', ');
    return this.pluginSummary;
  }

  private async getCompose(report: (detail: string) => void, signal: AbortSignal): Promise<string> {
    this.compose = await obtainCompose({
      docker: findExecutable('docker', process.env['PATH']),
      plugin: findComposePlugin(process.env),
      cache: this.cache,
      release: () => composeRelease(process.env),
      built: (name) => this.queue.built(name),
      build: (name) => this.queue.build(name, signal),
      report,
      signal,
    });
    return this.compose.summary;
  }

  private own(program: string): string | undefined {
    return usersProgram(program, process.env, this.cache);
  }

  private release(): Promise<Release | string> {
    this.releaseAnswer ??= pulumiRelease(process.env);
    return this.releaseAnswer;
  }
}
