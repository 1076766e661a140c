import { messageOf, RewindError } from '../errors';
import { readLiveSchema } from '../postgres/live-schema';
import { readValue } from '../postgres/read-only';
import { readRevisions, revisionNames, type VersionTable } from '../postgres/revisions';
import { type PostgresServer, versionName } from '../postgres/server';
import { SnapshotSession } from '../postgres/session';
import type { ReleasedDatabase } from '../releases/record';
import { findingOf, type SchemaFinding } from '../schema/finding';
import { catalogueIn } from '../schema/read-catalogue';
import type { Catalogue } from '../schema/row';
import { SchemaComparison } from '../schema/schema-drift';
import { misfit } from '../verify/database-probes';
import type { SqlCheck } from '../verify/settings';

/** What the database is compared with. */
export interface SchemaDriftOptions {
  /** Opens the server. */
  readonly open: () => Promise<PostgresServer>;
  /** The service with the database. */
  readonly service: string;
  /** What the release has kept. @default it is of an earlier version: then only the fingerprint tells */
  readonly catalogue?: Catalogue;
  readonly released?: ReleasedDatabase;
  readonly versionTable?: VersionTable;
  /** Checks that have to hold: `rewind:verify.sql`. @default none */
  readonly checks?: readonly SqlCheck[];
}

/** The database beside the release that runs: revision, every object of the schema, and what is to hold of its rows. */
export class SchemaDrift {
  readonly #options: SchemaDriftOptions;

  constructor(options: SchemaDriftOptions) {
    this.#options = options;
  }

  /** Everything that is not as it was. Never fails: that the database cannot be read is a finding. */
  async find(): Promise<SchemaFinding[]> {
    try {
      const server = await this.#options.open();
      const [schema, rows] = await Promise.all([this.#schema(server), this.#checks(server)]);
      return [...schema, ...rows];
    } catch (error) {
      if (!(error instanceof RewindError)) throw error;
      return [
        this.#finding(
          'unreachable',
          'the database cannot be looked at',
          'answers',
          messageOf(error),
          'broken',
          error.fix,
        ),
      ];
    }
  }

  async #schema(server: PostgresServer): Promise<SchemaFinding[]> {
    const { catalogue, released, service, versionTable } = this.#options;
    if (!catalogue) return this.#fingerprint(server);
    const { live, revisions } = await SnapshotSession.use(server, server.database, async (session) => ({
      live: await catalogueIn(session, server.version),
      revisions: await readRevisions(session, released?.versionTable ?? versionTable),
    }));
    const comparison = new SchemaComparison(catalogue, live, server.database);
    const major = (version: number): number => Math.floor(version / 10_000);
    const isOther = major(live.version) !== major(catalogue.version);
    return [
      ...this.#revision(revisions),
      ...(isOther
        ? [
            this.#finding(
              'version',
              'the server is of another version, which may write the same definitions otherwise',
              versionName(catalogue.version),
              versionName(live.version),
              'information',
            ),
          ]
        : []),
      ...comparison.differences().map((it) => findingOf(it, service)),
    ];
  }

  /** Of a release without a catalogue it is known whether something has changed, not what. */
  async #fingerprint(server: PostgresServer): Promise<SchemaFinding[]> {
    const { released, versionTable } = this.#options;
    if (!released) return [];
    const { revisions, fingerprint } = await readLiveSchema(server, released.versionTable ?? versionTable);
    if (released.schema === undefined || released.schema === fingerprint) return this.#revision(revisions);
    return [
      ...this.#revision(revisions),
      this.#finding(
        'schema',
        'something in the schema was changed',
        released.schema,
        fingerprint,
        'changed',
        'What it is can be told of releases that this version of Rewind has made.',
      ),
    ];
  }

  #revision(revisions: readonly string[]): SchemaFinding[] {
    const { released } = this.#options;
    if (!released) return [];
    const [wanted, found] = [[...released.revisions].sort(), [...revisions].sort()].map(revisionNames);
    if (wanted === found) return [];
    const note = 'Move it with rewind deploy or rewind revert, which snapshot it first.';
    return [this.#finding('revision', 'the schema stands at another revision', wanted!, found!, 'broken', note)];
  }

  async #checks(server: PostgresServer): Promise<SchemaFinding[]> {
    const findings: SchemaFinding[] = [];
    for (const check of this.#options.checks ?? []) {
      const name = check.name ?? check.query.replaceAll(/\s+/g, ' ').trim();
      const why = await readValue(server, check.query).then(
        (value) => misfit(value, check),
        (error: unknown) => messageOf(error).split('\n')[0]!,
      );
      if (why !== undefined)
        findings.push(this.#finding(`check ${name}`, `${name} does not hold`, 'holds', why, 'broken'));
    }
    return findings;
  }

  #finding(
    id: string,
    what: string,
    declared: string,
    live: string,
    severity: SchemaFinding['severity'],
    note?: string,
  ): SchemaFinding {
    const finding = { id: `database/${id}`, group: this.#options.service, what, declared, live, severity } as const;
    return { ...finding, fix: 'none', ...(note !== undefined && { note }) };
  }
}
