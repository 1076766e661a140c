import { type Command, Option } from 'commander';

import { type WatchServiceKind, watchServices, watchServiceText } from '../../src/drift/watch-service';
import { RewindError } from '../../src/errors';
import { duration } from '../after-options';
import { watchForDrift } from '../drift-watch';
import { openSession, type StackOptions } from '../session';
import { stackCommand } from '../stack-command';

interface WatchOptions extends StackOptions {
  readonly interval: number;
  readonly port: number | 'off';
  readonly fix?: true | readonly string[];
  readonly print?: WatchServiceKind;
}

/** `rewind watch`: stays, and tells when what differs from the newest release is another. */
export function register(program: Command): void {
  stackCommand(
    program,
    'watch',
    'stay and watch for drift: at once when the engine does something, at intervals for the rest; tells of changes only',
    [
      'rewind watch                                   # until Ctrl-C; tells whom rewind:notify names',
      'rewind watch --interval 5m --fix containers    # puts containers right by itself',
      'rewind watch --print systemd                   # a unit that keeps it running',
    ],
  )
    .addOption(
      new Option('--interval <time>', 'from one look at everything to the next')
        .argParser(duration)
        .default(60_000, '60s'),
    )
    .addOption(
      new Option('--port <number>', 'where /metrics and /healthz answer, on 127.0.0.1 only; 0 for any, off for none')
        .argParser(portOf)
        .default(9469),
    )
    .option('--fix [what...]', 'put it right by itself, as rewind drift --fix does; each finding once in ten minutes')
    .addOption(new Option('--print <service>', 'print what keeps it running, and do nothing').choices(watchServices))
    .action(async (options: WatchOptions) => {
      const session = await openSession(options);
      const { interval, port, fix, print } = options;
      const { directory, stack } = session.context;
      if (print !== undefined) {
        const named = Array.isArray(fix) ? (fix as readonly string[]) : [];
        const more = [
          ...(port === 9469 ? [] : ['--port', String(port)]),
          ...(fix === undefined ? [] : ['--fix', ...named]),
        ];
        process.stdout.write(watchServiceText(print, { directory, stack, intervalMs: interval, more }));
        return;
      }
      await watchForDrift(session, {
        intervalMs: interval,
        json: options.json ?? false,
        ...(port !== 'off' && { port }),
        ...(fix !== undefined && { fix: Array.isArray(fix) ? (fix as readonly string[]) : [] }),
      });
    });
}

function portOf(text: string): number | 'off' {
  if (text === 'off') return 'off';
  const port = /^\d+$/.test(text) ? Number(text) : NaN;
  if (port <= 65_535) return port;
  throw new RewindError({
    code: 'cli/usage',
    message: `"${text}" is no port.`,
    fix: 'Give a number up to 65535, 0 for any that is free, or off.',
  });
}
