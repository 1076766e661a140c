import { setTimeout as sleep } from 'node:timers/promises';

import type Docker from 'dockerode';

import { composeLabel, stackLabel } from '../container/labels';
import { mask } from '../container/project-secrets';
import type { Finding } from '../drift/finding';
import { loggedStatements, originIn } from '../drift/postgres-log';
import { RewindError } from '../errors';
import type { PostgresServer } from '../postgres/server';
import type { ReleaseRecord } from '../releases/record';
import { parseKey } from '../releases/seal';
import type { StackSettings } from '../settings';
import { logOf } from '../verify/container-probes';
import { versionTableOf } from './open-database';
import type { ListedEngine } from './open-scene';
import { openServer } from './open-server';
import { settingsOf } from './release-side';
import { openCatalogue } from './released-catalogue';
import { SchemaDrift } from './schema-drift';
import type { StackContext } from './stack-context';

/** What the database of a stack is looked at with; each is waited for when it is needed. */
export interface DatabaseDriftOptions {
  readonly context: StackContext;
  /** The release that is held against. */
  readonly record: ReleaseRecord;
  readonly engine: Promise<ListedEngine>;
  /** `rewind:key`. */
  readonly key: Promise<string | undefined>;
  /** Today's settings, with their secrets. */
  readonly today: Promise<StackSettings>;
}

/** What of a release's database is not as it was; nothing for a release without one. Never fails for the database's sake. */
export async function databaseFindings(options: DatabaseDriftOptions): Promise<readonly Finding[]> {
  const { context, record, engine, key, today } = options;
  const { database } = settingsOf(record.config);
  if (!database) return [];
  const { engine: connected, inventory } = await engine;
  const container = inventory.containers.find(
    ({ Labels: labels }) => labels[stackLabel] === context.name && labels[composeLabel('service')] === database.service,
  );
  const isStarting = /^Up (Less|\d+ second)/.test(container?.Status ?? '');
  const findings = await new SchemaDrift({
    service: database.service,
    open: () => patiently(() => openServer(connected.docker, inventory.containers, context.name, database), isStarting),
    ...(record.catalogue !== undefined && {
      catalogue: async () => {
        const parsed = parseKey((await key) ?? '');
        return parsed && openCatalogue(context.releases, parsed, record);
      },
    }),
    ...(record.database && { released: record.database }),
    versionTable: versionTableOf(database),
    hasMigrations: database.alembic !== undefined,
    checks: async () => (await today).verify.sql,
  }).find();
  if (!container || !findings.some(({ sql }) => sql)) return findings;
  return withOrigins(findings, connected.docker.getContainer(container.Id), record.finishedAt);
}

const logLines = 20_000;

/** The same with since when and by whom, where the server has logged it since a time. */
async function withOrigins(
  findings: readonly Finding[],
  container: Docker.Container,
  since: string,
): Promise<readonly Finding[]> {
  const lines = await logOf(container, since, { tail: logLines, timestamps: true }).catch(() => []);
  const statements = loggedStatements(lines);
  if (statements.length === 0) return findings;
  return findings.map((it) => (it.sql ? { ...it, ...originIn(statements, it.id) } : it));
}

/** So long a database that was started within the last minute may take to answer, in milliseconds. */
const patienceMs = 5000;

/** A database that is on its way up is none that is down. */
async function patiently(open: () => Promise<PostgresServer>, isStarting: boolean): Promise<PostgresServer> {
  for (const end = Date.now() + patienceMs; ;) {
    try {
      return await open();
    } catch (error) {
      const mayCome = error instanceof RewindError && error.code === 'database/unreachable';
      if (!isStarting || !mayCome || Date.now() >= end) throw error;
    }
    await sleep(250);
  }
}

/** Texts that SQL gives as passwords: of roles, of connections of subscriptions and foreign servers. */
const passwords = /(password\w*['"]?\s*=?\s*E?)'(?:[^']|'')*'|(password=)[^\s']+/gi;

/** A finding whose SQL shows no secret: a default, the body of a function or an option may have one in it. */
export function maskedSql(finding: Finding, secrets: ReadonlySet<string>): Finding {
  const shown = (text: string): string =>
    mask(text, secrets).replaceAll(passwords, (_all, quoted?: string, plain?: string) =>
      quoted === undefined ? `${plain}[secret]` : `${quoted}'[secret]'`,
    );
  const { live, sql, note } = finding;
  return {
    ...finding,
    ...(live !== undefined && { live: shown(live) }),
    ...(note !== undefined && { note: shown(note) }),
    ...(sql && { sql: { forth: shown(sql.forth), back: shown(sql.back) } }),
  };
}
