import { type Piece, ScriptLexer } from './script-lexer';
import {
  connectTarget,
  forbidden,
  granteesIn,
  isMaking,
  isServerLevel,
  ownerIn,
  sessionRoleIn,
  tablespaceIn,
} from './statements';

/** What a script has for one database. */
export interface SectionFacts {
  /** Undefined for what stands before any `\connect`: all of it in a dump of one database. */
  readonly database: string | undefined;
  tables: number;
  /** Tables that have a part with rows, be it an empty one. */
  filled: number;
  rows: number;
  /** Whether it says whom an object belongs to. */
  hasOwners: boolean;
  /** Whether it makes the schema `public`, which every new database has. */
  makesPublic: boolean;
  /** Roles that something belongs to or is granted to. */
  readonly roles: Set<string>;
  /** Tablespaces that something lies in. */
  readonly tablespaces: Set<string>;
}

/** What a whole script is. */
export interface ScriptFacts {
  /** Characters, which are bytes. */
  size: number;
  /** `pg_dump` or `pg_dumpall`, by its first lines; undefined where neither has written it. */
  madeBy: 'pg_dump' | 'pg_dumpall' | undefined;
  /** Whether its last line is there. */
  isComplete: boolean;
  /** How many dumps it has, one after another, that are not parts of one of pg_dumpall. */
  dumps: number;
  /** `15.14`: of the newest server that a part of it was taken of. */
  serverVersion: string | undefined;
  /** `SET client_encoding`. */
  encoding: string | undefined;
  /** `-- Started on …`, as it stands there. */
  startedOn: string | undefined;
  readonly sections: SectionFacts[];
  /** What it must not have in it, and in which line. */
  readonly refused: { readonly what: string; readonly line: number }[];
  /** Where it breaks off, in words. */
  unfinished: string | undefined;
}

/** Commands of psql that pg_dump and pg_dumpall write; the encoding before they connect to a name with a space in it. */
export const knownCommands = /^\\(?:(?:connect|c|restrict|unrestrict)\b|encoding SQL_ASCII\s*$)/;

/** Reads a script to its end, and says what it is. */
export async function readScript(source: AsyncIterable<string>): Promise<ScriptFacts> {
  const lexer = new ScriptLexer();
  const reader = new FactsReader();
  for await (const text of source) {
    reader.facts.size += text.length;
    if (reader.facts.refused.length > 0) continue; // enough is known, but who writes it wants to get to the end
    const zero = text.indexOf('\0');
    if (zero >= 0) reader.refuse('zero bytes, which no dump has', 0);
    for (const piece of lexer.push(text)) reader.read(piece);
  }
  if (reader.facts.refused.length > 0) return reader.facts;
  for (const piece of lexer.end()) reader.read(piece);
  reader.facts.unfinished = lexer.unfinished;
  return reader.facts;
}

class FactsReader {
  readonly facts: ScriptFacts = {
    size: 0,
    madeBy: undefined,
    isComplete: false,
    dumps: 0,
    serverVersion: undefined,
    encoding: undefined,
    startedOn: undefined,
    sections: [],
    refused: [],
    unfinished: undefined,
  };
  #section = this.#open(undefined);
  #isInCluster = false;

  refuse(what: string, line: number): void {
    this.facts.refused.push({ what, line });
  }

  read(piece: Piece): void {
    if (piece.kind === 'comment') this.#comment(piece.text);
    else if (piece.kind === 'meta') this.#command(piece.text, piece.line);
    else if (piece.kind === 'rows') this.#section.rows += piece.rows;
    else if (piece.kind === 'statement' && piece.begins) this.#statement(piece.text.trim(), piece.line);
  }

  #comment(text: string): void {
    const { facts } = this;
    const mark = /^\s*-- PostgreSQL database (cluster )?dump( complete)?$/m.exec(text);
    if (mark) this.#mark(mark[1] !== undefined, mark[2] !== undefined);
    const version = /-- Dumped from database version (\d+(?:\.\d+)*\w*)/.exec(text)?.[1];
    if (version !== undefined && !(parseFloat(facts.serverVersion ?? '') > parseFloat(version))) {
      facts.serverVersion = version;
    }
    facts.startedOn ??= /-- Started on (.+)/.exec(text)?.[1];
  }

  /** Where a dump begins or ends; those of one database within a dump of all are its parts. */
  #mark(isCluster: boolean, isEnd: boolean): void {
    if (this.#isInCluster && !isCluster) return;
    const { facts } = this;
    facts.isComplete = isEnd;
    this.#isInCluster = isCluster && !isEnd;
    if (isEnd) return;
    facts.madeBy ??= isCluster ? 'pg_dumpall' : 'pg_dump';
    facts.dumps++;
  }

  #command(text: string, line: number): void {
    if (!knownCommands.test(text)) {
      const command = /^\\\S*/.exec(text)![0];
      this.refuse(`the psql command ${command}, which pg_dump does not write and which could run a program`, line);
    }
    if (!/^\\c/.test(text)) return;
    const target = connectTarget(text);
    if (target !== undefined) this.#section = this.#open(target);
  }

  #statement(statement: string, line: number): void {
    const why = forbidden(statement);
    if (why !== undefined) this.refuse(why, line);
    const said = /^(pg_dump(?:all)?|psql|docker|WARNING|NOTICE|ERROR)\s*: /.exec(statement)?.[1];
    if (said !== undefined) this.refuse(`a message of ${said} among the statements`, line);
    this.facts.encoding ??= encodingIn(statement);
    if (isServerLevel(statement)) return;
    const section = this.#section;
    if (/^CREATE\s+(UNLOGGED\s+|FOREIGN\s+)?TABLE\s/i.test(statement)) section.tables++;
    if (/^COPY\s/i.test(statement)) section.filled++;
    if (/^INSERT\s/i.test(statement)) section.rows++;
    if (/^CREATE\s+SCHEMA\s+public;$/i.test(statement)) section.makesPublic = true;
    if (isMaking(statement)) return;
    const owner = ownerIn(statement) ?? sessionRoleIn(statement);
    if (owner !== undefined) {
      section.hasOwners = true;
      section.roles.add(owner);
    }
    for (const role of granteesIn(statement)) section.roles.add(role);
    const tablespace = tablespaceIn(statement);
    if (tablespace !== undefined) section.tablespaces.add(tablespace);
  }

  #open(database: string | undefined): SectionFacts {
    const known = this.facts.sections.find((section) => section.database === database);
    if (known) return known;
    const section: SectionFacts = {
      database,
      tables: 0,
      filled: 0,
      rows: 0,
      hasOwners: false,
      makesPublic: false,
      roles: new Set(),
      tablespaces: new Set(),
    };
    this.facts.sections.push(section);
    return section;
  }
}

/** The encoding that a script says it is written in. */
export function encodingIn(statement: string): string | undefined {
  return /^SET\s+client_encoding\s*(?:=|TO)\s*'?([\w-]+)'?/i.exec(statement)?.[1];
}
