import { basename } from 'node:path';

import type { Difference } from './inspection';

/** A difference between what docker compose and Rewind make of the same file that is meant, and why. */
export interface AllowedDifference {
  /** Fields of `docker inspect`, for people. */
  readonly field: string;
  readonly compose: string;
  readonly rewind: string;
  readonly why: string;
  /** Whether a difference is this one. */
  readonly covers: (difference: Difference) => boolean;
}

const label = (name: string): string => `Config.Labels.com.docker.compose.${name}`;
const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  (typeof value === 'object' && Object.keys(value).length === 0);

/** docs/compose-support.md lists these. */
export const allowedDifferences: readonly AllowedDifference[] = [
  {
    field: 'Config.Image',
    compose: 'the name of the image',
    rewind: 'its ID',
    why: 'a tag can move; a release is the image that ran',
    covers: ({ path, rewind }) => path === 'Config.Image' && /^sha256:[0-9a-f]{64}$/.test(String(rewind)),
  },
  {
    field: 'label com.docker.compose.config-hash',
    compose: "a hash of compose's own",
    rewind: 'a hash of what needs a new container',
    why: '`docker compose up` on the same project finds it changed and makes its containers anew',
    covers: ({ path, rewind }) => path === label('config-hash') && /^[0-9a-f]{64}$/.test(String(rewind)),
  },
  {
    field: 'labels com.docker.compose.image, .version and .project.environment_file',
    compose: 'set',
    rewind: 'not set',
    why: "a newer docker compose must not replace every container; the image's ID is in Config.Image",
    covers: ({ path, rewind }) =>
      ['image', 'version', 'project.environment_file'].map(label).includes(path) && rewind === undefined,
  },
  {
    field: 'label com.docker.compose.depends_on',
    compose: 'in any order',
    rewind: 'sorted',
    why: 'another order must not make a new container',
    covers: ({ path, compose, rewind }) =>
      path === label('depends_on') && String(compose).split(',').sort().join() === String(rewind),
  },
  {
    field: 'label dev.rewind.stack',
    compose: 'not set',
    rewind: 'the Pulumi stack',
    why: 'says whose container it is',
    covers: ({ path, compose }) => path === 'Config.Labels.dev.rewind.stack' && compose === undefined,
  },
  {
    field: 'Config.AttachStdout, Config.AttachStderr',
    compose: 'true',
    rewind: 'false',
    why: 'about the client that starts a container; nothing is attached in either case',
    covers: ({ path, compose, rewind }) =>
      /^Config\.AttachStd(out|err)$/.test(path) && compose === true && rewind === false,
  },
  {
    field: 'HostConfig.NetworkMode',
    compose: 'the first network',
    rewind: 'bridge',
    why: 'the provider connects networks itself, before the start; the container is in the same networks, and not in bridge',
    covers: ({ path, rewind }) => path === 'HostConfig.NetworkMode' && rewind === 'bridge',
  },
  {
    field: 'HostConfig.Init',
    compose: 'not set',
    rewind: 'false',
    why: 'the provider always says it; an engine started with --init needs `init: true` in the file',
    covers: ({ path, compose, rewind }) => path === 'HostConfig.Init' && compose === undefined && rewind === false,
  },
  {
    field: 'HostConfig.RestartPolicy.Name',
    compose: 'empty',
    rewind: '"no"',
    why: 'two spellings of the same',
    covers: ({ path, compose, rewind }) =>
      path === 'HostConfig.RestartPolicy.Name' && compose === '' && rewind === 'no',
  },
  {
    field: 'any empty field',
    compose: 'null, "", [] or {}',
    rewind: 'another of these',
    why: 'spellings of nothing',
    covers: ({ path, compose, rewind }) => !path.startsWith('Config.Labels') && isEmpty(compose) && isEmpty(rewind),
  },
  {
    field: 'HostConfig.PortBindings',
    compose: 'HostIp ""',
    rewind: 'HostIp 0.0.0.0 and, on a machine with IPv6, ::',
    why: 'the provider takes no address for IPv4 alone; NetworkSettings.Ports are equal',
    covers: ({ path, compose, rewind }) =>
      path.startsWith('HostConfig.PortBindings.') && spelledOut(compose) === spelledOut(rewind),
  },
  {
    field: 'Config.ExposedPorts, NetworkSettings.Ports',
    compose: 'ports of `expose`',
    rewind: 'published ports and those of the image',
    why: 'the provider exposes published ports only; containers of one network reach every port of each other',
    covers: ({ path, rewind }) =>
      /^(Config\.ExposedPorts|NetworkSettings\.Ports)\.\d+\/\w+$/.test(path) && rewind === undefined,
  },
  {
    field: 'NetworkSettings.Networks.….Links',
    compose: 'the containers under `links`',
    rewind: 'none',
    why: 'containers of one network find each other by service and container name',
    covers: ({ path, rewind }) => path.endsWith('.Links') && isEmpty(rewind),
  },
  {
    field: 'Config.Entrypoint, Config.Cmd',
    compose: 'a command with an empty word in Cmd',
    rewind: 'behind the entrypoint',
    why: 'the provider refuses an empty word in a command; Path and Args, what runs, are equal',
    covers: ({ path, compose, rewind }) =>
      (path === 'Config.Cmd' && (compose as string[]).includes('') && rewind === null) ||
      (path === 'Config.Entrypoint' && (rewind as string[]).includes('')),
  },
  {
    field: 'HostConfig.Binds, HostConfig.Mounts, Config.Volumes; Mounts.….Mode of volumes',
    compose: 'some as binds, some as mounts',
    rewind: 'some as mounts, some as binds',
    why: 'two ways to ask for the same; Mounts, what came of it, is compared',
    covers: ({ path }) =>
      path === 'HostConfig.Binds' ||
      /^(HostConfig\.Mounts|Config\.Volumes)(\.|$)/.test(path) ||
      /^Mounts\..*\.Mode$/.test(path),
  },
  {
    field: 'Mounts.….Source of configuration files, configs and secrets',
    compose: 'the file',
    rewind: 'its copy in the store',
    why: 'a rollback brings the earlier content back',
    covers: ({ path, compose, rewind }) =>
      /^Mounts\..*\.Source$/.test(path) &&
      /\/\.rewind\/(files|secrets|copies)\//.test(String(rewind)) &&
      basename(String(compose)) === basename(String(rewind)),
  },
  {
    field: 'Mounts.….Name and Source of anonymous volumes',
    compose: 'a random name',
    rewind: 'project-service-1_path',
    why: 'a lasting name carries the data over to the next container, as docker compose does by hand',
    covers: ({ path, compose, rewind }) =>
      (/^Mounts\..*\.Name$/.test(path) && isRandom(compose) && isLasting(rewind)) ||
      (/^Mounts\..*\.Source$/.test(path) && isRandom(volumeAt(compose)) && isLasting(volumeAt(rewind))),
  },
  {
    field: 'HostConfig.VolumesFrom',
    compose: 'the ID of the container, without `:ro`',
    rewind: 'its name, with `:ro`',
    why: 'read-only is what the file asks for',
    covers: ({ path, rewind }) =>
      path === 'HostConfig.VolumesFrom' && (rewind as string[]).every((from) => /-1(:ro)?$/.test(from)),
  },
];

const isRandom = (name: unknown): boolean => /^[0-9a-f]{64}$/.test(String(name));
const isLasting = (name: unknown): boolean => /-\d+_\w+$/.test(String(name));

/** The name of the volume whose folder a path is. */
const volumeAt = (path: unknown): string => /\/volumes\/([^/]+)\/_data$/.exec(String(path))?.[1] ?? '';

/** Port bindings with every address spelled out, as text; a port that Docker is to choose is "0" or "". */
function spelledOut(bindings: unknown): string {
  return (bindings as { HostIp: string; HostPort: string }[])
    .map(({ HostIp, HostPort }) => `${HostIp === '' ? '0.0.0.0' : HostIp}:${HostPort || '0'}`)
    .filter((binding, _index, all) => !(binding.startsWith('::') && all.includes(binding.replace(/^::/, '0.0.0.0'))))
    .sort()
    .join();
}

/** The differences that no entry of {@link allowedDifferences} covers. */
export function unexplained(found: readonly Difference[]): Difference[] {
  return found.filter((difference) => !allowedDifferences.some(({ covers }) => covers(difference)));
}
