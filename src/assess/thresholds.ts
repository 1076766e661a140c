import * as v from 'valibot';

const part = v.pipe(v.number(), v.gtValue(0), v.maxValue(1));
const above0 = v.pipe(v.number(), v.gtValue(0));
const whole = v.pipe(v.number(), v.integer(), v.minValue(1));

/** `rewind:assess`: from where on something is a trigger. */
export const thresholdsSchema = v.strictObject({
  /** Restarts of a container that never stays up. */
  startAttempts: v.optional(whole, 3),
  /** Ends of a container's process within {@link windowMinutes} that are a loop. */
  loopEnds: v.optional(whole, 3),
  windowMinutes: v.optional(above0, 10),
  /** Milliseconds. */
  slowMs: v.optional(above0, 5000),
  /** Part of the requests that fail. */
  errorRate: v.optional(part, 0.05),
  /** Part of the processors that a container may use, or of the time in which the kernel holds it back. */
  cpu: v.optional(part, 0.95),
  /** Part of the memory that a container may use. */
  memory: v.optional(part, 0.9),
  /** Part of a disk that is full. */
  disk: v.optional(part, 0.9),
  /** Lines of an application's log, within {@link windowMinutes}, that say that the database is lost. */
  lostLines: v.optional(whole, 3),
});

export type Thresholds = v.InferOutput<typeof thresholdsSchema>;

export const defaultThresholds: Thresholds = v.parse(thresholdsSchema, {});
