/** A service as its compose file has it, with what is in the files that it mounts. */
export interface Definition {
  readonly tag: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Content of `./<service>.conf`. */
  readonly conf: string;
  /** A compose `config`: its content stands in the compose file or in a file beside it. */
  readonly banner?: { readonly content: string; readonly inFile: boolean };
  /** Files of the folder `./<service>.pages`, which is mounted whole. */
  readonly pages?: Readonly<Record<string, string>>;
  readonly networks: readonly string[];
  /** Port of 127.0.0.1 under which it is published. */
  readonly port?: number;
  readonly replicas: number;
  readonly after: readonly string[];
  /** Whether the volume with the data is its own. */
  readonly data: boolean;
}

/** The services of a compose file. */
export type Source = Readonly<Record<string, Definition>>;

/** The settings of the stack configuration that lie over the compose file. */
export interface Settings {
  readonly tags: Readonly<Record<string, string>>;
  readonly env: ByService;
  readonly secrets: ByService;
}

export type ByService = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What the stack configuration says. */
export interface Configuration {
  readonly settings: Settings;
  /** The services of a release, which run in place of the compose file's. @default the compose file's run */
  readonly kept?: Source;
  /** Image IDs by reference. */
  readonly pins: Readonly<Record<string, string>>;
}

/** A service as it has to run. */
export interface RunningService {
  /** The image as it was asked for, and its ID. */
  readonly reference: string;
  readonly image: string;
  readonly containers: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Files in the container, by their path there. */
  readonly files: Readonly<Record<string, string>>;
  readonly networks: readonly string[];
  /** E.g. `127.0.0.1:28941 -> 8080/tcp`. */
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
}

/** Everything that has to run. */
export interface Running {
  readonly services: Readonly<Record<string, RunningService>>;
  readonly networks: readonly string[];
}

/** What the model keeps of a release. */
export interface ModelRelease {
  readonly number: number;
  readonly source: Source;
  readonly settings: Settings;
  readonly running: Running;
  /** Number of the release that it brought back. */
  readonly revertOf?: number;
}

export const noSettings: Settings = { tags: {}, env: {}, secrets: {} };

/** What a source comes to with settings over it. */
export function runningOf(
  source: Source,
  settings: Settings,
  referenceOf: (tag: string) => string,
  imageOf: (reference: string) => string,
): Running {
  const services = Object.entries(source).map(([name, it]): [string, RunningService] => {
    const reference = referenceOf(settings.tags[name] ?? it.tag);
    return [
      name,
      {
        reference,
        image: imageOf(reference),
        containers: it.replicas,
        environment: { ...it.environment, ...settings.env[name], ...settings.secrets[name] },
        files: {
          '/etc/app.conf': it.conf,
          ...(it.banner && { '/etc/banner': it.banner.content }),
          ...Object.fromEntries(
            Object.entries(it.pages ?? {}).map(([page, content]) => [`/srv/pages/${page}`, content]),
          ),
        },
        networks: [...it.networks].sort(),
        ports: it.port === undefined ? [] : [`127.0.0.1:${it.port} -> 8080/tcp`],
        volumes: it.data ? ['data'] : [],
      },
    ];
  });
  const networks = new Set(Object.values(source).flatMap((it) => it.networks));
  return {
    services: Object.fromEntries(services.sort(([a], [b]) => (a < b ? -1 : 1))),
    networks: [...networks].sort(),
  };
}

/** The images that run, by reference: what `rewind deploy` and `rewind revert` write into the configuration. */
export function pinsOf({ services }: Running): Record<string, string> {
  return Object.fromEntries(Object.values(services).map(({ reference, image }) => [reference, image]));
}

/** Whether two states are the same release. */
export function isSame(a: Running | undefined, b: Running): boolean {
  return a !== undefined && JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/**
 * The release that `rewind revert` without a name goes to: the last one that was something else, before the origin of
 * what runs.
 */
export function targetWithoutName(releases: readonly ModelRelease[]): ModelRelease | undefined {
  const current = releases.at(-1)!;
  let origin = current;
  while (origin.revertOf !== undefined) origin = releases[origin.revertOf - 1]!;
  return releases.slice(0, origin.number - 1).findLast(({ running }) => !isSame(running, current.running));
}

/** Settings without those of services that a source does not have. */
export function settingsFor(source: Source, { tags, env, secrets }: Settings): Settings {
  const only = <T>(values: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(source, name)));
  return { tags: only(tags), env: only(env), secrets: only(secrets) };
}

/** The compose file of a source, and the files beside it. */
export function filesOf(source: Source, referenceOf: (tag: string) => string): Record<string, string | object> {
  const entries = Object.entries(source);
  const files: Record<string, string | object> = {};
  for (const [name, { conf, banner, pages = {} }] of entries) {
    files[`${name}.conf`] = conf;
    if (banner?.inFile) files[`${name}.banner`] = banner.content;
    for (const [page, content] of Object.entries(pages)) files[`${name}.pages/${page}`] = content;
  }
  files['compose.yaml'] = {
    services: Object.fromEntries(entries.map(([name, it]) => [name, composeService(name, it, referenceOf(it.tag))])),
    networks: Object.fromEntries(entries.flatMap(([, { networks }]) => networks.map((network) => [network, {}]))),
    volumes: entries.some(([, { data }]) => data) ? { data: {} } : {},
    configs: Object.fromEntries(
      entries.flatMap(([name, { banner }]) => {
        if (!banner) return [];
        return [[`${name}-banner`, banner.inFile ? { file: `./${name}.banner` } : { content: banner.content }]];
      }),
    ),
  };
  return files;
}

function composeService(name: string, it: Definition, image: string): object {
  return {
    image,
    environment: Object.fromEntries(Object.entries(it.environment).map(([key, value]) => [key, dollars(value)])),
    networks: it.networks,
    stop_grace_period: '2s',
    healthcheck: { test: ['CMD-SHELL', 'test -z "$$BROKEN"'], interval: '1s', timeout: '2s', retries: 1 },
    volumes: [
      `./${name}.conf:/etc/app.conf:ro`,
      ...(it.pages ? [`./${name}.pages:/srv/pages:ro`] : []),
      ...(it.data ? ['data:/var/lib/data'] : []),
    ],
    ...(it.banner && { configs: [{ source: `${name}-banner`, target: '/etc/banner' }] }),
    ...(it.port !== undefined && { ports: [`127.0.0.1:${it.port}:8080`] }),
    ...(it.replicas !== 1 && { deploy: { replicas: it.replicas } }),
    ...(it.after.length > 0 && {
      depends_on: Object.fromEntries(it.after.map((other) => [other, { condition: 'service_healthy' }])),
    }),
  };
}

/** Text as a compose file has it, where a single dollar begins a variable. */
function dollars(text: string): string {
  return text.replaceAll('$', '$$$$');
}

function sorted(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
