import type { Finding, Fix } from '../drift/finding';
import { messageOf, RewindError } from '../errors';
import { readLiveSchema } from '../postgres/live-schema';
import { readValue } from '../postgres/read-only';
import { readRevisions, revisionNames, type VersionTable } from '../postgres/revisions';
import { type PostgresServer, versionName } from '../postgres/server';
import { SnapshotSession } from '../postgres/session';
import type { ReleasedDatabase } from '../releases/record';
import { findingOf } from '../schema/finding';
import { catalogueIn } from '../schema/read-catalogue';
import type { Catalogue } from '../schema/row';
import { SchemaComparison } from '../schema/comparison';
import { misfit } from '../verify/database-probes';
import type { SqlCheck } from '../verify/settings';

/** What the database is compared with. */
export interface SchemaDriftOptions {
  /** Opens the server. */
  readonly open: () => Promise<PostgresServer>;
  /** The service with the database. */
  readonly service: string;
  /** Opens what the release has kept. @default it is of an earlier version: then only the fingerprint tells */
  readonly catalogue?: () => Promise<Catalogue | undefined>;
  readonly released?: ReleasedDatabase;
  readonly versionTable?: VersionTable;
  /** Whether an update moves the schema to where it is to stand: there are migrations. @default false */
  readonly hasMigrations?: boolean;
  /** Reads the checks that have to hold: `rewind:verify.sql`. @default there are none */
  readonly checks?: () => Promise<readonly SqlCheck[]>;
}

/** The database beside the release that runs: revision, every object of the schema, and what is to hold of its rows. */
export class SchemaDrift {
  readonly #options: SchemaDriftOptions;

  constructor(options: SchemaDriftOptions) {
    this.#options = options;
  }

  /** Everything that is not as it was. Never fails: that the database cannot be read is a finding. */
  async find(): Promise<Finding[]> {
    try {
      const server = await this.#options.open();
      const [schema, rows] = await Promise.all([this.#schema(server), this.#checks(server)]);
      return [...schema, ...rows];
    } catch (error) {
      const isGone = (error as { statusCode?: number }).statusCode !== undefined; // its container, meanwhile
      if (!(error instanceof RewindError) && !isGone) throw error;
      const said = messageOf(error).split('\n')[0]!;
      const note = error instanceof RewindError ? error.fix : undefined;
      return [
        this.#finding('unreachable', 'the database cannot be looked at', 'answers', said, 'broken', note, 'restart'),
      ];
    }
  }

  async #schema(server: PostgresServer): Promise<Finding[]> {
    const { catalogue: open, released, service, versionTable } = this.#options;
    if (!open) return this.#fingerprint(server);
    const opening = open();
    const reading = SnapshotSession.use(server, server.database, async (session) => {
      const [{ bare, whole }, revisions, catalogue] = await Promise.all([
        catalogueIn(session, server.version),
        readRevisions(session, released?.versionTable ?? versionTable),
        opening,
      ]);
      if (!catalogue) return undefined;
      // Mostly nothing differs; what needs what is only asked for the statements that put something right.
      const isSame = new SchemaComparison(catalogue, bare, server.database).isSame();
      return { catalogue, revisions, differing: isSame ? undefined : await whole() };
    });
    const [read] = await Promise.all([reading, opening]);
    if (!read) return this.#fingerprint(server);
    const { catalogue, revisions, differing } = read;
    const major = (version: number): number => Math.floor(version / 10_000);
    const isOther = major(server.version) !== major(catalogue.version);
    return [
      ...this.#revision(revisions),
      ...(isOther
        ? [
            this.#finding(
              'version',
              'the server is of another version, which may write the same definitions otherwise',
              versionName(catalogue.version),
              versionName(server.version),
              'information',
            ),
          ]
        : []),
      ...(differing ? new SchemaComparison(catalogue, differing, server.database).differences() : []).map((it) =>
        findingOf(it, service),
      ),
    ];
  }

  /** Of a release without a catalogue it is known whether something has changed, not what. */
  async #fingerprint(server: PostgresServer): Promise<Finding[]> {
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

  #revision(revisions: readonly string[]): Finding[] {
    const { released } = this.#options;
    if (!released) return [];
    const [wanted, found] = [[...released.revisions].sort(), [...revisions].sort()].map(revisionNames);
    if (wanted === found) return [];
    const { hasMigrations = false } = this.#options;
    const note = hasMigrations
      ? 'A snapshot is taken before it is moved.'
      : 'Move it with rewind deploy or rewind revert, which snapshot it first.';
    const fix = hasMigrations ? 'update' : 'none';
    return [this.#finding('revision', 'the schema stands at another revision', wanted!, found!, 'broken', note, fix)];
  }

  async #checks(server: PostgresServer): Promise<Finding[]> {
    const findings: Finding[] = [];
    for (const check of (await this.#options.checks?.()) ?? []) {
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
    severity: Finding['severity'],
    note?: string,
    fix: Fix = 'none',
  ): Finding {
    const finding = { id: `database/${id}`, group: this.#options.service, what, declared, live, severity } as const;
    return { ...finding, fix, ...(note !== undefined && { note }) };
  }
}
