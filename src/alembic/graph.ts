/** A migration, as the image that has it describes it. */
export interface Revision {
  readonly revision: string;
  /** Revisions that it follows; several for one that merges branches, none for the first of a branch. */
  readonly down: readonly string[];
  /** Revisions of other branches that have to be applied before it. */
  readonly dependsOn: readonly string[];
  readonly labels: readonly string[];
  /** First line of its docstring. */
  readonly about: string;
  /** Whether `upgrade` does anything. */
  readonly upgrades: boolean;
  /** Whether `downgrade` is there and does anything. */
  readonly downgrades: boolean;
}

/** Every migration of an image. */
export interface RevisionGraph {
  /** The table that its env.py keeps revisions in. @default it could not be found out without a database */
  readonly versionTable?: { readonly table: string; readonly schema?: string } | null;
  /** Revisions that nothing follows, sorted. */
  readonly heads: readonly string[];
  readonly revisions: readonly Revision[];
}

/** The way from where a database stands to where it is to stand. */
export interface MigrationPath {
  /** Revisions to undo, newest first. */
  readonly undo: readonly Revision[];
  /** Revisions to apply, oldest first. */
  readonly apply: readonly Revision[];
}

/** Whether a revision cannot be undone. One that merges branches does nothing either way. */
export function isOneWay({ upgrades, downgrades }: Pick<Revision, 'upgrades' | 'downgrades'>): boolean {
  return upgrades && !downgrades;
}

/** Whether an image has all these revisions. */
export function knows({ revisions }: RevisionGraph, wanted: readonly string[]): boolean {
  const there = new Set(revisions.map(({ revision }) => revision));
  return wanted.every((revision) => there.has(revision));
}

/**
 * The way between two states of a database, each told by its heads. Only what differs is undone and applied, whatever
 * branches there are.
 *
 * @param graph - of an image that knows both; see {@link knows}
 */
export function pathBetween(graph: RevisionGraph, from: readonly string[], to: readonly string[]): MigrationPath {
  const byName = new Map(graph.revisions.map((revision) => [revision.revision, revision]));
  const [applied, wanted] = [closure(byName, from), closure(byName, to)];
  const order = oldestFirst(byName);
  return {
    undo: order.filter(({ revision }) => applied.has(revision) && !wanted.has(revision)).reverse(),
    apply: order.filter(({ revision }) => wanted.has(revision) && !applied.has(revision)),
  };
}

/**
 * The migrations that a database at these revisions has, oldest first, each as a line of its revision and what it is
 * about; only the revisions where the image does not know them.
 */
export function describeRevisions(graph: RevisionGraph, at: readonly string[]): string[] {
  if (!knows(graph, at)) return [...at];
  return pathBetween(graph, [], at).apply.map(({ revision, about }) => `${revision} ${about}`.trim());
}

/** These revisions and everything that has to be applied before them. */
function closure(byName: ReadonlyMap<string, Revision>, heads: readonly string[]): Set<string> {
  const found = new Set<string>();
  const pending = [...heads];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const revision = byName.get(name);
    if (!revision || found.has(name)) continue;
    found.add(name);
    pending.push(...revision.down, ...revision.dependsOn);
  }
  return found;
}

function oldestFirst(byName: ReadonlyMap<string, Revision>): Revision[] {
  const sorted: Revision[] = [];
  const seen = new Set<string>();
  for (const name of [...byName.keys()].sort()) {
    // Without recursion: a long history is a long chain.
    const pending = [{ name, isDone: false }];
    for (let step = pending.pop(); step; step = pending.pop()) {
      const revision = byName.get(step.name);
      if (!revision) continue;
      if (step.isDone) sorted.push(revision);
      else if (!seen.has(step.name)) {
        seen.add(step.name);
        pending.push({ name: step.name, isDone: true });
        for (const before of [...revision.down, ...revision.dependsOn]) pending.push({ name: before, isDone: false });
      }
    }
  }
  return sorted;
}
