import { shellWord } from '../shell-word';

/** What a schedule is written for. */
export const schedulers = ['cron', 'systemd', 'compose'] as const;
export type Scheduler = (typeof schedulers)[number];

/** How often a drill is run. */
export const frequencies = ['daily', 'weekly', 'monthly', 'quarterly'] as const;
export type Frequency = (typeof frequencies)[number];

/** What is needed to run a drill from elsewhere. */
export interface ScheduleOptions {
  /** Folder of Pulumi.yaml. */
  readonly directory: string;
  readonly stack: string;
  readonly every: Frequency;
}

/** At 03:17 on a working day: https://man7.org/linux/man-pages/man5/crontab.5.html */
const cronTimes: Readonly<Record<Frequency, string>> = {
  daily: '17 3 * * *',
  weekly: '17 3 * * 2',
  monthly: '17 3 2 * *',
  quarterly: '17 3 2 1,4,7,10 *',
};

/** https://www.freedesktop.org/software/systemd/man/latest/systemd.time.html */
const calendars: Readonly<Record<Frequency, string>> = {
  daily: '*-*-* 03:17',
  weekly: 'Tue *-*-* 03:17',
  monthly: '*-*-02 03:17',
  quarterly: '*-01,04,07,10-02 03:17',
};

const seconds: Readonly<Record<Frequency, number>> = {
  daily: 86_400,
  weekly: 7 * 86_400,
  monthly: 30 * 86_400,
  quarterly: 91 * 86_400,
};

/** A schedule as text, to be put where it belongs. */
export function scheduleText(scheduler: Scheduler, options: ScheduleOptions): string {
  const { directory, stack, every } = options;
  const command = `npx rewind drill --stack ${shellWord(stack)}`;
  switch (scheduler) {
    case 'cron':
      // A percent sign ends the command in a crontab.
      return `# crontab -e\n${cronTimes[every]} cd ${shellWord(directory).replaceAll('%', '\\%')} && ${command}\n`;
    case 'systemd':
      return `# /etc/systemd/system/rewind-drill.service
[Unit]
Description=Practise the rollback of ${stack}
After=docker.service

[Service]
Type=oneshot
WorkingDirectory=${directory.replaceAll('%', '%%')}
ExecStart=/usr/bin/env npx rewind drill --stack ${stack}

# /etc/systemd/system/rewind-drill.timer
[Unit]
Description=Practise the rollback of ${stack}, ${every}

[Timer]
OnCalendar=${calendars[every]}
Persistent=true

[Install]
WantedBy=timers.target

# systemctl enable --now rewind-drill.timer
`;
    case 'compose':
      return `# A service for a compose file of its own: it needs the engine and this folder, and nothing of the stack.
services:
  drill:
    image: node:20
    working_dir: ${JSON.stringify(directory)}
    entrypoint: [sh, -c, 'while sleep ${seconds[every]}; do npx rewind drill --stack ${stack}; done']
    restart: unless-stopped
    volumes:
      - ${JSON.stringify(`${directory}:${directory}`)}
      - /var/run/docker.sock:/var/run/docker.sock
`;
  }
}
