// The base of every image: Debian's slim image where a registry has it, else the same made from Debian's packages.

import { join } from 'node:path';
import { BuildError, cancelled } from './errors.mjs';
import { run } from './run.mjs';

/**
 * The base of the example as an entry of the catalogue.
 *
 * APEX_DEBIAN_IMAGE names another Debian 12 image to start from, such as one of a registry of one's own.
 * APEX_DEBIAN_MIRROR names another Debian mirror; it makes the base from packages without asking a registry.
 */
export const base = debianBase('bookworm', () => process.env.APEX_DEBIAN_IMAGE);

/**
 * The base of images of a release of Debian, by its name.
 *
 * @param {string} release
 * @param {() => string | undefined} [otherImage] another image of it to start from
 */
export function debianBase(release, otherImage = () => undefined) {
  return {
    name: `rewind-example/base:${release}`,
    context: ['images/base'],
    dockerfile: 'Dockerfile',
    internal: true,
    resolveArgs: async (folder, options) => ({ DEBIAN: await debianImage(release, otherImage(), folder, options) }),
  };
}

async function debianImage(release, otherImage, folder, { signal, report }) {
  const mirror = process.env.APEX_DEBIAN_MIRROR;
  const image = otherImage ?? slimImage(release);
  if (mirror === undefined) {
    report(`pulling ${image}`);
    // Where nothing answers at all, two minutes are enough to know.
    const pull = await run(['docker', 'pull', image], { signal, onLine: report, timeoutMs: 120_000 });
    if (pull.code === 0) return image;
    // Loaded from a file, or pulled when there still was a way to the registry.
    if ((await run(['docker', 'image', 'inspect', image], { signal })).code === 0) return image;
    if (otherImage !== undefined) {
      throw new BuildError(
        'EXAMPLE_BASE_UNAVAILABLE',
        `The image ${image} that APEX_DEBIAN_IMAGE names could not be pulled:\n${pull.tail}`,
        'check the name and `docker login`, or unset APEX_DEBIAN_IMAGE',
      );
    }
    report("no registry has it: making it from Debian's packages");
  }
  const made = `rewind-example/debian:${release}`;
  await makeFromPackages({ release, archive: join(folder, `${release}.tar`), made, mirror }, { signal, report });
  return made;
}

function slimImage(release) {
  return `debian:${release}-slim`;
}

async function makeFromPackages({ release, archive, made: name, mirror }, { signal, report }) {
  await ensureMmdebstrap(release, { signal, report });
  // Without sources of its own it takes Debian's usual mirror, with updates and security fixes.
  const made = await run(mmdebstrapCommand(release, archive, mirror !== undefined), {
    signal,
    onLine: report,
    ...(mirror !== undefined && { input: sources(release, mirror) }),
  });
  if (signal.aborted) throw cancelled('The making of the base image');
  if (made.code !== 0) {
    throw new BuildError(
      'EXAMPLE_BASE_FAILED',
      `mmdebstrap could not make a Debian base image from ${mirror ?? "Debian's usual mirror"}:\n${complaints(made.tail)}`,
      'check that the mirror can be reached, or name another one in APEX_DEBIAN_MIRROR',
    );
  }
  const imported = await run(['docker', 'import', '--change', 'CMD ["bash"]', archive, name], { signal });
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
export function mmdebstrapCommand(release, archive, withSources) {
  const leftOut = ['doc', 'man', 'info', 'locale', 'lintian'].map(
    (name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`,
  );
  return [
    'mmdebstrap',
    '--variant=minbase',
    ...leftOut,
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    '--aptopt=Acquire::Languages none',
    release,
    archive,
    ...(withSources ? ['-'] : []),
  ];
}

/** sources.list of the base image: the release, its updates and its security fixes. */
export function sources(release, mirror) {
  const security = `${mirror.replace(/\/debian\/?$/, '')}/debian-security`;
  return [
    `deb ${mirror} ${release} main`,
    `deb ${mirror} ${release}-updates main`,
    `deb ${security} ${release}-security main`,
    '',
  ].join('\n');
}

async function ensureMmdebstrap(release, { signal, report }) {
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
    `${slimImage(release)} could not be pulled, and there is no mmdebstrap here to make it with.`,
    'let Docker reach a registry that has it (or `docker load` it), or install mmdebstrap (Debian, Ubuntu: apt-get install mmdebstrap)',
  );
}
