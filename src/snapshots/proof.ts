/** How a test of a snapshot ended: it was restored into a database of its own and held against its manifest. */
export interface SnapshotProof {
  /** ISO 8601. */
  readonly at: string;
  readonly seconds: number;
  readonly ok: boolean;
  /** What came back otherwise, or why it could not be restored. Empty if it is restorable. */
  readonly findings: readonly string[];
}

/** Reads what the store has; what it cannot read is no proof. */
export function parseProof(text: string): SnapshotProof | undefined {
  try {
    return JSON.parse(text) as SnapshotProof;
  } catch {
    return undefined;
  }
}
