import { knows, type RevisionGraph } from '../alembic/graph';
import { RewindError } from '../errors';

/** An image that knows the way between two states of a database. */
export interface Mover {
  /** Immutable ID. */
  readonly image: string;
  readonly graph: RevisionGraph;
}

/**
 * The first image that has all these revisions. One that cannot be asked has none.
 *
 * @param images - IDs, in the order in which they are asked
 * @param revisions - where the database stands, and where it is to stand
 */
export async function chooseMover(
  images: readonly string[],
  revisions: readonly string[],
  graphOf: (image: string) => Promise<RevisionGraph>,
): Promise<Mover | undefined> {
  for (const image of new Set(images)) {
    const graph = await graphOf(image).catch((error: unknown) => {
      if (error instanceof RewindError) return undefined;
      throw error;
    });
    if (graph && knows(graph, revisions)) return { image, graph };
  }
  return undefined;
}
