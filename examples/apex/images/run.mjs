import { spawn } from 'node:child_process';

/**
 * Runs a program to its end.
 *
 * @param {string[]} argv program and arguments
 * @param {object} [options]
 * @param {AbortSignal} [options.signal] ends the program
 * @param {(line: string) => void} [options.onLine] each line of its output as it comes
 * @param {Record<string, string>} [options.env] added to the environment
 * @param {string} [options.cwd] working directory
 * @param {string} [options.input] its standard input; none by default
 * @param {number} [options.timeoutMs] after this it is ended. @default no limit
 * @returns {Promise<{code: number|null, stdout: string, tail: string, missing: boolean, timedOut: boolean}>}
 *   tail: the last 30 lines of both streams; missing: no such program on the PATH
 */
export function run(argv, { signal, onLine = () => {}, env, cwd, input, timeoutMs } = {}) {
  return new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), {
      env: { ...process.env, ...env },
      cwd,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      // A group of its own, ended as a whole: mmdebstrap alone would wait for what it started.
      detached: true,
    });
    let stdout = '';
    let timedOut = false;
    const lines = [];
    const kill = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      } catch {
        // It has ended by itself meanwhile.
      }
    };
    const timer = timeoutMs && setTimeout(() => ((timedOut = true), kill()), timeoutMs);
    if (signal?.aborted) kill();
    signal?.addEventListener('abort', kill, { once: true });

    const follow = (stream, collect) => {
      let rest = '';
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        if (collect) stdout += text;
        const parts = (rest + text).split(/[\r\n]+/);
        rest = parts.pop();
        parts.forEach(take);
      });
      stream.on('end', () => rest && take(rest));
    };
    const take = (line) => {
      if (line.trim() === '') return;
      lines.push(line);
      if (lines.length > 30) lines.shift();
      onLine(line);
    };
    follow(child.stdout, true);
    follow(child.stderr, false);
    child.stdin?.on('error', () => {}); // it may end before it has read everything: its exit code tells
    child.stdin?.end(input);

    const finish = (code, missing) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', kill);
      resolve({ code, stdout, tail: lines.join('\n'), missing, timedOut });
    };
    child.on('error', (failure) => {
      lines.push(failure.message);
      finish(null, failure.code === 'ENOENT');
    });
    child.on('close', (code) => finish(code, false));
  });
}
