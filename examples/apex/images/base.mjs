// The base of every image: debian:bookworm-slim where a registry has it, else the same made from Debian's packages.

import { join } from 'node:path';
import { BuildError, cancelled } from './errors.mjs';
import { run } from './run.mjs';

const DEFAULT_IMAGE = 'debian:bookworm-slim';
const MADE = 'rewind-example/debian:bookworm';

/**
 * The base image as an entry of the catalogue.
 *
 * APEX_DEBIAN_IMAGE names another Debian 12 image to start from, such as one of a registry of one's own.
 * APEX_DEBIAN_MIRROR names another Debian mirror; it makes the base from packages without asking a registry.
 */
export const base = {
  name: 'rewind-example/base:bookworm',
  context: ['images/base'],
  dockerfile: 'Dockerfile',
  internal: true,
  resolveArgs: async (folder, options) => ({ DEBIAN: await debianImage(folder, options) }),
};

async function debianImage(folder, { signal, report }) {
  const mirror = process.env.APEX_DEBIAN_MIRROR;
  const image = process.env.APEX_DEBIAN_IMAGE ?? DEFAULT_IMAGE;
  if (mirror === undefined) {
    report(`pulling ${image}`);
    // Where nothing answers at all, two minutes are enough to know.
    const pull = await run(['docker', 'pull', image], { signal, onLine: report, timeoutMs: 120_000 });
    if (pull.code === 0) return image;
    // Loaded from a file, or pulled when there still was a way to the registry.
    if ((await run(['docker', 'image', 'inspect', image], { signal })).code === 0) return image;
    if (image !== DEFAULT_IMAGE) {
      throw new BuildError(
        'EXAMPLE_BASE_UNAVAILABLE',
        `The image ${image} that APEX_DEBIAN_IMAGE names could not be pulled:\n${pull.tail}`,
        'check the name and `docker login`, or unset APEX_DEBIAN_IMAGE',
      );
    }
    report("no registry has it: making it from Debian's packages");
  }
  await makeFromPackages(join(folder, 'debian.tar'), mirror, { signal, report });
  return MADE;
}

async function makeFromPackages(archive, mirror, { signal, report }) {
  await ensureMmdebstrap({ signal, report });
  // Without sources of its own it takes Debian's usual mirror, with updates and security fixes.
  const made = await run(mmdebstrapCommand(archive, mirror !== undefined), {
    signal,
    onLine: report,
    ...(mirror !== undefined && { input: sources(mirror) }),
  });
  if (signal.aborted) throw cancelled('The making of the base image');
  if (made.code !== 0) {
    throw new BuildError(
      'EXAMPLE_BASE_FAILED',
      `mmdebstrap could not make a Debian base image from ${mirror ?? "Debian's usual mirror"}:\n${complaints(made.tail)}`,
      'check that the mirror can be reached, or name another one in APEX_DEBIAN_MIRROR',
    );
  }
  const imported = await run(['docker', 'import', '--change', 'CMD ["bash"]', archive, MADE], { signal });
  if (imported.code !== 0) {
    throw new BuildError(
      'EXAMPLE_BASE_FAILED',
      `docker import of the base image failed: ${imported.tail}`,
      "see that Docker's data has room on its disk (docker system df)",
    );
  }
}

/** The lines of apt and mmdebstrap that complain, or all if none does. */
function complaints(output) {
  const lines = output.split('\n').filter((line) => /^(E|W|Err[:\d]*): ?/.test(line));
  return lines.length > 0 ? lines.join('\n') : output;
}

/** What mmdebstrap is asked for; runs nothing. With sources, they come on its standard input. */
export function mmdebstrapCommand(archive, withSources) {
  const leftOut = ['doc', 'man', 'info', 'locale', 'lintian'].map(
    (name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`,
  );
  return [
    'mmdebstrap',
    '--variant=minbase',
    ...leftOut,
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    '--aptopt=Acquire::Languages none',
    'bookworm',
    archive,
    ...(withSources ? ['-'] : []),
  ];
}

/** sources.list of the base image: the release, its updates and its security fixes. */
export function sources(mirror) {
  const security = `${mirror.replace(/\/debian\/?$/, '')}/debian-security`;
  return [
    `deb ${mirror} bookworm main`,
    `deb ${mirror} bookworm-updates main`,
    `deb ${security} bookworm-security main`,
    '',
  ].join('\n');
}

async function ensureMmdebstrap({ signal, report }) {
  if ((await run(['mmdebstrap', '--version'], { signal })).code === 0) return;
  if (process.getuid?.() === 0 && (await run(['apt-get', '--version'], { signal })).code === 0) {
    report('installing mmdebstrap with apt-get');
    await run(['apt-get', 'update', '-q'], { signal, onLine: report });
    const install = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', 'mmdebstrap'];
    const result = await run(install, { signal, onLine: report, env: { DEBIAN_FRONTEND: 'noninteractive' } });
    if (result.code === 0) return;
  }
  throw new BuildError(
    'EXAMPLE_BASE_UNAVAILABLE',
    `${DEFAULT_IMAGE} could not be pulled, and there is no mmdebstrap here to make it with.`,
    'let Docker reach a registry that has it (or `docker load` it), or install mmdebstrap (Debian, Ubuntu: apt-get install mmdebstrap)',
  );
}
