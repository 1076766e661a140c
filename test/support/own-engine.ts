import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { openSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { run } from '../../src/process';
import { eventually } from './docker';
import { argumentsOf, descendantsOf, isRunning } from './processes';

/** A Docker engine of its own: nobody else uses it, so that it can be killed. */
export class OwnEngine {
  readonly #folder: string;
  readonly #enter: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(folder: string, enter: readonly string[]) {
    this.#folder = folder;
    this.#enter = enter;
  }

  /**
   * Starts one. In the network of another engine it would take that one's bridge and rules away.
   *
   * @param enter - what comes before a command that is to run in its network. @default this process is in it
   * @returns why there can be none here, or the engine
   */
  static async start(name: string, enter: readonly string[] = []): Promise<OwnEngine | string> {
    const folder = await mkdtemp(join(tmpdir(), 'rewind-engine-'));
    const own = new OwnEngine(folder, enter);
    try {
      await own.begin();
      return own;
    } catch (error) {
      const log = await readFile(join(folder, 'log'), 'utf8').catch(() => '');
      await own.remove();
      return `${name}: ${String(error)}: ${log.trim().split('\n').slice(-3).join(' / ')}`;
    }
  }

  /** For DOCKER_HOST. */
  get host(): string {
    return `unix://${join(this.#folder, 'docker.sock')}`;
  }

  /** Starts it, or starts it again, and waits until it answers. */
  async begin(): Promise<void> {
    await mkdir(join(this.#folder, 'run'), { recursive: true });
    // A process that died, and of which the first process takes no notice, is taken for one that lives.
    for (const file of ['pid', 'run/containerd/containerd.pid']) await rm(join(this.#folder, file), { force: true });
    const log = openSync(join(this.#folder, 'log'), 'a');
    const [file, ...args] = [...this.#enter, 'dockerd'];
    this.#process = spawn(
      file,
      [
        ...args,
        `--host=${this.host}`,
        `--data-root=${join(this.#folder, 'data')}`,
        `--exec-root=${join(this.#folder, 'run')}`,
        `--pidfile=${join(this.#folder, 'pid')}`,
        '--cgroup-parent=rewind-tests',
      ],
      { stdio: ['ignore', log, log] },
    );
    await this.answers();
  }

  /**
   * Takes images over from another engine.
   *
   * @param from - its DOCKER_HOST. @default the one that Docker uses by itself
   */
  async take(images: readonly string[], from?: string): Promise<void> {
    const env = { ...process.env };
    delete env['DOCKER_HOST'];
    const save = spawn('docker', ['save', ...images], {
      env: { ...env, ...(from !== undefined && { DOCKER_HOST: from }) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const load = spawn('docker', ['load', '--quiet'], {
      env: { ...env, DOCKER_HOST: this.host },
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    const loaded = new Promise((resolve) => load.once('close', resolve));
    await pipeline(save.stdout, load.stdin);
    await loaded;
  }

  async answers(): Promise<void> {
    const ask = async (): Promise<boolean> => (await run(['docker', '--host', this.host, 'version'])).exitCode === 0;
    await eventually(ask, 'an answer of the engine', 30_000);
  }

  /** Ends it, by a signal, and starts it again after a while. */
  async restart(signal: NodeJS.Signals, seconds: number): Promise<void> {
    await this.#end(signal);
    await sleep(seconds * 1000);
    await this.begin();
  }

  async remove(): Promise<void> {
    await this.#end('SIGTERM');
    // Where it was killed, and did not start again, its containers are still there.
    for (const pid of this.#left()) for (const it of [pid, ...descendantsOf(pid)]) kill(it);
    const mounted = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
    for (const path of mounted.filter((it) => it.startsWith(this.#folder)).reverse()) await run(['umount', '-l', path]);
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Processes of its own that look after its containers. */
  #left(): number[] {
    const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? Number(name) : []));
    return all.filter((pid) => /^\S*containerd/.test(argumentsOf(pid)) && argumentsOf(pid).includes(this.#folder));
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const pid = this.#process?.pid;
    if (pid === undefined) return;
    this.#process!.kill(signal);
    await eventually(() => Promise.resolve(!isRunning(pid)), 'the end of the engine', 40_000);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended meanwhile
  }
}
