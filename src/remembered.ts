/** The same answer each time, but for a failure: then it is asked anew. */
export function remembered<T>(work: () => Promise<T>): () => Promise<T> {
  let known: Promise<T> | undefined;
  return () =>
    (known ??= work().catch((error: unknown) => {
      known = undefined;
      throw error;
    }));
}
