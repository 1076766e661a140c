import * as v from 'valibot';

import { type Finding, isMeant } from './finding';

const day = v.pipe(v.string('is no text'), v.isoDate('is no day like 2026-12-31'));

/** `rewind:drift`: what is known, and by when it is to be gone. */
export const driftSchema = v.strictObject({
  ignore: v.optional(
    v.array(
      v.strictObject({
        /** IDs of findings, with `*` for any text: `container/api-1/env.*`. */
        what: v.pipe(v.string(), v.nonEmpty('is empty')),
        reason: v.pipe(v.string(), v.nonEmpty('is empty')),
        /** The last day on which it holds. */
        until: day,
      }),
    ),
    [],
  ),
});

export type DriftSettings = v.InferOutput<typeof driftSchema>;

/** A difference that is known, and why it is left. */
export interface Ignored extends Finding {
  readonly reason: string;
  readonly until: string;
}

/** Findings apart by the rules, and rules that have come to their end. */
export function withRules(
  findings: readonly Finding[],
  { ignore }: DriftSettings,
  now: Date,
): { readonly findings: Finding[]; readonly ignored: Ignored[]; readonly ended: DriftSettings['ignore'] } {
  const today = now.toISOString().slice(0, 10);
  const holding = ignore.filter(({ until }) => until >= today);
  const left: Finding[] = [];
  const ignored: Ignored[] = [];
  for (const finding of findings) {
    const rule = holding.find(({ what }) => isMeant(finding, what));
    if (rule) ignored.push({ ...finding, reason: rule.reason, until: rule.until });
    else left.push(finding);
  }
  return { findings: left, ignored, ended: ignore.filter(({ until }) => until < today) };
}
