import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * A network namespace with nothing but its own loopback, which lasts as long as the process that was started for it:
 * https://man7.org/linux/man-pages/man7/network_namespaces.7.html
 */
export class OwnNetwork {
  /** What comes before a command that is to run in it. */
  readonly enter: readonly string[];
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
    this.enter = ['nsenter', `--net=/proc/${holder.pid}/ns/net`];
  }

  /** @returns undefined where this process may not make one */
  static async make(): Promise<OwnNetwork | undefined> {
    const script = 'ip link set lo up && echo made && exec sleep infinity';
    const holder = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    const isMade = await Promise.race([
      once(holder.stdout, 'data').then(() => true),
      once(holder, 'close').then(() => false),
      once(holder, 'error').then(() => false),
    ]);
    return isMade ? new OwnNetwork(holder) : undefined;
  }

  remove(): void {
    this.#holder.kill('SIGKILL');
  }
}
