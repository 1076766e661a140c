import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type Docker from 'dockerode';

import type { ContainerSpec } from '../container/spec';
import { revealed } from '../sensitive';
import type { RevisionGraph } from './graph';
import { AlembicImage, type DowngradeSql } from './image';

/** Of what the store keeps; one of another format is as good as none. */
const format = 1;

/**
 * What images know of migrations, in the store: `migrations/<hash>.json`. An image does not change, so that it is asked
 * once. Files that are mounted from elsewhere may change: with those it is asked each time.
 */
export class GraphCache {
  readonly #root: string;
  readonly #folder: string;
  readonly #asked = new Map<string, Promise<unknown>>();

  /** @param root - absolute path of the store's folder */
  constructor(root: string) {
    this.#root = root;
    this.#folder = join(root, 'migrations');
  }

  /**
   * Every migration of an image.
   *
   * @param like - the service that has them, as planned
   * @param image - immutable ID
   * @throws RewindError migration/no-alembic, docker/failed
   */
  graph(docker: Docker, like: ContainerSpec, image: string): Promise<RevisionGraph> {
    return this.#once(like, keyOf(like, image), () =>
      new AlembicImage(docker, withoutMissingMounts(like), image).graph(),
    );
  }

  /**
   * The statements with which revisions are undone.
   *
   * @param undo - newest first
   * @throws RewindError migration/no-alembic, docker/failed
   */
  downgradeSql(
    docker: Docker,
    like: ContainerSpec,
    image: string,
    undo: readonly string[],
  ): Promise<readonly DowngradeSql[]> {
    const key = createHash('sha256').update(JSON.stringify(undo)).digest('hex').slice(0, 16);
    return this.#once(like, `${keyOf(like, image)}-${key}`, () =>
      new AlembicImage(docker, withoutMissingMounts(like), image).downgradeSql(undo),
    );
  }

  #once<T>(like: ContainerSpec, name: string, ask: () => Promise<T>): Promise<T> {
    const known = (this.#asked.get(name) as Promise<T> | undefined) ?? this.#read(like, name, ask);
    this.#asked.set(name, known);
    return known;
  }

  async #read<T>(like: ContainerSpec, name: string, ask: () => Promise<T>): Promise<T> {
    const path = join(this.#folder, `${name}.json`);
    const isFixed = foreignMounts(like, this.#root).length === 0;
    const kept = isFixed ? await readFile(path, 'utf8').catch(() => undefined) : undefined;
    const parsed = kept === undefined ? undefined : parseKept(kept);
    if (parsed !== undefined) return parsed as T;
    const answer = await ask();
    if (isFixed) await this.#keep(path, answer);
    return answer;
  }

  /** Where nothing can be written, the image is asked again the next time. */
  async #keep(path: string, answer: unknown): Promise<void> {
    const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await writeFile(draft, JSON.stringify({ format, graph: answer }), { mode: 0o600 });
      await rename(draft, path);
    } catch {
      await rm(draft, { force: true }).catch(() => undefined);
    }
  }
}

function parseKept(text: string): unknown {
  try {
    const kept = JSON.parse(text) as { format?: number; graph: unknown };
    return kept.format === format ? kept.graph : undefined;
  } catch {
    return undefined; // its writing was cut short
  }
}

/** The image, and what of the service decides which migrations are found in it. */
function keyOf({ user, workingDir, envs = [], mounts = [], volumes = [] }: ContainerSpec, image: string): string {
  const config = envs.map(revealed).filter((env) => env.startsWith('ALEMBIC_CONFIG='));
  const parts = JSON.stringify([image, user, workingDir, config, mounts, volumes]);
  return createHash('sha256').update(parts).digest('hex').slice(0, 32);
}

/** Mounts of files that are not the store's own, whose content is part of their path. */
function foreignMounts({ mounts = [], volumes = [] }: ContainerSpec, root: string): unknown[] {
  return [
    ...mounts.filter(({ type, source = '' }) => type === 'bind' && !source.startsWith(`${root}/`)),
    ...volumes.filter(({ hostPath }) => hostPath !== undefined && !hostPath.startsWith(`${root}/`)),
  ];
}

/** Nothing but what is there is mounted: asking an image makes no volumes, and a preview has not kept the files yet. */
function withoutMissingMounts({ volumes, mounts, ...rest }: ContainerSpec): ContainerSpec {
  return {
    ...rest,
    ...(mounts && { mounts: mounts.filter(({ type, source }) => type === 'bind' && source && existsSync(source)) }),
    ...(volumes && { volumes: volumes.filter(({ hostPath }) => hostPath !== undefined && existsSync(hostPath)) }),
  };
}
