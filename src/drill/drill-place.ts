import { createHash, randomBytes } from 'node:crypto';
import { cp, link, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type Docker from 'dockerode';
import { stringify } from 'yaml';

import { stackLabel } from '../container/labels';
import { releaseImages } from '../docker/kept-images';
import { oneOffStackLabel } from '../docker/one-off-marks';
import type { SealedRelease } from '../releases/sealed';

/** Folder of a drill: a Pulumi project, its state and its store, all of its own. */
export class DrillPlace {
  /** Folder of Pulumi.yaml. */
  readonly directory: string;
  /** Name of the Pulumi project, and of the compose project. */
  readonly project: string;
  readonly #storeOfStack: string;

  /**
   * @param store - absolute path of the real stack's store
   * @param stack - `project/stack` of Pulumi of the real stack
   */
  constructor(store: string, stack: string) {
    this.#storeOfStack = store;
    const mark = createHash('sha256').update(`${store} ${stack}`).digest('hex').slice(0, 8);
    const plain = stack
      .split('/')[0]!
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, '');
    // The mark keeps it apart from a project that somebody has named like that.
    this.project = `${plain || 'stack'}-drill-${mark}`;
    this.directory = join(store, 'drills', mark);
  }

  /** `project/stack` of Pulumi. */
  get stack(): string {
    return `${this.project}/${drillStack}`;
  }

  /** Absolute path of the drill's own store. */
  get store(): string {
    return join(this.directory, 'store');
  }

  /** Environment of the engine on top of this process's. */
  get env(): Readonly<Record<string, string>> {
    return {
      PULUMI_BACKEND_URL: `file://${join(this.directory, 'state')}?metadata=skip`,
      PULUMI_CONFIG_PASSPHRASE_FILE: join(this.directory, 'passphrase'),
    };
  }

  /** Makes the folder, with nothing of an earlier drill in it. */
  async make(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
    await mkdir(join(this.directory, 'state'), { recursive: true, mode: 0o700 });
    const runtime = { name: 'nodejs', options: { typescript: false } };
    await Promise.all([
      writeFile(join(this.directory, 'Pulumi.yaml'), stringify({ name: this.project, runtime })),
      writeFile(join(this.directory, 'passphrase'), randomBytes(32).toString('base64'), { mode: 0o600 }),
    ]);
  }

  /** Has what the store keeps of configuration files, under the same hashes. */
  async copyFiles(files: readonly SealedRelease['files'][]): Promise<void> {
    const wanted = new Set<string>();
    for (const file of files.flatMap((it) => Object.values(it))) {
      const shelf = file.secret ? 'secrets' : 'files';
      wanted.add(join(shelf, `${file.hash.replace(/^sha256:/, '')}.${file.permissions}`));
    }
    await mkdir(this.store, { recursive: true, mode: 0o700 });
    const parts = [...wanted, 'secrets.key', 'migrations'];
    await Promise.all(
      parts.map((part) =>
        cp(join(this.#storeOfStack, part), join(this.store, part), { recursive: true, preserveTimestamps: true }).catch(
          (error: unknown) => {
            if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
          },
        ),
      ),
    );
  }

  /**
   * Has a snapshot, which takes no room of its own: its files are never written to.
   *
   * @param from - folder of the real stack in its store
   * @param to - folder of the drill's stack in its own
   */
  async linkSnapshot(from: string, to: string, id: string): Promise<void> {
    const [source, target] = [join(from, 'snapshots', id), join(to, 'snapshots', id)];
    await mkdir(target, { recursive: true, mode: 0o700 });
    for (const name of await readdir(source)) {
      await link(join(source, name), join(target, name)).catch(() => cp(join(source, name), join(target, name)));
    }
  }

  /** Takes away everything of a drill: containers, networks, volumes, names of images and the folder. */
  async clear(docker: Docker): Promise<void> {
    const labelled = (label: string): Promise<Docker.ContainerInfo[]> =>
      docker.listContainers({ all: true, filters: { label: [`${label}=${this.stack}`] } });
    const [containers, oneOffs] = await Promise.all([stackLabel, oneOffStackLabel].map(labelled));
    const remove = ({ Id: id }: Docker.ContainerInfo): Promise<unknown> =>
      docker.getContainer(id).remove({ force: true, v: true });
    await Promise.all([
      ...containers!.map(remove),
      // The engine removes these itself when they end.
      ...oneOffs!.map((it) => remove(it).catch(() => undefined)),
    ]);
    const project = { label: [`com.docker.compose.project=${this.project}`] };
    const [networks, { Volumes: volumes }] = await Promise.all([
      docker.listNetworks({ filters: project }),
      docker.listVolumes({ filters: project }),
    ]);
    await Promise.all([
      ...networks.map(({ Id: id }) => docker.getNetwork(id).remove()),
      ...volumes.map(({ Name: name }) => docker.getVolume(name).remove()),
      releaseImages(docker, this.stack, new Set()),
    ]);
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Name of the Pulumi stack of a drill. */
export const drillStack = 'drill';
