import type Docker from 'dockerode';

import type { Inventory } from '../../src/docker/inventory';

/** An error as the client of the engine's API throws it. */
export function engineError(statusCode: number, message: string): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) ${message}`), { statusCode, json: { message } });
}

/** An image of a {@link FakeEngine}. */
export interface FakeImage {
  /** Letters that make its ID. */
  readonly id: string;
  readonly tags?: readonly string[];
  readonly digests?: readonly string[];
  readonly config?: unknown;
}

/** The ID of an image that is made of these letters. */
export function imageId(letters: string): string {
  return `sha256:${letters.padEnd(64, '0')}`;
}

/** The few things of an engine that decisions about images look at. */
export class FakeEngine {
  readonly images: FakeImage[];
  /** By reference, why the registry does not give an image; a reference that is not named here can be had. */
  readonly registry: Readonly<Record<string, string>>;
  /** References that the registry was asked for. */
  readonly asked: string[] = [];

  constructor(images: readonly FakeImage[], registry: Readonly<Record<string, string>> = {}) {
    this.images = [...images];
    this.registry = registry;
  }

  /** The engine as code under test takes it. */
  get docker(): Docker {
    return {
      getImage: (name: string) => ({
        inspect: () => {
          const image = this.images.find(({ id }) => imageId(id) === name);
          return image ? Promise.resolve({ Config: image.config }) : Promise.reject(engineError(404, 'no such image'));
        },
        distribution: () => {
          this.asked.push(name);
          const refusal = this.registry[name];
          return refusal === undefined ? Promise.resolve({}) : Promise.reject(engineError(404, refusal));
        },
      }),
      listContainers: () => Promise.resolve([]),
      listNetworks: () => Promise.resolve([]),
      listVolumes: () => Promise.resolve({ Volumes: [] }),
      listImages: () =>
        Promise.resolve(
          this.images.map(({ id, tags, digests }) => ({
            Id: imageId(id),
            RepoTags: tags ?? null,
            RepoDigests: digests ?? null,
          })),
        ),
    } as unknown as Docker;
  }
}

/** What an inventory may be made of: only the fields that are looked at. */
export interface InventoryParts {
  readonly containers?: readonly {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly state?: string;
    readonly ports?: readonly { readonly ip?: string; readonly port: number; readonly protocol?: string }[];
  }[];
  readonly networks?: readonly (Partial<Docker.NetworkInspectInfo> & { readonly Name: string })[];
  readonly volumes?: readonly {
    readonly name: string;
    readonly driver?: string;
    readonly options?: Readonly<Record<string, string>> | null;
    readonly labels?: Readonly<Record<string, string>> | null;
  }[];
}

/** An inventory as the engine would give it. */
export function inventoryOf({ containers = [], networks = [], volumes = [] }: InventoryParts = {}): Inventory {
  return {
    containers: containers.map(
      ({ name, labels = {}, state = 'running', ports = [] }) =>
        ({
          Id: name.padEnd(64, '0'),
          Names: [`/${name}`],
          Labels: labels,
          State: state,
          Ports: ports.map(({ ip = '0.0.0.0', port, protocol = 'tcp' }) => ({
            IP: ip,
            PublicPort: port,
            PrivatePort: port,
            Type: protocol,
          })),
        }) as unknown as Docker.ContainerInfo,
    ),
    networks: networks.map(
      (network) =>
        ({
          Id: network.Name,
          Driver: 'bridge',
          Internal: false,
          Attachable: false,
          EnableIPv6: false,
          IPAM: { Driver: 'default', Config: [] },
          Options: {},
          Labels: {},
          ...network,
        }) as Docker.NetworkInspectInfo,
    ),
    volumes: volumes.map(
      ({ name, driver = 'local', options = null, labels = null }) =>
        ({ Name: name, Driver: driver, Options: options, Labels: labels }) as unknown as Docker.VolumeInspectInfo,
    ),
    images: new Map(),
  };
}
