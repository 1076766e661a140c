import type { Problem } from './errors';

/** The `rewind:` settings of a stack, as values. docs/configuration.md explains each with an example. */
export interface StackSettings {
  /** `rewind:compose`: compose files, counted from the folder of Pulumi.yaml. @default compose.yaml */
  readonly compose: readonly string[];
  /** `rewind:envFile`: env files for interpolation. @default `.env` beside the compose file */
  readonly envFiles: readonly string[];
  /** `rewind:profiles`. @default none */
  readonly profiles: readonly string[];
  /** `rewind:project`: name of the compose project. @default what the compose file says */
  readonly project: string | undefined;
  /** `rewind:tags`: by service, a tag, a full reference or an image ID. @default the compose file's images */
  readonly tags: Readonly<Record<string, string>>;
  /** `rewind:env`: by service, environment variables over those of the compose file. */
  readonly env: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** `rewind:secrets`: by service, secret environment variables over those of the compose file. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** `rewind:show`: by service, environment keys whose values may be shown in a preview. */
  readonly show: Readonly<Record<string, readonly string[]>>;
  /** `rewind:files`: by path, the content hash of an earlier version of a configuration file. */
  readonly files: Readonly<Record<string, string>>;
  /** `rewind:store`: URL of the store. @default file://./.rewind */
  readonly store: string;
  /** `rewind:readyTimeoutSeconds`: bound for services whose health check sets none. @default 300 */
  readonly readyTimeoutSeconds: number;
}

/** Settings as they stand in the configuration: any JSON value under each key. */
export type RawSettings = Readonly<Record<string, unknown>>;

/** Every setting with an example; the reference page is made of these. */
export const settingKeys: Readonly<Record<string, { readonly example: string; readonly about: string }>> = {
  compose: {
    example: 'compose.yaml',
    about: 'The compose file, or a list of files of which later ones override earlier ones. Default: compose.yaml.',
  },
  envFile: {
    example: '.env.production',
    about: 'An env file, or a list, for the variables of the compose file. Default: .env beside it.',
  },
  profiles: { example: '[debug]', about: 'Compose profiles to bring up. Default: none.' },
  project: { example: 'shop', about: 'Name of the compose project. Default: what the compose file says.' },
  tags: {
    example: '{api: v0.2.0, worker: v0.2.0}',
    about: 'Image of a service: a tag of the image in the compose file, a full reference, or an image ID (sha256:…).',
  },
  env: {
    example: '{api: {LOG_LEVEL: debug}}',
    about: 'Environment variables of a service, over those of the compose file.',
  },
  secrets: {
    example: '{api: {API_TOKEN: …}}',
    about: 'Like env, but never shown. Set with: pulumi config set --secret --path rewind:secrets.api.API_TOKEN.',
  },
  show: { example: '{api: [REGION_NAME]}', about: 'Environment keys of a service whose values a preview may show.' },
  files: {
    example: '{frontend/nginx.conf: sha256:…}',
    about: 'An earlier content of a configuration file, by the hash that `pulumi stack output files` gave for it.',
  },
  store: { example: 'file://./.rewind', about: 'Where releases and configuration files are kept.' },
  readyTimeoutSeconds: { example: '300', about: 'How long a service without a health check of its own may take.' },
};

/** Checks raw settings and fills in defaults; reports everything that is wrong, with its path. */
export function readSettings(raw: RawSettings): { readonly settings: StackSettings; readonly problems: Problem[] } {
  const problems: Problem[] = [];
  const bad = (path: string, expected: string): void => {
    problems.push({
      code: 'config/invalid',
      message: `rewind:${path} is not ${expected}.`,
      fix: `Correct it: pulumi config set --path rewind:${path} <value>, or pulumi config rm --path rewind:${path}.`,
    });
  };
  for (const key of Object.keys(raw)) {
    if (key in settingKeys) continue;
    problems.push({
      code: 'config/invalid',
      message: `rewind:${key} is no setting.`,
      fix: `Remove it (pulumi config rm rewind:${key}). There are: ${Object.keys(settingKeys).join(', ')}.`,
    });
  }

  const text = (key: string): string | undefined => {
    const value = raw[key];
    if (value === undefined) return undefined;
    if (typeof value === 'string' && value !== '') return value;
    bad(key, 'a text');
    return undefined;
  };
  const texts = (key: string): string[] => {
    const value = raw[key];
    if (value === undefined) return [];
    if (typeof value === 'string' && value !== '') return [value];
    if (Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== ''))
      return value as string[];
    bad(key, 'a text or a list of texts');
    return [];
  };
  const record = (value: unknown, path: string): Record<string, unknown> => {
    if (value === undefined) return {};
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
    bad(path, 'a map');
    return {};
  };
  const scalars = (value: unknown, path: string): Record<string, string> =>
    Object.fromEntries(
      Object.entries(record(value, path)).flatMap(([key, item]): [string, string][] => {
        if (['string', 'number', 'boolean'].includes(typeof item)) return [[key, String(item)]];
        bad(`${path}.${key}`, 'a text');
        return [];
      }),
    );
  const perService = (key: string): Record<string, Record<string, string>> =>
    Object.fromEntries(
      Object.entries(record(raw[key], key)).map(([service, value]) => [service, scalars(value, `${key}.${service}`)]),
    );
  const show = Object.fromEntries(
    Object.entries(record(raw['show'], 'show')).map(([service, value]): [string, string[]] => {
      if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return [service, value];
      bad(`show.${service}`, 'a list of environment keys');
      return [service, []];
    }),
  );
  const store = text('store') ?? 'file://./.rewind';
  if (!store.startsWith('file://')) bad('store', 'a file:// URL');
  const seconds = raw['readyTimeoutSeconds'] === undefined ? 300 : Number(raw['readyTimeoutSeconds']);
  if (!(seconds > 0)) bad('readyTimeoutSeconds', 'a number of seconds above 0');
  const compose = texts('compose');

  return {
    problems,
    settings: {
      compose: compose.length > 0 ? compose : ['compose.yaml'],
      envFiles: texts('envFile'),
      profiles: texts('profiles'),
      project: text('project'),
      tags: scalars(raw['tags'], 'tags'),
      env: perService('env'),
      secrets: perService('secrets'),
      show,
      files: scalars(raw['files'], 'files'),
      store,
      readyTimeoutSeconds: seconds,
    },
  };
}
