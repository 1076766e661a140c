/** How a test of a snapshot ended: it was restored into a database of its own and held against its manifest. */
export interface SnapshotProof {
  /** ISO 8601. */
  readonly at: string;
  readonly seconds: number;
  readonly ok: boolean;
  /** What came back otherwise, or why it could not be restored. Empty if it is restorable. */
  readonly findings: readonly string[];
  /** What it has restored, if that was left on the server. @default it was removed */
  readonly ready?: ReadyDatabase;
}

/** A database on the server that holds what a snapshot does. */
export interface ReadyDatabase {
  readonly name: string;
  /** What names it for as long as it is there, whatever it is called. */
  readonly id: number;
}

/** Reads what the store has; what it cannot read is no proof. */
export function parseProof(text: string): SnapshotProof | undefined {
  try {
    return JSON.parse(text) as SnapshotProof;
  } catch {
    return undefined;
  }
}
