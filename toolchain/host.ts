import fs from 'node:fs';

/** What decides how Docker can be installed and started on a machine. */
export interface Host {
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
  /** `ID` and `ID_LIKE` of /etc/os-release, such as `ubuntu`, `debian`; empty elsewhere. */
  readonly distributions: readonly string[];
  /** `PRETTY_NAME` of /etc/os-release, or the platform. */
  readonly name: string;
  readonly hasSystemd: boolean;
  /** Whether there is a System V init script for Docker. */
  readonly hasInitScript: boolean;
}

/** Looks at the machine this runs on. */
export function thisHost(): Host {
  const release = readOsRelease();
  return {
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    distributions: [release['ID'] ?? '', ...(release['ID_LIKE'] ?? '').split(' ')].filter((id) => id !== ''),
    name: release['PRETTY_NAME'] ?? process.platform,
    // The folder that systemd's own sd_booted() looks for.
    hasSystemd: fs.existsSync('/run/systemd/system'),
    hasInitScript: fs.existsSync('/etc/init.d/docker'),
  };
}

/** Whether packages are installed with apt-get. */
export function isDebianLike(host: Host): boolean {
  return host.platform === 'linux' && host.distributions.some((id) => id === 'debian' || id === 'ubuntu');
}

function readOsRelease(): Record<string, string> {
  try {
    return parseOsRelease(fs.readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return {};
  }
}

/** Reads the lines `KEY=value` of /etc/os-release; values may be quoted. */
export function parseOsRelease(text: string): Record<string, string> {
  const entries = text.split('\n').flatMap((line) => {
    const match = /^([A-Z_0-9]+)=(["']?)(.*)\2$/.exec(line.trim());
    return match ? [[match[1]!, match[3]!] as const] : [];
  });
  return Object.fromEntries(entries);
}
