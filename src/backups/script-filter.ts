import { identifier } from '../postgres/sql';
import { encodingIn } from './script-facts';
import { ScriptLexer } from './script-lexer';
import {
  connectTarget,
  granteesIn,
  isCleaning,
  isForSuperusers,
  isMaking,
  isServerLevel,
  isTransaction,
  ownerIn,
  sessionRoleIn,
  tablespaceIn,
  withOwner,
} from './statements';

/** How a script is to be restored. */
export interface FilterOptions {
  /** The database of a dump of several whose part is wanted. @default what stands before any `\connect` */
  readonly database: string | undefined;
  /** Roles that the server does not have. */
  readonly missingRoles: ReadonlySet<string>;
  /** The role that gets what belongs to one that is missing. */
  readonly owner: string;
  /** Whether all of it belongs to that role: the script says nothing of owners. @default false */
  readonly allToOwner?: boolean;
  /** Tablespaces that the server does not have. @default none */
  readonly missingTablespaces?: ReadonlySet<string>;
  /** `server_version_num`. */
  readonly version: number;
  /** Whether it has been made UTF-8, whatever it says of itself. */
  readonly isRecoded: boolean;
}

/**
 * A script with only what belongs into the database that it is restored into: nothing of the server, of other databases, of
 * psql, and of roles that are not there.
 */
export async function* filterScript(source: AsyncIterable<string>, options: FilterOptions): AsyncGenerator<Buffer> {
  const lexer = new ScriptLexer();
  const filter = new ScriptFilter(options);
  const through = (pieces: ReturnType<ScriptLexer['push']>): Buffer =>
    Buffer.from(pieces.map((piece) => filter.piece(piece)).join(''), 'latin1');
  if (options.allToOwner) yield Buffer.from(filter.asOwner, 'latin1');
  for await (const text of source) {
    const bytes = through(lexer.push(text));
    if (bytes.length > 0) yield bytes;
  }
  yield through(lexer.end());
}

class ScriptFilter {
  readonly #options: FilterOptions;
  #database: string | undefined;
  #hasMade = false;
  /** Whether what the current statement says goes through. */
  #isWanted = true;

  /** What makes the owner's what is made next. */
  readonly asOwner: string;

  constructor(options: FilterOptions) {
    this.#options = options;
    this.asOwner = `SET ROLE ${identifierBytes(options.owner)};\n`;
  }

  piece(piece: ReturnType<ScriptLexer['push']>[number]): string {
    const { kind, text } = piece;
    if (kind === 'comment') return '';
    if (kind === 'meta') {
      if (/^\\c/.test(text)) {
        const target = connectTarget(text);
        if (target !== this.#database) [this.#database, this.#hasMade] = [target, false];
      }
      return '';
    }
    if (kind !== 'statement') return this.#isWanted ? text : '';
    if (!piece.begins) return this.#isWanted ? text : '';
    const treated = piece.ends ? this.#treat(text) : this.#isOurs(text.trim()) ? text : undefined;
    this.#isWanted = treated !== undefined;
    return treated ?? '';
  }

  #isOurs(statement: string): boolean {
    const isHere = this.#database === undefined || this.#database === this.#options.database;
    return isHere && !isServerLevel(statement);
  }

  #treat(text: string): string | undefined {
    const { missingRoles, missingTablespaces, owner, allToOwner = false, version, isRecoded } = this.#options;
    const statement = text.trim();
    if (!this.#isOurs(statement) || isTransaction(statement)) return undefined;
    // psql does not go on after an error, and what is to be dropped is not there yet.
    if (isMaking(statement)) this.#hasMade = true;
    else if (!this.#hasMade && isCleaning(statement)) return undefined;
    if (isRecoded && encodingIn(statement) !== undefined) return undefined;
    // pg_dump sets what its own version knows, of whatever server the dump is.
    if (version < 170_000 && /^SET\s+transaction_timeout\b/i.test(statement)) return undefined;
    const tablespace = tablespaceIn(statement);
    if (tablespace !== undefined && missingTablespaces?.has(tablespace)) {
      return text.replace(statement, () => `SET default_tablespace = '';`);
    }
    if (allToOwner && isForSuperusers(statement)) {
      return text.replace(statement, () => `RESET ROLE;\n${statement}\n${this.asOwner.trimEnd()}`);
    }
    const sessionRole = sessionRoleIn(statement);
    if (sessionRole !== undefined && missingRoles.has(sessionRole)) {
      return text.replace(statement, () => `SET SESSION AUTHORIZATION ${identifierBytes(owner)};`);
    }
    if (missingRoles.size === 0) return text;
    const its = ownerIn(statement);
    if (its !== undefined && missingRoles.has(its)) {
      return text.replace(statement, () => withOwner(statement, identifierBytes(owner)));
    }
    return granteesIn(statement).some((role) => missingRoles.has(role)) ? undefined : text;
  }
}

/** A quoted name as the script has its bytes, one character each. */
function identifierBytes(name: string): string {
  return Buffer.from(identifier(name), 'utf8').toString('latin1');
}
