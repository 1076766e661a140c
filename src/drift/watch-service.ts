import { shellWord } from '../shell-word';

/** What a watch is written for. */
export const watchServices = ['compose', 'systemd', 'cron'] as const;
export type WatchServiceKind = (typeof watchServices)[number];

/** What is needed to watch a stack from elsewhere. */
export interface WatchServiceOptions {
  /** Folder of Pulumi.yaml. */
  readonly directory: string;
  readonly stack: string;
  /** From one look at everything to the next, in milliseconds. */
  readonly intervalMs: number;
  /** Further arguments of `rewind watch`: `['--fix', 'containers']`. */
  readonly more: readonly string[];
}

/** What keeps a stack watched, as text, to be put where it belongs. */
export function watchServiceText(kind: WatchServiceKind, options: WatchServiceOptions): string {
  const { directory, stack, intervalMs, more } = options;
  const seconds = Math.max(1, Math.round(intervalMs / 1000));
  const words = ['npx', 'rewind', 'watch', '--stack', stack, '--interval', `${seconds}s`, ...more];
  const title = `Watch ${stack} for drift`;
  switch (kind) {
    case 'cron': {
      const minutes = Math.max(1, Math.round(seconds / 60));
      const every = minutes < 60 ? `*/${minutes} * * * *` : '0 * * * *';
      const look = `npx rewind drift --stack ${shellWord(stack)}`;
      // Cron sends what a command prints: nothing, unless something differs or the look itself fails.
      return `# crontab -e
${every} cd ${shellWord(directory).replaceAll('%', '\\%')} && out=$(${look} 2>&1) || echo "$out"
`;
    }
    case 'systemd':
      return `# /etc/systemd/system/rewind-watch.service
[Unit]
Description=${title}
After=docker.service
Wants=docker.service

[Service]
WorkingDirectory=${directory.replaceAll('%', '%%')}
ExecStart=/usr/bin/env ${words.map((word) => systemdWord(word)).join(' ')}
# PULUMI_CONFIG_PASSPHRASE_FILE and the like
EnvironmentFile=-/etc/rewind/watch.env
Restart=always
RestartSec=10

[Install]
WantedBy=multi-user.target

# systemctl enable --now rewind-watch
`;
    case 'compose':
      return `# A service for a compose file of its own. It shares the host's network, so that its metrics are on the host's loopback
# alone, and the host's processes and name, so that it knows whether who holds the stack's lock is alive.
services:
  watch:
    image: node:20
    working_dir: ${JSON.stringify(directory)}
    command: ${JSON.stringify(words)}
    network_mode: host
    pid: host
    uts: host
    restart: unless-stopped
    environment:
      PULUMI_CONFIG_PASSPHRASE_FILE:
    volumes:
      - ${JSON.stringify(`${directory}:${directory}`)}
      - /var/run/docker.sock:/var/run/docker.sock
`;
  }
}

/** https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html#Command%20lines */
function systemdWord(word: string): string {
  const escaped = word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w./,@:%$-]+$/.test(word) ? escaped : `"${escaped}"`;
}
