import { relative, resolve } from 'node:path';

import type { ComposeProject } from '../compose/load';
import type { KnownFile } from '../container/config-files';
import type { KeptFile } from '../store/files';

/** The sealed part of a release: everything that can hold a secret. */
export interface SealedRelease {
  /** The compose project as docker compose resolved it, before the stack configuration was laid over it. */
  readonly project: ComposeProject;
  /** Configuration files by absolute path of their source. */
  readonly files: Readonly<Record<string, KnownFile>>;
  /** The values of the stack configuration's secret keys, for when its secrets provider has changed since. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Folder of Pulumi.yaml. */
  readonly directory: string;
}

/** What is known of configuration files, for the sealed part. */
export function knownFiles(kept: ReadonlyMap<string, KeptFile>): Record<string, KnownFile> {
  const sorted = [...kept].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([source, { hash, permissions, secret = false, writableFor }]) => [
      source,
      { hash, permissions, secret, ...(writableFor !== undefined && { writableFor }) },
    ]),
  );
}

/** The same release where the project's folder is another one now: paths within it follow. */
export function inFolder(release: SealedRelease, directory: string): SealedRelease {
  if (release.directory === directory) return release;
  const { project, files } = release;
  const moved = (path: string): string => {
    const inside = relative(release.directory, path);
    return inside === '..' || inside.startsWith('../') ? path : resolve(directory, inside);
  };
  return {
    ...release,
    directory,
    files: Object.fromEntries(Object.entries(files).map(([source, file]) => [moved(source), file])),
    project: {
      ...project,
      files: project.files.map(moved),
      directory: moved(project.directory),
      model: withPaths(project.model, moved),
    },
  };
}

/** A compose model with every path of this machine mapped: sources of bind mounts, files of configs and secrets. */
function withPaths(model: ComposeProject['model'], moved: (path: string) => string): ComposeProject['model'] {
  const fileObjects = <T extends { readonly file?: string }>(objects: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(objects).map(([name, it]) => [name, it.file === undefined ? it : { ...it, file: moved(it.file) }]),
    );
  return {
    ...model,
    configs: fileObjects(model.configs),
    secrets: fileObjects(model.secrets),
    services: Object.fromEntries(
      Object.entries(model.services).map(([name, service]) => [
        name,
        service.volumes === undefined
          ? service
          : {
              ...service,
              volumes: service.volumes.map((mount) =>
                mount.type === 'bind' && mount.source !== undefined ? { ...mount, source: moved(mount.source) } : mount,
              ),
            },
      ]),
    ),
  };
}
