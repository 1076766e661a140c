import * as v from 'valibot';

const name = v.pipe(v.string(), v.nonEmpty());
const above0 = v.pipe(v.number(), v.gtValue(0));
const whole = v.pipe(v.number(), v.integer(), v.minValue(1));

const request = {
  /** The service to ask. */
  service: name,
  /** Its port in the container. @default the one that it publishes, if that is one */
  port: v.optional(v.pipe(whole, v.maxValue(65_535))),
  /** Path and query. */
  path: v.optional(v.pipe(v.string(), v.startsWith('/')), '/'),
  method: v.optional(v.picklist(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']), 'GET'),
  headers: v.optional(v.record(v.string(), v.string()), {}),
  /** A text is sent as it is, anything else as JSON. */
  body: v.optional(v.unknown()),
};

const expectation = {
  /** @default 200 to 299 */
  status: v.optional(v.union([whole, v.array(whole)])),
  /** What the answer has to have in it. */
  contains: v.optional(v.string()),
  /** By JSONPath, the value that the answer has there. */
  json: v.optional(v.record(v.pipe(v.string(), v.startsWith('$')), v.unknown())),
  /** JSONPaths where the answer has something. */
  has: v.optional(v.array(v.pipe(v.string(), v.startsWith('$'))), []),
  /** In milliseconds. */
  withinMs: v.optional(above0, 5000),
};

const http = v.strictObject({ name: v.optional(name), ...request, ...expectation });
export type HttpCheck = v.InferOutput<typeof http>;

const step = v.strictObject({
  ...request,
  ...expectation,
  /** By name, the JSONPath of a value that later steps use as `${name}`. */
  save: v.optional(v.record(v.string(), v.pipe(v.string(), v.startsWith('$'))), {}),
});
const workflow = v.strictObject({ name, steps: v.pipe(v.array(step), v.minLength(1)) });
export type Workflow = v.InferOutput<typeof workflow>;

const sql = v.strictObject({
  name: v.optional(name),
  /** One row with one value. */
  query: name,
  equals: v.optional(v.union([v.string(), v.number(), v.boolean()])),
  atLeast: v.optional(v.number()),
  atMost: v.optional(v.number()),
});
export type SqlCheck = v.InferOutput<typeof sql>;

const pattern = v.pipe(
  v.string(),
  v.check((text) => {
    try {
      return new RegExp(text) instanceof RegExp;
    } catch {
      return false;
    }
  }, 'is no regular expression'),
);

const logs = v.strictObject({
  /** Lines that are a failure. */
  critical: v.optional(v.array(pattern)),
  /** Lines that are none, whatever else is in them. */
  ignore: v.optional(v.array(pattern), []),
});

const load = v.strictObject({
  ...request,
  requests: v.optional(whole, 100),
  /** So many at a time. */
  concurrency: v.optional(whole, 4),
  /** Milliseconds that half, or nearly all, of the answers may take. */
  p50Ms: v.optional(above0),
  p95Ms: v.optional(above0, 1000),
});
export type Load = v.InferOutput<typeof load>;

/** `rewind:verify`, as it has to be. */
export const verifySchema = v.strictObject({
  http: v.optional(v.array(http), []),
  sql: v.optional(v.array(sql), []),
  workflows: v.optional(v.array(workflow), []),
  logs: v.optional(logs, {}),
  load: v.optional(v.array(load), []),
  monitoring: v.optional(v.array(http), []),
  /** Part of its rows that a table may have lost since the last look, in percent. */
  rowsLost: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(100)), 10),
});

/** `rewind:verify`: what is looked at beyond what the compose file tells. */
export type VerifySettings = v.InferOutput<typeof verifySchema>;
