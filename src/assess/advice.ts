import { type Cascade, findCascades } from './cascade';
import type { Evidence } from './evidence';
import type { Hit, Trigger } from './triggers';

/** What is to be done. */
export type Strategy = 'nothing' | 'watch' | 'restart' | 'configuration' | 'revert' | 'fix-forward';

/** What is recommended, and why. */
export interface Advice {
  readonly strategy: Strategy;
  /** In one sentence. */
  readonly why: string;
  /** What to type. @default there is nothing to type */
  readonly command?: string;
}

/** What the rules decide by. */
interface Situation {
  readonly hits: readonly Hit[];
  readonly kinds: ReadonlySet<Trigger['kind']>;
  readonly ids: ReadonlySet<string>;
  readonly evidence: Evidence;
  readonly cascades: readonly Cascade[];
  /** Whether what holds may have come with the running release: it began after that, and there is one to go back to. */
  readonly cameWithRelease: boolean;
}

/** One row of the table: the first whose condition holds decides. */
interface Rule {
  /** The condition in words, for the documentation. */
  readonly when: string;
  readonly holds: (situation: Situation) => boolean;
  readonly advice: (situation: Situation) => Advice;
}

const minute = 60_000;
/** Whatever begins so long after a release is hardly its doing, in minutes. */
const blameMinutes = 24 * 60;
/** A release that is younger is watched more closely. */
const freshMinutes = 15;

/** The table of rules. docs/assess.md is made of it. */
export const rules: readonly Rule[] = [
  {
    when: 'a security problem was declared',
    holds: ({ ids }) => ids.has('security'),
    advice: ({ evidence: { change, security, leaked = [] } }) =>
      change
        ? {
            strategy: 'revert',
            why: `${security}: the release before does not have it${leaked.length > 0 ? '; what has leaked gets a new value' : '; secrets that may have leaked are to be rotated as well (--rotate)'}`,
            command: ['rewind revert', change.before, ...leaked.map((names) => `--rotate ${names}`)].join(' '),
          }
        : {
            strategy: 'fix-forward',
            why: `${security}: there is no earlier release to go back to`,
            command: 'rewind deploy',
          },
  },
  {
    when: 'a migration has failed, or the revision and the image do not belong together',
    holds: ({ ids, evidence }) =>
      (ids.has('migration-failed') || ids.has('revision-mismatch')) && evidence.change !== undefined,
    advice: ({ evidence: { change } }) => ({
      strategy: 'revert',
      why: 'the schema and the application do not fit: going back moves both, after a snapshot',
      command: `rewind revert ${change!.before}`,
    }),
  },
  {
    when: 'services run other images than the release says, and nothing else holds',
    holds: ({ kinds }) => kinds.size === 1 && kinds.has('drift'),
    advice: () => ({
      strategy: 'restart',
      why: 'somebody has replaced containers by hand: the engine puts back what the release says',
      command: 'pulumi up --refresh',
    }),
  },
  {
    when: 'a disk is nearly full, and no service is down',
    holds: ({ ids, kinds }) => ids.has('disk-nearly-full') && !kinds.has('service'),
    advice: () => ({
      strategy: 'fix-forward',
      why: 'an earlier release needs as much room: make some',
      command: 'docker system df; rewind snapshot prune --keep 10 --databases',
    }),
  },
  {
    when: 'services fail since the release, which has changed nothing but configuration',
    holds: ({ kinds, cameWithRelease, evidence: { change } }) =>
      kinds.has('service') && cameWithRelease && change !== undefined && change.images.length === 0 && !change.database,
    advice: ({ evidence: { change } }) => ({
      strategy: 'configuration',
      why: `the release has changed only configuration (${change!.configuration.join(', ') || 'nothing that is known'})`,
      command: `rewind revert ${change!.before}`,
    }),
  },
  {
    when: 'services fail, or run out of memory, since the release',
    holds: ({ kinds, ids, cameWithRelease, evidence: { change } }) =>
      (kinds.has('service') || ids.has('out-of-memory')) && cameWithRelease && change !== undefined,
    advice: ({ evidence: { change, release } }) => ({
      strategy: 'revert',
      why: `it began with ${release}, and ${change!.before} ran without it`,
      command: `rewind revert ${change!.before}`,
    }),
  },
  {
    when: 'the data fails its checks, or the schema was changed by hand',
    holds: ({ kinds }) => kinds.has('data'),
    advice: () => ({
      strategy: 'fix-forward',
      why: 'going back would not change the data; restoring it loses what was written since, which rewind plan --loss counts',
      command: 'rewind plan --loss',
    }),
  },
  {
    when: 'services are down or fail, and the release is not the reason',
    holds: ({ kinds }) => kinds.has('service'),
    advice: ({ cascades, hits }) => {
      const services =
        cascades.length > 0
          ? cascades.map(({ cause }) => cause)
          : [...new Set(hits.flatMap(({ service }) => service ?? []))];
      return {
        strategy: 'restart',
        why: 'it ran before with the same release: an ordered restart brings it back unless something else is broken',
        command: `rewind restart ${services.join(' ')}`.trim(),
      };
    },
  },
  {
    when: 'answers are slow, or the processor or memory is used up, since a fresh release',
    holds: ({ kinds, cameWithRelease, evidence }) =>
      kinds.has('performance') && cameWithRelease && evidence.now - evidence.releasedAt < freshMinutes * minute,
    advice: () => ({
      strategy: 'watch',
      why: 'a release that has just started may still warm up: look again for 15 minutes',
      command: 'rewind assess --watch 15m',
    }),
  },
  {
    when: 'answers are slow, or the processor or memory is used up',
    holds: ({ kinds }) => kinds.has('performance'),
    advice: ({ hits }) => ({
      strategy: 'restart',
      why: 'nothing is broken, but something is worn out: restart it in order, and watch',
      command: `rewind restart ${[...new Set(hits.flatMap(({ service }) => service ?? []))].join(' ')}`.trim(),
    }),
  },
  {
    when: 'no trigger holds',
    holds: ({ hits }) => hits.length === 0,
    advice: () => ({ strategy: 'nothing', why: 'no trigger holds' }),
  },
];

/** Decides what is to be done. */
export function advise(hits: readonly Hit[], evidence: Evidence): Advice {
  const situation: Situation = {
    hits,
    evidence,
    kinds: new Set(hits.map(({ trigger }) => trigger.kind)),
    ids: new Set(hits.map(({ trigger }) => trigger.id)),
    cascades: findCascades(hits, evidence.services),
    cameWithRelease: cameWithRelease(hits, evidence),
  };
  return rules.find(({ holds }) => holds(situation))!.advice(situation);
}

function cameWithRelease(hits: readonly Hit[], { change, releasedAt, now }: Evidence): boolean {
  if (!change) return false;
  const known = hits.flatMap(({ since }) => since ?? []);
  const first = known.length === 0 ? now : Math.min(...known);
  // What was so before the release was there already.
  return first >= releasedAt - minute && first - releasedAt < blameMinutes * minute;
}
