/**
 * - broken: something does not run, or cannot do what it should
 * - changed: the live system is otherwise than what was released
 * - information: worth knowing; what runs is what was released
 */
export type Severity = 'broken' | 'changed' | 'information';

/**
 * What puts it right:
 *
 * - restart: the container is started, unpaused or restarted
 * - replace: the container, or the network with its containers, is made anew
 * - update: the running container is changed, or what is missing is made
 * - ddl: statements in the database
 * - adopt: nothing of the live system is wrong: it is the next deploy that decides
 * - none: nothing that Rewind could do
 */
export type Fix = 'restart' | 'replace' | 'update' | 'ddl' | 'adopt' | 'none';

/** One difference between what was released and what is there. No secret value is in it. */
export interface Finding {
  /** Says the same of the same difference each time: `container/api-1/env.LOG_LEVEL`. */
  readonly id: string;
  /** The service; `stack` for what belongs to none. */
  readonly group: string;
  /** What differs, in words: `environment variable LOG_LEVEL`. */
  readonly what: string;
  /** @default it is not declared */
  readonly declared?: string;
  /** @default it is not there */
  readonly live?: string;
  /** Since when, ISO 8601, where the engine tells. */
  readonly since?: string;
  /** What the engine tells of how it came about: `docker stop`, `out of memory`. */
  readonly by?: string;
  readonly severity: Severity;
  readonly fix: Fix;
  /** What is worth knowing besides. */
  readonly note?: string;
  /** Statements that do it to the database, and that undo it. @default it is not of the database's schema */
  readonly sql?: { readonly forth: string; readonly back: string };
}

/** Everything that belongs to no service. */
export const stackGroup = 'stack';

/** Something that finds differences of one kind. */
export interface DriftSource {
  /** The beginning of its findings' IDs, as `--only` takes it: `database`. */
  readonly name: string;
  /** Changes nothing. What cannot be looked at is a finding, and no error. */
  find(): Promise<readonly Finding[]>;
}

const order: readonly Severity[] = ['broken', 'changed', 'information'];

/** Findings by group, the stack's own last; within one the worst first. */
export function sorted(findings: readonly Finding[]): Finding[] {
  const key = ({ group, severity, id }: Finding): string =>
    `${group === stackGroup ? 1 : 0}${group}\0${order.indexOf(severity)}${id}`;
  return [...findings].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Whether a text that names findings means this one: its ID, the beginning or any part of it by `*`, or its group. */
export function isMeant({ id, group }: Pick<Finding, 'id' | 'group'>, text: string): boolean {
  const wanted = text.replace(/s?\/?$/, (end) =>
    kinds.has(text.replace(/\/$/, '')) && end.startsWith('s') ? '' : end,
  );
  if (group === text || id === text || id.startsWith(`${wanted.replace(/\/$/, '')}/`)) return true;
  const pattern = text.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return pattern.length > 1 && new RegExp(`^${pattern.join('.*')}$`).test(id);
}

/** Kinds of findings in the plural, as people name them. */
const kinds = new Set(['containers', 'images', 'files', 'networks', 'volumes', 'pulumis', 'databases']);
