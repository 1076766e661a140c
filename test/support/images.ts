import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { run } from '../../src/process';

const exec = promisify(execFile);

/** Images of the compose fixtures: a few programs of Busybox, made from Debian's package without any registry. */
export const boxImages = {
  /** Nothing but a program that runs until it is told to stop, and stops at once. */
  plain: 'rewind-fixture/box:1',
  /** The same as a newer version, which tells itself apart by a label. */
  newer: 'rewind-fixture/box:2',
  /** An image with an entrypoint, a user, a VOLUME, an EXPOSE and a health check of its own. */
  equipped: 'rewind-fixture/equipped:1',
} as const;

const plain = ['CMD ["serve"]', 'ENV PATH=/bin'];
const changes: Record<keyof typeof boxImages, string[]> = {
  plain,
  newer: [...plain, 'LABEL version=2'],
  equipped: [
    ...plain,
    'ENTRYPOINT ["serve"]',
    'CMD []',
    'ENV FROM_IMAGE=1',
    'EXPOSE 8080/tcp 8081/udp',
    'HEALTHCHECK --interval=1s --timeout=2s --retries=4 CMD ["test", "-e", "/bin/busybox"]',
    'LABEL org.example.image=equipped',
    'USER app',
    'VOLUME ["/var/lib/equipped", "/srv/more"]',
    'WORKDIR /srv',
  ],
};

/** Runs the program it is given; without one, waits for the signal to stop and obeys it at once. */
const serve = `#!/bin/sh
[ $# -gt 0 ] && exec "$@"
trap 'exit 0' TERM INT QUIT USR1
while :; do sleep 3600 & wait $!; done
`;

const passwd = 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/srv:/bin/sh\n';
const group = 'root:x:0:\napp:x:1000:\nextra:x:2000:\n';

/** Makes the images of the fixtures, which takes a second or two, unless they are there; they go after the last test. */
export async function makeBoxImages(): Promise<void> {
  const present = await run(['docker', 'image', 'inspect', ...Object.values(boxImages)]);
  if (present.exitCode === 0) return;
  const folder = await mkdtemp(join(tmpdir(), 'rewind-box-'));
  try {
    const root = join(folder, 'root');
    await layOut(root, await busybox(folder));
    const archive = join(folder, 'root.tar');
    await exec('tar', ['-C', root, '--owner=0', '--group=0', '-cf', archive, '.']);
    for (const [kind, name] of Object.entries(boxImages)) {
      const flags = changes[kind as keyof typeof boxImages].flatMap((change) => ['--change', change]);
      await exec('docker', ['import', ...flags, archive, name]);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes the images of the fixtures. */
export async function removeBoxImages(): Promise<void> {
  await run(['docker', 'rmi', ...Object.values(boxImages)]);
}

async function layOut(root: string, program: string): Promise<void> {
  for (const name of ['bin', 'etc', 'tmp', 'run', 'srv', 'root']) await mkdir(join(root, name), { recursive: true });
  await cp(program, join(root, 'bin', 'busybox'));
  const { stdout } = await exec(program, ['--list']);
  const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox');
  await Promise.all(applets.map((name) => symlink('busybox', join(root, 'bin', name))));
  await writeFile(join(root, 'bin', 'serve'), serve, { mode: 0o755 });
  await writeFile(join(root, 'etc', 'passwd'), passwd);
  await writeFile(join(root, 'etc', 'group'), group);
  await chmod(join(root, 'tmp'), 0o1777);
}

/** A statically linked Busybox: from Debian's package, which is unpacked but not installed; else the one on PATH. */
async function busybox(folder: string): Promise<string> {
  const downloaded = await run(['apt-get', 'download', 'busybox-static'], { cwd: folder });
  const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (downloaded.exitCode === 0 && archive !== undefined) {
    await exec('dpkg-deb', ['-x', join(folder, archive), join(folder, 'package')]);
    return join(folder, 'package', 'bin', 'busybox');
  }
  const installed = await run(['sh', '-c', 'command -v busybox']);
  if (installed.exitCode === 0) return installed.stdout;
  throw new Error(
    `The tests need a static Busybox. Install it (apt-get install busybox-static). apt-get said: ${downloaded.stderr}`,
  );
}
