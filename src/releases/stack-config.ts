import { chmod, chown, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';

import { Document, isMap, parseDocument } from 'yaml';

import { messageOf, RewindError } from '../errors';

/** The `config:` section of a stack configuration file: any value by its full key; a secret is `{secure: …}`. */
export type ConfigSection = Readonly<Record<string, unknown>>;

/** How a stack's secrets are encrypted: two files with the same values can read each other's secrets. */
export type SecretsProvider = Readonly<Record<string, string>>;

const providerKeys = ['secretsprovider', 'encryptedkey', 'encryptionsalt'];

/**
 * A stack configuration file, `Pulumi.<stack>.yaml`. Changes keep everything else as it is written, comments included.
 * Format: https://www.pulumi.com/docs/iac/concepts/config/#config-stack
 */
export class StackConfig {
  readonly #document: Document;
  /** Whether it has `{ a: 1 }` rather than `{a: 1}`. */
  readonly #isPadded: boolean;

  private constructor(document: Document, text: string) {
    this.#document = document;
    this.#isPadded = !/: [{[][^\s}\]]/.test(text);
  }

  /**
   * Reads a file; one that is not there is an empty configuration.
   *
   * @throws RewindError config/invalid
   */
  static async read(path: string): Promise<StackConfig> {
    try {
      return StackConfig.parse(await readFile(path, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return StackConfig.parse('');
      throw new RewindError({
        code: 'config/invalid',
        message: `The stack configuration ${path} cannot be read: ${messageOf(error)}`,
        fix: 'Mend the file.',
        cause: error,
      });
    }
  }

  static parse(text: string): StackConfig {
    const document = parseDocument(text);
    if (document.errors.length > 0) throw document.errors[0]!;
    // A document without content has nowhere to put a key.
    if (document.contents === null) return new StackConfig(new Document({}), text);
    if (!isMap(document.contents)) throw new Error('it is no mapping');
    return new StackConfig(document, text);
  }

  get config(): ConfigSection {
    const section = (this.#document.toJS() as { config?: ConfigSection | null }).config;
    return section ?? {};
  }

  get provider(): SecretsProvider {
    const all = this.#document.toJS() as Record<string, unknown>;
    return Object.fromEntries(
      providerKeys.flatMap((key) => (typeof all[key] === 'string' ? [[key, all[key]] as const] : [])),
    );
  }

  /** The same file with this `config:` section. */
  withConfig(section: ConfigSection): StackConfig {
    const changed = StackConfig.parse(this.toString());
    const document = changed.#document;
    const before = this.config;
    if (!isMap(document.get('config'))) document.set('config', document.createNode({}));
    for (const key of Object.keys(before)) if (!Object.hasOwn(section, key)) document.deleteIn(['config', key]);
    for (const [key, value] of Object.entries(section)) {
      if (!isDeepStrictEqual(before[key], value)) document.setIn(['config', key], document.createNode(value));
    }
    return changed;
  }

  /**
   * Puts this in place of a file, whole or not at all. Its mode and owner stay as they are, and a link to it a link.
   *
   * @throws RewindError config/invalid
   */
  async replace(path: string): Promise<void> {
    const target = await realpath(path).catch(() => path);
    // Beside it, as only within one file system a file can take another's place.
    const draft = `${target}.${process.pid}.draft`;
    try {
      const known = await stat(target).catch(() => undefined);
      await writeFile(draft, this.toString(), { flush: true });
      if (known && process.getuid?.() === 0) await chown(draft, known.uid, known.gid);
      if (known) await chmod(draft, known.mode & 0o7777);
      await rename(draft, target);
    } catch (error) {
      throw new RewindError({
        code: 'config/invalid',
        message: `The stack configuration ${path} cannot be written: ${messageOf(error)}`,
        fix: 'Make it and its folder writable, and run the same command again.',
        cause: error,
      });
    } finally {
      await rm(draft, { force: true }).catch(() => undefined);
    }
  }

  toString(): string {
    return this.#document.toString({ lineWidth: 0, flowCollectionPadding: this.#isPadded });
  }
}

/** Paths of the secrets in a configuration value: where `{secure: …}` stands. */
export function securePaths(value: unknown, path: readonly string[] = []): string[][] {
  if (value === null || typeof value !== 'object') return [];
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === 'secure') return [[...path]];
  return Object.entries(value).flatMap(([key, inner]) => securePaths(inner, [...path, key]));
}
