import { type ChildProcess, spawn } from 'node:child_process';

/**
 * A network namespace with nothing but its own loopback, which lasts no longer than this process:
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
    // Its standard input ends with this process, however that ends.
    const script = 'ip link set lo up && echo made && exec cat';
    const holder = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
    return new Promise((resolve) => {
      const refuse = (): void => {
        resolve(undefined);
      };
      holder.once('error', refuse).once('close', refuse);
      holder.stdout.once('data', () => {
        resolve(new OwnNetwork(holder));
      });
    });
  }

  remove(): void {
    this.#holder.kill('SIGKILL');
  }
}
