import { join } from 'node:path';
import { BuildError, cancelled } from './errors.mjs';
import { run } from './run.mjs';

// With buildx, its default builder: another one (in a container of its own) would not see the local parent images.
const ENV = { BUILDX_BUILDER: 'default' };
const PROXY_VARIABLES = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/** The labels of the images that exist, by name. Asks Docker once. */
export async function labelsOf(names, signal) {
  const format = '{{json .RepoTags}} {{json .Config.Labels}}';
  const result = await run(['docker', 'image', 'inspect', '--format', format, ...names], { signal });
  if (result.missing) throw dockerMissing();
  const labels = new Map();
  for (const line of result.stdout.split('\n').filter(Boolean)) {
    const split = line.indexOf('] ') + 1;
    for (const tag of JSON.parse(line.slice(0, split))) labels.set(tag, JSON.parse(line.slice(split)) ?? {});
  }
  return labels;
}

/** Throws unless the Docker engine answers. */
export async function assertDockerWorks(signal) {
  const result = await run(['docker', 'version', '--format', '{{.Server.Version}}'], { signal, timeoutMs: 20_000 });
  if (result.missing) throw dockerMissing();
  if (result.code !== 0) {
    throw new BuildError(
      'EXAMPLE_DOCKER_UNREACHABLE',
      `The Docker engine does not answer: ${result.tail || 'no answer in 20 s'}`,
      'start it (systemctl start docker, or dockerd by hand), or set DOCKER_HOST to one that runs',
    );
  }
}

function dockerMissing() {
  return new BuildError(
    'EXAMPLE_DOCKER_MISSING',
    'There is no docker command on the PATH.',
    'install Docker Engine 20.10 or newer with its command line (on Debian and Ubuntu: apt-get install docker.io)',
  );
}

/** The architecture of the engine in Go's words, such as amd64: it may run on another machine than this. */
export async function engineArchitecture(signal) {
  const result = await run(['docker', 'version', '--format', '{{.Server.Arch}}'], { signal });
  return result.stdout.trim();
}

/** Builds one image from a context folder, with BuildKit or the older builder, whichever this Docker has. */
export async function dockerBuild(
  { name, dockerfile, args = {}, labels, fresh = false },
  contextPath,
  { signal, onLine },
) {
  const result = await run(buildCommand({ name, dockerfile, args, labels, fresh }, contextPath), {
    signal,
    onLine,
    env: ENV,
  });
  if (result.code === 0) return;
  if (signal?.aborted) throw cancelled(`The build of ${name}`);
  throw new BuildError(
    'EXAMPLE_BUILD_FAILED',
    `docker build of ${name} failed:\n${indent(result.tail)}`,
    fixFor(result.tail),
  );
}

/** Gives an image a second name. */
export async function dockerTag(image, name, signal) {
  const result = await run(['docker', 'tag', image, name], { signal });
  if (result.code === 0) return;
  if (signal?.aborted) throw cancelled(`The naming of ${name}`);
  throw new BuildError(
    'EXAMPLE_BUILD_FAILED',
    `docker tag of ${image} as ${name} failed: ${result.tail}`,
    'build it again: node examples/apex/images/build.mjs --force',
  );
}

/** The command line that builds an image; runs nothing. */
export function buildCommand({ name, dockerfile, args, labels, fresh }, contextPath, env = process.env) {
  const proxies = PROXY_VARIABLES.filter((variable) => env[variable]);
  // A proxy on this machine's loopback is another machine's to a container with a network of its own.
  const viaHost = proxies.some((variable) => /\/\/(localhost|127\.|\[::1\])/.test(env[variable]));
  return [
    'docker',
    'build',
    ...['--tag', name, '--file', join(contextPath, dockerfile)],
    ...Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]),
    // Named without their values: Docker takes them from its own environment, and no password of a proxy is listed.
    ...proxies.flatMap((variable) => ['--build-arg', variable]),
    ...Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]),
    ...(fresh ? ['--no-cache'] : []),
    ...(viaHost ? ['--network', 'host'] : []),
    contextPath,
  ];
}

function fixFor(output) {
  if (/no space left on device/i.test(output))
    return "make room on the disk of Docker's data (docker system df shows what uses it)";
  if (/Temporary failure resolving|Could not (connect|resolve)|Failed to fetch|Unable to connect/i.test(output)) {
    return (
      'containers must reach a Debian mirror: check `docker run --rm rewind-example/base:bookworm apt-get update`; ' +
      'behind a proxy set http_proxy, or name a mirror in APEX_DEBIAN_MIRROR and build with --force'
    );
  }
  return 'see the output above; `node examples/apex/images/build.mjs --verbose` shows all of it';
}

function indent(text) {
  return text.replace(/^/gm, '  ');
}
