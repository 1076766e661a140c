/**
 * An output of the program, for `export const`. Pulumi comes to the outputs only when the whole program has been read;
 * one that has failed by then is not to be taken for a failure that nobody handles.
 */
export function stackOutput<T, U>(source: Promise<T>, pick: (value: T) => U): Promise<U> {
  const output = source.then(pick);
  output.catch(() => undefined);
  return output;
}
