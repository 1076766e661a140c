import type { Finding, Severity } from './finding';

/** What a watch knows of itself and of its stack. */
export interface WatchState {
  /** `project/stack`. */
  readonly stack: string;
  /** The release that is held against. @default nothing was looked at yet */
  readonly release?: number;
  readonly findings: readonly Pick<Finding, 'id' | 'severity'>[];
  /** Differences that a rule leaves out. */
  readonly ignored: number;
  readonly looks: number;
  /** Looks that could not be made. */
  readonly failures: number;
  /** Why the last one could not. @default it could */
  readonly failure?: string;
  readonly events: number;
  readonly fixes: number;
  /** When the last look was made. @default none was yet */
  readonly lookedAt?: Date;
  /** How long that took. */
  readonly seconds: number;
}

const severities: readonly Severity[] = ['broken', 'changed', 'information'];

/** As Prometheus reads it: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
export function metricsText(state: WatchState): string {
  const { stack, release, findings, ignored, looks, failures, events, fixes, lookedAt, seconds } = state;
  const of = (more: Readonly<Record<string, string>> = {}): string =>
    `{${Object.entries({ stack, ...more })
      .map(
        ([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
      )
      .join(',')}}`;
  const kinds = [...new Set(findings.map(({ id }) => kindOf(id)))].sort();
  const counts = severities.flatMap((severity) => {
    const found = kinds.map((kind) => [
      kind,
      findings.filter((it) => it.severity === severity && kindOf(it.id) === kind),
    ]);
    return found.flatMap(([kind, its]) =>
      its!.length === 0 ? [] : [`${of({ severity, kind: kind as string })} ${its!.length}`],
    );
  });
  const totals = severities.map(
    (severity) => `${of({ severity })} ${findings.filter((it) => it.severity === severity).length}`,
  );
  return [
    ...metric('rewind_drift_findings', 'gauge', 'Differences between the newest release and what is there.', totals),
    ...metric('rewind_drift_findings_by_kind', 'gauge', 'The same by what differs.', counts),
    ...metric('rewind_drift_ignored', 'gauge', 'Differences that rewind:drift leaves out.', [`${of()} ${ignored}`]),
    ...metric(
      'rewind_drift_release',
      'gauge',
      'Number of the release that is held against.',
      release === undefined ? [] : [`${of()} ${release}`],
    ),
    ...metric('rewind_drift_looks_total', 'counter', 'Looks at the stack.', [
      `${of({ result: 'made' })} ${looks}`,
      `${of({ result: 'failed' })} ${failures}`,
    ]),
    ...metric('rewind_drift_events_total', 'counter', 'Events of the engine that were seen.', [`${of()} ${events}`]),
    ...metric('rewind_drift_fixes_total', 'counter', 'Times that something was put right.', [`${of()} ${fixes}`]),
    ...metric('rewind_drift_look_seconds', 'gauge', 'How long the last look took.', [`${of()} ${seconds}`]),
    ...metric(
      'rewind_drift_last_look_timestamp_seconds',
      'gauge',
      'When the last look was made.',
      lookedAt ? [`${of()} ${lookedAt.getTime() / 1000}`] : [],
    ),
    '',
  ].join('\n');
}

function metric(name: string, type: string, help: string, samples: readonly string[]): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map((sample) => `${name}${sample}`)];
}

function kindOf(id: string): string {
  return id.slice(0, id.indexOf('/'));
}
