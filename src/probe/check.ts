import type Docker from 'dockerode';

/** The result of running a health check once. */
export interface CheckResult {
  readonly ok: boolean;
  readonly exitCode: number | undefined;
  /** What the check printed, cut to its last 2,000 characters. */
  readonly output: string;
}

const longestOutput = 2000;

/** The words of a compose or image health check as a command, or undefined if it is disabled. */
export function checkCommand(test: readonly string[] | undefined): string[] | undefined {
  if (!test || test.length === 0 || test[0] === 'NONE') return undefined;
  if (test[0] === 'CMD-SHELL') return ['/bin/sh', '-c', test[1] ?? ''];
  return test[0] === 'CMD' ? test.slice(1) : [...test];
}

/** Runs a command in a container, as Docker runs a health check: as the container's user, in its environment. */
export async function runInContainer(
  container: Docker.Container,
  command: readonly string[],
  timeoutMs: number,
): Promise<CheckResult> {
  const exec = await container.exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({ hijack: true, stdin: false });
  const chunks: Buffer[] = [];
  const ended = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => {
      resolve(false);
    }, timeoutMs);
    const finish = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', finish).on('close', finish).on('error', finish);
  });
  stream.destroy();
  const output = withoutFrames(Buffer.concat(chunks)).slice(-longestOutput).trim();
  if (!ended) return { ok: false, exitCode: undefined, output: `${output}\n(no result within ${timeoutMs} ms)`.trim() };
  const { ExitCode } = await exec.inspect();
  return { ok: ExitCode === 0, exitCode: ExitCode ?? undefined, output };
}

/** Takes the 8-byte headers out of a multiplexed stream of stdout and stderr. */
export function withoutFrames(data: Buffer): string {
  // Format: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
  if (!startsFrame(data)) return data.toString('utf8'); // a terminal's output has no frames
  const parts: Buffer[] = [];
  let at = 0;
  while (at + 8 <= data.length) {
    const length = data.readUInt32BE(at + 4);
    parts.push(data.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(parts).toString('utf8');
}

function startsFrame(data: Buffer): boolean {
  return data.length >= 8 && data[0]! <= 2 && data.readUIntBE(1, 3) === 0;
}
