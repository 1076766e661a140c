import * as v from 'valibot';

/** What others are told of. */
export const notifyEvents = ['start', 'success', 'failure', 'trigger', 'drift'] as const;
export type NotifyEvent = (typeof notifyEvents)[number];

/** As whom a webhook is spoken to. */
export const notifyFormats = ['json', 'slack', 'teams'] as const;

const on = v.optional(v.array(v.picklist(notifyEvents)), [...notifyEvents]);
const url = v.pipe(
  v.string(),
  v.check((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'is no http or https URL'),
);

const target = v.union([
  v.strictObject({ url, format: v.optional(v.picklist(notifyFormats), 'json'), on }),
  v.strictObject({
    /** Run without a shell; the event comes by its standard input, as JSON. */
    command: v.pipe(v.array(v.pipe(v.string(), v.nonEmpty())), v.minLength(1)),
    on,
  }),
]);

/** `rewind:notify`, as it has to be. */
export const notifySchema = v.array(target);

/** Somebody who is told of what happens to a stack. */
export type NotifyTarget = v.InferOutput<typeof target>;
