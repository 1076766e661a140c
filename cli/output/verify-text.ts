import type { Verification } from '../../src/actions/verify-stack';
import { releaseName } from '../../src/releases/record';
import type { ProbeResult } from '../../src/verify/probe';

/** A probe's result: one line, and below it what one needs to know of a failure. */
export function probeLines({ ok, name, said, evidence, retried }: ProbeResult): string {
  const more = [
    ...(retried ? [`looked at ${retried.length + 1} times; at first: ${retried[0]}`] : []),
    ...(evidence === undefined ? [] : evidence.split('\n')),
  ];
  return [`${ok ? '✔' : '✘'} ${name}: ${said}`, ...(ok ? [] : more.map((line) => `    ${line}`))].join('\n');
}

/** What came of all of them, in a line. */
export function verdictText({ probes, release, level, seconds }: Verification): string {
  const failed = probes.filter(({ ok }) => !ok);
  const time = `${seconds.toFixed(1)} s`;
  if (failed.length === 0)
    return `${releaseName(release)} is as it should be: ${probes.length} probes, level ${level} (${time}).`;
  const services = [...new Set(failed.flatMap(({ service }) => service ?? []))].sort();
  const where = services.length === 0 ? '' : `: ${services.join(', ')}`;
  return `${failed.length} of ${probes.length} probes failed${where} (level ${level}, ${time}).`;
}
