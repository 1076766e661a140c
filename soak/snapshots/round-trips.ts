import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { removeReady } from '../../src/actions/ready-database';
import {
  provideShadow,
  proveSnapshot,
  type RestoreSource,
  snapshotFindings,
  withReplacement,
} from '../../src/actions/restore-database';
import { takeSnapshot } from '../../src/actions/take-snapshot';
import { RewindError } from '../../src/errors';
import { dropDatabase } from '../../src/postgres/restore';
import { withScratch } from '../../src/postgres/scratch';
import { PostgresServer } from '../../src/postgres/server';
import { SnapshotStore } from '../../src/snapshots/snapshot-store';
import { engine } from '../../test/support/docker';
import { Random } from '../random';
import { Mismatch, type SoakOptions } from '../soak';
import { databaseWide, randomChange } from './changes';
import { type GeneratedDatabase, generate, generateMany, roles } from './generate';
import { Names, quoted } from './names';
import { SoakServer } from './server';

/** What of the texts of one database in two moments differs, at most so many lines of it. */
const shownLines = 12;

/** From so many rounds on, one of them is of a database with very many tables. */
const roundsForMany = 20;

/** Of what, and on which server. */
export interface SnapshotSoakOptions extends SoakOptions {
  /** @default the image of the tests */
  readonly postgresImage?: string;
}

/**
 * Makes up databases, takes a snapshot of each, changes it at random, restores it, and holds what pg_dump says of it
 * against what it said before. What pg_dump sees of a change, Rewind has to see too.
 *
 * @throws Mismatch
 */
export async function snapshotRoundTrips(options: SnapshotSoakOptions): Promise<void> {
  const store = await mkdtemp(join(tmpdir(), 'rewind-soak-'));
  const server = await SoakServer.start(options.project, options.postgresImage);
  let isToStay = false;
  try {
    await server.sql(roles.map((role) => `CREATE ROLE ${role};`).join('\n'));
    for (let round = 1; round <= options.rounds; round++) {
      await new Round(server, new SnapshotStore(store), options, round).run();
    }
  } catch (error) {
    isToStay = options.leaveMismatch ?? false;
    throw error;
  } finally {
    await rm(store, { recursive: true, force: true });
    if (!isToStay) await server.remove();
  }
}

class Round {
  readonly #server: SoakServer;
  readonly #store: SnapshotStore;
  readonly #options: SoakOptions;
  readonly #round: number;
  readonly #random: Random;
  readonly #database: string;

  constructor(server: SoakServer, store: SnapshotStore, options: SoakOptions, round: number) {
    this.#server = server;
    this.#store = store;
    this.#options = options;
    this.#round = round;
    this.#random = new Random(options.seed * 10_007 + round);
    this.#database = new Names(this.#random).next();
  }

  async run(): Promise<void> {
    const [server, random, name] = [this.#server, this.#random, this.#database];
    const isOfMany = this.#round === roundsForMany;
    const model = isOfMany ? generateMany(2000) : generate(random, server.version);
    await server.sql(`CREATE DATABASE ${quoted(name)} TEMPLATE template0 ${random.pick(localesOf(server.version))};`);
    await server.sql(model.script, name);
    await server.sql(databaseWide(name, random));
    const wanted = await this.#text();
    const postgres = await PostgresServer.open(await engine(), {
      container: server.container,
      service: 'db',
      user: server.user,
      database: name,
    });
    const manifest = await takeSnapshot({ server: postgres, store: this.#store, stack: 'soak/dev' });
    const source: RestoreSource = { server: postgres, store: this.#store, manifest };
    if (random.chance(0.3)) {
      const { findings } = await proveSnapshot(source);
      if (findings.length > 0) throw this.#mismatch('the proof', findings);
    }
    const changes = await this.#change(model, source, wanted);
    const changed = await this.#text();
    const shadow = `${name.slice(0, 20)}.shadow`;
    await provideShadow(source, shadow).catch((error: unknown) => {
      throw error instanceof RewindError ? this.#mismatch('the restore', [error.message]) : error;
    });
    const keptAs = await replaced(postgres, shadow);
    this.#hold('what was restored', wanted, await this.#text());
    if (random.chance(0.3)) {
      const again = await replaced(postgres, keptAs);
      await dropDatabase(postgres, again);
      this.#hold('what was put back after the restore', changed, await this.#text());
    } else await dropDatabase(postgres, keptAs);
    await removeReady(postgres);
    await server.sql(`DROP DATABASE ${quoted(name)} WITH (FORCE);`);
    await this.#store.remove(manifest.id);
    this.#options.say(
      `${this.#round}: ${JSON.stringify(name)}, ${Object.keys(manifest.schema).length} objects, ${changes} changes`,
    );
  }

  /** Changes the database; what is another one by its text has to be another one for Rewind. */
  async #change(model: GeneratedDatabase, source: RestoreSource, wanted: string): Promise<number> {
    const count = 1 + this.#random.below(4);
    for (let at = 0; at < count; at++) {
      const change = this.#random.chance(0.2)
        ? databaseWide(this.#database, this.#random)
        : randomChange(model, this.#random);
      const writable = 'SET default_transaction_read_only = off; SET statement_timeout = 0; SET lock_timeout = 0;';
      await this.#server.try(`${writable}\n${change}`, this.#database);
      const isAnother = (await this.#text()) !== wanted;
      const findings = await snapshotFindings(source, this.#database);
      if (isAnother && findings.length === 0) throw this.#mismatch('Rewind sees no change', [change]);
      if (!isAnother && findings.length > 0) throw this.#mismatch('Rewind sees a change', [change, ...findings]);
    }
    return count;
  }

  async #text(): Promise<string> {
    return comparable(await this.#server.dump(this.#database));
  }

  #hold(what: string, wanted: string, found: string): void {
    if (wanted === found) return;
    const [before, after] = [wanted.split('\n'), found.split('\n')];
    const [here, there] = [new Set(before), new Set(after)];
    const lines = [
      ...before.filter((line) => !there.has(line)).map((line) => `- ${line}`),
      ...after.filter((line) => !here.has(line)).map((line) => `+ ${line}`),
    ];
    throw this.#mismatch(what, lines.length === 0 ? ['the order of its lines'] : lines.slice(0, shownLines));
  }

  #mismatch(what: string, details: readonly string[]): Mismatch {
    return new Mismatch(`round ${this.#round} (${JSON.stringify(this.#database)}): ${what}`, details);
  }
}

/** The locales that a server knows, by its `server_version_num`. */
function localesOf(version: number): string[] {
  return [
    "LOCALE 'C.UTF-8'",
    "LOCALE 'C.UTF-8'",
    "LOCALE 'C' ENCODING 'UTF8'",
    ...(version < 150_000 ? [] : ["LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'"]),
    ...(version < 170_000 ? [] : ["LOCALE 'C.UTF-8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"]),
  ];
}

/**
 * A dump without what is another one each time, and without the difference between two ways to write a list of texts,
 * the second of which is what the server makes of the first: `(ARRAY['a'::varchar])::text[]`.
 */
function comparable(dump: string): string {
  return dump
    .split('\n')
    .filter((line) => !/^\\(un)?restrict /.test(line))
    .map((line) => (/ (ANY|ALL) \(/.test(line) ? line.replaceAll(/::(character varying|text)(\[\])?|[()]/g, '') : line))
    .join('\n');
}

/** Puts a database into the place of the live one, and says what that is called then. */
function replaced(server: PostgresServer, name: string): Promise<string> {
  return withScratch(server, name, () => withReplacement(server, name, ({ replace }) => replace()));
}
