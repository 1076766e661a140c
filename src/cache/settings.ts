import * as v from 'valibot';

const command = v.pipe(v.array(v.pipe(v.string(), v.nonEmpty())), v.minLength(1));

/** `rewind:cache`, as it has to be. */
export const cacheSchema = v.strictObject({
  service: v.pipe(v.string(), v.nonEmpty()),
  /** Empties it, run in its container. */
  flush: v.optional(command, ['redis-cli', 'FLUSHDB']),
  /** Says what is in it. */
  show: v.optional(command, ['redis-cli', 'INFO', 'keyspace']),
});

/** The service that may be emptied at any time, and how. */
export type CacheSettings = v.InferOutput<typeof cacheSchema>;
