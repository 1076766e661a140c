import type { Text } from '../sensitive';

/**
 * A container in a form in which what was declared and what the engine tells can be compared: one text per property, by
 * its path (`env.LOG_LEVEL`, `mount./data`). What is as an engine makes it by itself has no entry, in either.
 */
export type Form = ReadonlyMap<string, Text>;

/** Collects the entries of a form; an empty text is none. */
export class FormBuilder {
  readonly #entries = new Map<string, Text>();

  set(path: string, text: Text | number | undefined): void {
    const entry = typeof text === 'number' ? String(text) : text;
    if (entry !== undefined && entry !== '') this.#entries.set(path, entry);
  }

  /** Entries that may be empty texts: a variable or a label that is set to nothing is set all the same. */
  setAll(prefix: string, entries: Iterable<readonly [string, Text]>): void {
    for (const [key, text] of entries) this.#entries.set(`${prefix}.${key}`, text);
  }

  get form(): Form {
    return this.#entries;
  }
}

/** A list whose order says nothing. */
export function unordered(list: readonly string[] | null | undefined): string {
  return [...(list ?? [])].sort().join(', ');
}

/** Words of a command as one types them. */
export function words(list: readonly string[] | null | undefined): string {
  return (list ?? []).map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');
}

/** Bytes as people read them, exactly. */
export function size(bytes: number): string {
  if (bytes < 0) return 'unlimited';
  for (const [unit, factor] of units) if (bytes % factor === 0) return `${bytes / factor} ${unit}`;
  return `${bytes} bytes`;
}

const units = [
  ['GiB', 1024 ** 3],
  ['MiB', 1024 ** 2],
  ['KiB', 1024],
] as const;

/** Addresses of a published port: no address means all of IPv4, and with it, where the machine has it, of IPv6. */
export function addresses(bindings: readonly { readonly ip: string; readonly port: string }[]): string {
  const spelled = bindings.map(({ ip, port }) => ({ ip: ip === '' ? '0.0.0.0' : ip, port: port || '0' }));
  const everywhere = new Set(spelled.flatMap(({ ip, port }) => (ip === '0.0.0.0' ? [port] : [])));
  const told = spelled.filter(({ ip, port }) => !(ip === '::' && everywhere.has(port)));
  return unordered([...new Set(told.map(({ ip, port }) => `${ip}:${port === '0' ? 'any' : port}`))]);
}

/** A capability in one spelling. */
export function capabilities(list: readonly string[] | null | undefined): string {
  return unordered((list ?? []).map((name) => name.toUpperCase().replace(/^CAP_/, '')));
}

/** Options of the kernel's protection in one spelling; what an engine adds or takes out by itself is left out. */
export function securityOptions(list: readonly string[] | null | undefined, sharesProcesses: boolean): string {
  const options = (list ?? []).flatMap((option) => {
    const [name, value = 'true'] = [/^[^=:]+/.exec(option)?.[0] ?? option, /[=:]([^]*)$/.exec(option)?.[1]];
    if (name === 'systempaths') return [];
    if (name === 'label' && value === 'disable' && sharesProcesses) return [];
    return [`${name}=${name === 'seccomp' ? profile(value) : value}`];
  });
  return unordered([...new Set(options)]);
}

function profile(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}

/** JSON with the keys in order, for values that are compared as a whole. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** `KEY=value` in its two parts; undefined for a key alone, which takes a variable away. */
export function variable(text: string): readonly [string, string] | undefined {
  const at = text.indexOf('=');
  return at < 0 ? undefined : [text.slice(0, at), text.slice(at + 1)];
}
