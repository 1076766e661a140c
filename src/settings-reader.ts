import { bytes } from './compose/units';
import type { Problem } from './errors';
import type { AlembicSettings, DatabaseSettings, RestoreSettings } from './settings';

/** Settings as they stand in the configuration: any JSON value under each key. */
export type RawSettings = Readonly<Record<string, unknown>>;

/** What a role may do to the tables of a server: read them, also change their rows, or nothing but log in. */
export const roleRights = ['read', 'write', 'none'] as const;
export type RoleRights = (typeof roleRights)[number];

/**
 * Reads raw settings in the shapes that they are to have. What has another shape is reported with its path, and is as
 * good as not set. A problem never shows a value, which may be secret.
 */
export class SettingsReader {
  readonly #raw: RawSettings;
  readonly problems: Problem[] = [];

  constructor(raw: RawSettings) {
    this.#raw = raw;
  }

  /** Reports every setting that is not one of these. */
  knowOnly(keys: readonly string[]): void {
    for (const key of Object.keys(this.#raw)) {
      if (keys.includes(key)) continue;
      this.problems.push({
        code: 'config/invalid',
        message: `rewind:${key} is no setting.`,
        fix: `Remove it (pulumi config rm rewind:${key}). There are: ${keys.join(', ')}.`,
      });
    }
  }

  /** A text that is not empty. */
  text(key: string): string | undefined {
    return this.#read(key, 'a text', (value) => (isText(value) ? value : undefined));
  }

  /** A text, or a list of them. */
  texts(key: string): readonly string[] | undefined {
    return this.#read(key, 'a text or a list of texts', (value) => {
      if (isText(value)) return [value];
      return Array.isArray(value) && value.every(isText) ? value : undefined;
    });
  }

  /** A text, a list of them, or `{release: 3, files: …, tags: {job: v2}}`. */
  filesOrRelease(key: string): {
    readonly files: readonly string[];
    readonly release: number | undefined;
    readonly tags: Readonly<Record<string, string>>;
  } {
    const value = this.#raw[key];
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      return { files: this.texts(key) ?? [], release: undefined, tags: {} };
    }
    const { release, files = [], tags = {}, ...rest } = value as Record<string, unknown>;
    const list = isText(files) ? [files] : files;
    const number = Number(release);
    const fits = Number.isSafeInteger(number) && number > 0 && Object.keys(rest).length === 0;
    if (fits && Array.isArray(list) && list.every(isText) && isTextByName(tags)) {
      return { files: list, release: number, tags };
    }
    this.#bad(key, 'a file, a list of files, or {release: <number>, files: <files>, tags: <texts by service>}');
    return { files: [], release: undefined, tags: {} };
  }

  /** `{service: db, name: shop, alembic: {service: api}, revision: head}`: the first has to be there; nothing else may. */
  database(key: string): DatabaseSettings | undefined {
    const value = this.#raw[key];
    if (value === undefined) return undefined;
    const parts = ['alembic', 'revision', 'restore', 'readyUpTo', 'verifier', 'roles', 'databases', 'extensions'];
    const database = this.#textsIn(value, key, ['service'], ['name', 'user'], parts) as DatabaseSettings | undefined;
    if (database === undefined) return undefined;
    const nested = value as Record<string, unknown>;
    const alembic =
      nested['alembic'] === undefined
        ? undefined
        : this.#textsIn(nested['alembic'], `${key}.alembic`, ['service'], ['table', 'schema']);
    const revision = this.#revisions(nested['revision'], `${key}.revision`);
    const restore = this.#restore(nested['restore'], `${key}.restore`);
    const readyUpTo = this.#size(nested['readyUpTo'], `${key}.readyUpTo`);
    return {
      ...database,
      ...(alembic && { alembic: alembic as unknown as AlembicSettings }),
      ...(revision && { revision }),
      ...(restore && { restore }),
      ...(readyUpTo !== undefined && { readyUpTo }),
      ...this.#declaredIn(nested, key),
    };
  }

  /** `head`, a revision, or a list of them. One of digits alone may have come as a number. */
  #revisions(value: unknown, path: string): readonly string[] | undefined {
    if (value === undefined || value === 'head') return undefined;
    const list = (Array.isArray(value) ? value : [value]).map((it: unknown) => (isWhole(it) ? String(it) : it));
    if (list.length > 0 && list.every(isText) && !list.includes('head')) return [...new Set(list)].sort();
    this.#bad(path, 'head, a revision, or a list of revisions');
    return undefined;
  }

  /** `{snapshot: s-20261124-101500, at: …}` or `{database: shop.before-20261124-101500, at: …}`. */
  #restore(value: unknown, path: string): RestoreSettings | undefined {
    if (value === undefined) return undefined;
    const from = value !== null && typeof value === 'object' && 'database' in value ? 'database' : 'snapshot';
    const texts = this.#textsIn(value, path, [from, 'at'], []);
    if (texts === undefined) return undefined;
    const [source, at] = [texts[from]!, texts['at']!];
    return { source: from === 'database' ? { database: source } : { snapshot: source }, at };
  }

  /** A size as compose takes it: `500mb`, `2gb`, or bytes. */
  #size(value: unknown, path: string): number | undefined {
    if (value === undefined) return undefined;
    const size = typeof value === 'string' || typeof value === 'number' ? bytes(value) : undefined;
    if (size !== undefined && size >= 0) return size;
    this.#bad(path, 'a size, e.g. 500mb, 2gb or 0');
    return undefined;
  }

  /** What a database is to have in it. */
  #declaredIn({ verifier, roles, databases, extensions }: Record<string, unknown>, path: string): object {
    const isVerified = verifier === true || verifier === 'true';
    if (verifier !== undefined && !isVerified && verifier !== false && verifier !== 'false') {
      this.#bad(`${path}.verifier`, 'true or false');
    }
    const isList = Array.isArray(extensions) && extensions.every(isText);
    if (extensions !== undefined && !isList) this.#bad(`${path}.extensions`, 'a list of names');
    const rights = Object.entries(this.#texts(roles, `${path}.roles`)).filter(([name, given]) => {
      const fits = (roleRights as readonly string[]).includes(given);
      if (!fits) this.#bad(`${path}.roles["${name}"]`, roleRights.join(', '));
      return fits;
    });
    return {
      ...(isVerified && { verifier: true }),
      ...(roles !== undefined && { roles: Object.fromEntries(rights) }),
      ...(databases !== undefined && { databases: this.#texts(databases, `${path}.databases`) }),
      ...(isList && { extensions: [...new Set(extensions)] }),
    };
  }

  /** A whole number above 0. */
  count(key: string): number | undefined {
    return this.#read(key, 'a whole number above 0', (value) => {
      const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : NaN;
      return Number.isSafeInteger(number) && number > 0 ? number : undefined;
    });
  }

  /** Image IDs by name. */
  imageIdByName(key: string): Record<string, string> {
    const entries = Object.entries(this.textByName(key));
    return Object.fromEntries(
      entries.filter(([name, value]) => {
        const fits = /^sha256:[0-9a-f]{64}$/.test(value);
        if (!fits) this.#bad(`${key}["${name}"]`, 'an image ID (sha256:…)');
        return fits;
      }),
    );
  }

  /** A URL of files. */
  fileUrl(key: string): string | undefined {
    return this.#read(key, 'a file:// URL', (value) =>
      isText(value) && value.startsWith('file://') ? value : undefined,
    );
  }

  /** A number of seconds above 0. */
  seconds(key: string): number | undefined {
    return this.#read(key, 'a number of seconds above 0', (value) => {
      const seconds = typeof value === 'string' || typeof value === 'number' ? Number(value) : NaN;
      return seconds > 0 && Number.isFinite(seconds) ? seconds : undefined;
    });
  }

  /** Texts by name; a number or truth value counts as its text. */
  textByName(key: string): Record<string, string> {
    return this.#texts(this.#raw[key], key);
  }

  /** Like {@link textByName}, but a number must have kept its spelling: YAML reads 1.10 as the number 1.1. */
  tagByName(key: string): Record<string, string> {
    const tags = this.#record(this.#raw[key], key);
    return this.#texts(
      Object.fromEntries(
        Object.entries(tags).filter(([name, tag]) => {
          if (typeof tag !== 'number' || Number.isSafeInteger(tag)) return true;
          this.#bad(
            `${key}.${name}`,
            `a text: it was read as the number ${tag}, which may be spelled otherwise than it was written`,
            `Write it in quotes, or set it with: pulumi config set --path rewind:${key}.${name} <tag>.`,
          );
          return false;
        }),
      ),
      key,
    );
  }

  /** By service, texts by name. */
  textByNameByService(key: string): Record<string, Record<string, string>> {
    const services = Object.entries(this.#record(this.#raw[key], key));
    return Object.fromEntries(services.map(([service, value]) => [service, this.#texts(value, `${key}.${service}`)]));
  }

  /** By service, a list of environment keys. */
  keysByService(key: string): Record<string, readonly string[]> {
    const services = Object.entries(this.#record(this.#raw[key], key));
    return Object.fromEntries(
      services.flatMap(([service, value]) => {
        const fits = Array.isArray(value) && value.every((item) => typeof item === 'string');
        if (fits) return [[service, value]];
        this.#bad(`${key}.${service}`, 'a list of environment keys');
        return [];
      }),
    );
  }

  /** A map of texts under these keys, of which the first have to be there; what stands under `others` is read elsewhere. */
  #textsIn(
    value: unknown,
    path: string,
    needed: readonly string[],
    optional: readonly string[],
    others: readonly string[] = [],
  ): Record<string, string> | undefined {
    const record = value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {};
    const known = [...needed, ...optional];
    const fits =
      needed.every((key) => Object.hasOwn(record, key)) &&
      Object.keys(record).every((key) => known.includes(key) || others.includes(key)) &&
      known.every((key) => !Object.hasOwn(record, key) || isText((record as Record<string, unknown>)[key]));
    if (fits) return Object.fromEntries(Object.entries(record).filter(([key]) => known.includes(key)));
    const shape = [...needed, ...optional.map((name) => `${name}?`), ...others.map((name) => `${name}?`)];
    this.#bad(path, `a map of {${shape.join(', ')}}`);
    return undefined;
  }

  #texts(value: unknown, path: string): Record<string, string> {
    return Object.fromEntries(
      Object.entries(this.#record(value, path)).flatMap(([name, item]): [string, string][] => {
        if (['string', 'number', 'boolean'].includes(typeof item)) return [[name, String(item)]];
        this.#bad(`${path}.${name}`, 'a text');
        return [];
      }),
    );
  }

  #record(value: unknown, path: string): Record<string, unknown> {
    if (value === undefined) return {};
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
    this.#bad(path, 'a map');
    return {};
  }

  /** A setting in its shape; reports it if it has another. */
  #read<T>(key: string, expected: string, shape: (value: unknown) => T | undefined): T | undefined {
    const value = this.#raw[key];
    if (value === undefined) return undefined;
    const shaped = shape(value);
    if (shaped === undefined) this.#bad(key, expected);
    return shaped;
  }

  #bad(path: string, expected: string, fix?: string): void {
    this.problems.push({
      code: 'config/invalid',
      message: `rewind:${path} is not ${expected}.`,
      fix:
        fix ??
        `Correct it: pulumi config set --path rewind:${path} <value>, or pulumi config rm --path rewind:${path}.`,
    });
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTextByName(value: unknown): value is Record<string, string> {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && Object.values(value).every(isText);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
