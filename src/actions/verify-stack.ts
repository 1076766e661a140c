import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { mask } from '../container/project-secrets';
import { connect } from '../docker/engine';
import { messageOf } from '../errors';
import type { RecordedVerification } from '../operations/record';
import type { ReleaseRecord } from '../releases/record';
import { remembered } from '../remembered';
import { replaceFile } from '../store/write';
import { containerProbes } from '../verify/container-probes';
import { databaseProbes } from '../verify/database-probes';
import { httpProbes } from '../verify/http-probes';
import { lookingAt } from '../verify/live-service';
import { type Level, levels, type Probe, type ProbeResult, runProbes } from '../verify/probe';
import type { RowCounts } from '../verify/row-counts';
import { secretsIn } from '../verify/secrets';
import { readLookedAt } from './looked-at';
import { openDatabase } from './open-database';
import type { StackContext } from './stack-context';

/** What a verification found. */
export interface Verification {
  /** `project/stack`. */
  readonly stack: string;
  /** The release that is held against. */
  readonly release: number;
  readonly level: Level;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly seconds: number;
  readonly ok: boolean;
  readonly probes: readonly ProbeResult[];
}

/** How closely a stack is looked at. */
export interface VerifyOptions {
  readonly context: StackContext;
  readonly level: Level;
  readonly onResult?: (result: ProbeResult) => void;
  readonly signal?: AbortSignal;
}

/** However slow a stack is, a verification ends: 5, 10 and 30 minutes, in milliseconds. */
const limits: Readonly<Record<Level, number>> = { immediate: 300_000, functional: 600_000, full: 1_800_000 };

/**
 * Looks whether a stack is as its newest release says, and does what it should. Changes nothing, but for what a declared
 * workflow does. All that is wrong is told.
 *
 * @throws RewindError release/unknown, release/damaged, config/invalid, docker/…
 */
export async function verifyStack({ context, level, onResult, signal }: VerifyOptions): Promise<Verification> {
  const started = new Date();
  const { probes, record, secrets } = await probesOf(context, level);
  const found = await runProbes(probes, {
    limitMs: limits[level],
    onResult: (result) => onResult?.(masked(result, secrets)),
    ...(signal && { signal }),
  });
  const results = found.map((result) => masked(result, secrets));
  return {
    stack: context.name,
    release: record.number,
    level,
    startedAt: started.toISOString(),
    seconds: (Date.now() - started.getTime()) / 1000,
    ok: results.every(({ ok }) => ok),
    probes: results,
  };
}

/**
 * The same for the record of an operation. A stack that cannot be looked at is not known to be as it should: that counts as
 * a failure.
 *
 * @throws what has ended it, if it was asked to stop
 */
export async function recordedVerification(
  context: StackContext,
  level: Level,
  signal?: AbortSignal,
): Promise<RecordedVerification> {
  const started = Date.now();
  const { ok, probes } = await verifyStack({ context, level, ...(signal && { signal }) }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    const seconds = (Date.now() - started) / 1000;
    const failed = { name: 'the stack can be looked at', level, ok: false, said: messageOf(error), seconds };
    return { ok: false, probes: [failed] };
  });
  return { level, ok, seconds: (Date.now() - started) / 1000, probes };
}

interface Planned {
  readonly probes: readonly Probe[];
  readonly record: ReleaseRecord;
  readonly secrets: ReadonlySet<string>;
}

async function probesOf(context: StackContext, level: Level): Promise<Planned> {
  const [{ record, settings }, { docker }] = await Promise.all([readLookedAt(context), connect()]);
  const look = lookingAt(docker, context.name);
  const services = await look();
  const secrets = secretsIn([...services.values()].flatMap(({ containers }) => containers));
  const rowsFile = join(context.releases.folder, 'verified-rows.json');
  const before = await readRows(rowsFile);
  const { verify, database } = settings;
  const all = [
    // What takes longest begins first.
    ...(database
      ? databaseProbes({
          open: remembered(() => openDatabase(context)),
          service: database.service,
          released: record.database,
          settings: verify,
          ...(before && { before }),
          onRows: (rows) => void writeRows(rowsFile, rows).catch(() => undefined), // compared with none the next time
        })
      : []),
    ...containerProbes({
      docker,
      record,
      look,
      services,
      logs: verify.logs,
      ...(database && { database: database.service }),
    }),
    ...httpProbes(verify, services, look),
  ];
  const wanted = levels.slice(0, levels.indexOf(level) + 1);
  return { probes: all.filter((probe) => wanted.includes(probe.level)), record, secrets };
}

async function readRows(file: string): Promise<RowCounts | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as RowCounts;
  } catch {
    return undefined; // never looked at, or cut short
  }
}

async function writeRows(file: string, rows: RowCounts): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await replaceFile(file, JSON.stringify(rows));
}

/** What a service answers, or has logged, may have a secret in it. */
function masked(result: ProbeResult, secrets: ReadonlySet<string>): ProbeResult {
  const { said, evidence, retried } = result;
  return {
    ...result,
    said: mask(said, secrets),
    ...(evidence !== undefined && { evidence: mask(evidence, secrets) }),
    ...(retried && { retried: retried.map((why) => mask(why, secrets)) }),
  };
}
