import type { AlterTableCmd, Node, RangeVar, TypeName } from 'libpg-query';

import { isOneWay, type Revision } from '../alembic/graph';
import type { DowngradeSql } from '../alembic/image';
import { defaultVersionTable, type VersionTable } from '../postgres/revisions';
import type { Effect, StepEffects, WrittenType } from './effects';
import { NamesInScript, partsOf } from './names-in-script';
import { parseSql } from './parse-sql';

/** What is known of a revision that is to be undone. */
export type UndoneRevision = Pick<Revision, 'revision' | 'about' | 'upgrades' | 'downgrades'>;

/**
 * What undoing revisions does to the database, as far as their statements tell. Connects to nothing.
 *
 * @param undo - newest first
 * @param scripts - the statements of each, as `AlembicImage.downgradeSql` gives them
 * @param versionTable - alembic's own table, which every step changes: left out
 */
export async function readEffects(
  undo: readonly UndoneRevision[],
  scripts: readonly DowngradeSql[],
  versionTable: VersionTable = {},
): Promise<StepEffects[]> {
  const byRevision = new Map(scripts.map((script) => [script.revision, script]));
  const names = new NamesInScript();
  const steps: StepEffects[] = [];
  for (const { revision, about, upgrades, downgrades } of undo) {
    const none = { revision, about, effects: [], unknown: [] };
    const script = byRevision.get(revision);
    if (isOneWay({ upgrades, downgrades })) steps.push({ ...none, noDowngrade: 'the migration has no downgrade' });
    else if (script === undefined) steps.push({ ...none, unknown: ['its statements are not known'] });
    else if ('problem' in script) {
      steps.push({ ...none, unknown: [`it cannot be written down as SQL: ${script.problem}`] });
    } else steps.push({ ...none, ...(await effectsOf(script.sql, names, versionTable)) });
  }
  return steps;
}

async function effectsOf(
  sql: string,
  names: NamesInScript,
  versionTable: VersionTable,
): Promise<Pick<StepEffects, 'effects' | 'unknown'>> {
  const parsed = await parseSql(sql);
  if ('problem' in parsed) return { effects: [], unknown: [`its SQL cannot be read: ${parsed.problem}`] };
  const reader = new Reader(names, versionTable);
  for (const statement of parsed.statements) reader.read(statement);
  return { effects: reader.effects, unknown: reader.unknown };
}

/** Statements that take nothing away: they make something, or change what is no data. */
const harmless = new Set([
  'AlterCollationStmt',
  'AlterDatabaseSetStmt',
  'AlterDefaultPrivilegesStmt',
  'AlterDomainStmt',
  'AlterEnumStmt',
  'AlterEventTrigStmt',
  'AlterExtensionContentsStmt',
  'AlterExtensionStmt',
  'AlterFunctionStmt',
  'AlterObjectDependsStmt',
  'AlterOpFamilyStmt',
  'AlterOperatorStmt',
  'AlterOwnerStmt',
  'AlterPolicyStmt',
  'AlterPublicationStmt',
  'AlterRoleSetStmt',
  'AlterRoleStmt',
  'AlterSeqStmt',
  'AlterStatsStmt',
  'AlterTSConfigurationStmt',
  'AlterTSDictionaryStmt',
  'AlterTypeStmt',
  'CheckPointStmt',
  'ClusterStmt',
  'CommentStmt',
  'CompositeTypeStmt',
  'ConstraintsSetStmt',
  'CreateAmStmt',
  'CreateCastStmt',
  'CreateConversionStmt',
  'CreateDomainStmt',
  'CreateEnumStmt',
  'CreateEventTrigStmt',
  'CreateExtensionStmt',
  'CreateFdwStmt',
  'CreateForeignServerStmt',
  'CreateFunctionStmt',
  'CreateOpClassStmt',
  'CreateOpFamilyStmt',
  'CreatePLangStmt',
  'CreatePolicyStmt',
  'CreatePublicationStmt',
  'CreateRangeStmt',
  'CreateRoleStmt',
  'CreateSeqStmt',
  'CreateStatsStmt',
  'CreateTransformStmt',
  'CreateTrigStmt',
  'DefineStmt',
  'GrantRoleStmt',
  'GrantStmt',
  'ImportForeignSchemaStmt',
  'IndexStmt',
  'ListenStmt',
  'LockStmt',
  'NotifyStmt',
  'RefreshMatViewStmt',
  'ReindexStmt',
  'RuleStmt',
  'SecLabelStmt',
  'TransactionStmt',
  'UnlistenStmt',
  'VacuumStmt',
  'VariableShowStmt',
  'ViewStmt',
]);

/** Statements of which nobody can tell what they do, in words. */
const untold: Readonly<Record<string, string>> = {
  CallStmt: 'CALL of a procedure',
  CopyStmt: 'COPY',
  DoStmt: 'a DO block',
  DropOwnedStmt: 'DROP OWNED',
  DropdbStmt: 'DROP DATABASE',
  ExecuteStmt: 'EXECUTE of a prepared statement',
  ReassignOwnedStmt: 'REASSIGN OWNED',
};

/** Kinds of objects that can be dropped without a table or column going with them by themselves, in words. */
const objectWords: Readonly<Record<string, string>> = {
  OBJECT_AGGREGATE: 'aggregate',
  OBJECT_CAST: 'cast',
  OBJECT_COLLATION: 'collation',
  OBJECT_DOMAIN: 'domain',
  OBJECT_EVENT_TRIGGER: 'event trigger',
  OBJECT_EXTENSION: 'extension',
  OBJECT_FDW: 'foreign data wrapper',
  OBJECT_FOREIGN_SERVER: 'server',
  OBJECT_FOREIGN_TABLE: 'foreign table',
  OBJECT_FUNCTION: 'function',
  OBJECT_MATVIEW: 'materialized view',
  OBJECT_OPERATOR: 'operator',
  OBJECT_PROCEDURE: 'procedure',
  OBJECT_ROUTINE: 'routine',
  OBJECT_SCHEMA: 'schema',
  OBJECT_SEQUENCE: 'sequence',
  OBJECT_TYPE: 'type',
  OBJECT_VIEW: 'view',
};

/** What holds no data, and is made again by the upgrade: not worth a word. */
const withoutData = new Set([
  'OBJECT_INDEX',
  'OBJECT_TRIGGER',
  'OBJECT_RULE',
  'OBJECT_POLICY',
  'OBJECT_STATISTIC_EXT',
  'OBJECT_PUBLICATION',
  'OBJECT_TSCONFIGURATION',
  'OBJECT_TSDICTIONARY',
  'OBJECT_TSPARSER',
  'OBJECT_TSTEMPLATE',
  'OBJECT_OPCLASS',
  'OBJECT_OPFAMILY',
  'OBJECT_ACCESS_METHOD',
  'OBJECT_TRANSFORM',
  'OBJECT_LANGUAGE',
]);

/** Reads statements one after the other. */
class Reader {
  readonly effects: Effect[] = [];
  readonly unknown: string[] = [];
  readonly #names: NamesInScript;
  readonly #versionTable: VersionTable;

  constructor(names: NamesInScript, versionTable: VersionTable) {
    this.#names = names;
    this.#versionTable = versionTable;
  }

  read(node: Node): void {
    const kind = Object.keys(node)[0] ?? '';
    if ('DropStmt' in node) this.#drop(node.DropStmt);
    else if ('AlterTableStmt' in node) this.#alter(node.AlterTableStmt);
    else if ('RenameStmt' in node) this.#rename(node.RenameStmt);
    else if ('AlterObjectSchemaStmt' in node) {
      const { objectType, relation, newschema } = node.AlterObjectSchemaStmt;
      if (objectType === 'OBJECT_TABLE' && relation && newschema !== undefined) {
        this.#names.renamedTable(relation, { schema: newschema });
      }
    } else if ('CreateStmt' in node) {
      const { relation, if_not_exists: mayExist } = node.CreateStmt;
      if (relation && !mayExist) this.#names.madeTable(relation);
    } else if ('CreateForeignTableStmt' in node) {
      const { relation, if_not_exists: mayExist } = node.CreateForeignTableStmt.base ?? {};
      if (relation && !mayExist) this.#names.madeTable(relation);
    } else if ('CreateTableAsStmt' in node) {
      const { into, query, if_not_exists: mayExist } = node.CreateTableAsStmt;
      if (query) this.#inside(query);
      if (into?.rel && !mayExist) this.#names.madeTable(into.rel);
    } else if ('CreateSchemaStmt' in node) {
      const { schemaname = '', if_not_exists: mayExist } = node.CreateSchemaStmt;
      if (!mayExist) this.#names.madeSchema(schemaname);
    } else if ('VariableSetStmt' in node) this.#set(node.VariableSetStmt);
    else if ('TruncateStmt' in node) {
      const { relations = [], behavior } = node.TruncateStmt;
      for (const relation of relations) {
        if (!('RangeVar' in relation)) continue;
        const table = this.#names.table(relation.RangeVar);
        if (table) this.effects.push({ kind: 'truncate', table, cascade: behavior === 'DROP_CASCADE' });
      }
    } else if (['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt', 'ExplainStmt'].includes(kind)) {
      this.#inside(node);
    } else if (!harmless.has(kind)) {
      this.unknown.push(untold[kind] ?? `a statement that is not known (${kind.replace(/Stmt$/, '')})`);
    }
  }

  #drop({ objects = [], removeType = 'OBJECT_TABLE', behavior }: DropStatement): void {
    const cascade = behavior === 'DROP_CASCADE';
    for (const object of objects) {
      const name = this.#names.ofParts(partsOf(object));
      if (removeType === 'OBJECT_TABLE') {
        const table = this.#names.table(name);
        // alembic drops its own table below the first revision.
        if (table && !this.#isVersionTable(table)) this.effects.push({ kind: 'drop-table', table, cascade });
        this.#names.madeTable(name);
      } else if (removeType === 'OBJECT_SCHEMA') {
        const schema = this.#names.schema(name.name);
        if (schema !== undefined) {
          this.effects.push({ kind: 'drop-object', object: 'schema', name: { name: schema }, cascade });
        }
      } else if (objectWords[removeType] !== undefined) {
        this.effects.push({ kind: 'drop-object', object: objectWords[removeType], name, cascade });
      } else if (!withoutData.has(removeType)) {
        this.unknown.push(`DROP of something that is not known (${removeType})`);
      }
    }
  }

  #alter({ relation, cmds = [], objtype }: AlterTableStatement): void {
    if (!relation || !['OBJECT_TABLE', 'OBJECT_FOREIGN_TABLE', undefined].includes(objtype)) {
      // Attributes of a composite type are columns of whatever has it.
      if (objtype === 'OBJECT_TYPE' && cmds.some((cmd) => takesAway(cmd))) {
        this.unknown.push(`ALTER TYPE ${relation?.relname ?? ''}`);
      }
      return;
    }
    for (const cmd of cmds) {
      if (!('AlterTableCmd' in cmd)) continue;
      this.#alterOne(relation, cmd.AlterTableCmd);
    }
  }

  #alterOne(relation: RangeVar, { subtype, name = '', def, behavior, missing_ok: mayExist }: AlterTableCmd): void {
    const table = this.#names.table(relation);
    if (subtype === 'AT_AddColumn' && def && 'ColumnDef' in def && !mayExist) {
      this.#names.madeColumn(relation, def.ColumnDef.colname ?? '');
    }
    const column = this.#names.column(relation, name);
    if (table === undefined || column === undefined) return;
    if (subtype === 'AT_DropColumn') {
      this.effects.push({ kind: 'drop-column', table, column, cascade: behavior === 'DROP_CASCADE' });
      this.#names.madeColumn(relation, name);
    } else if (subtype === 'AT_AlterColumnType' && def && 'ColumnDef' in def) {
      const { typeName, raw_default: using } = def.ColumnDef;
      this.effects.push({
        kind: 'retype-column',
        table,
        column,
        type: writtenType(typeName ?? {}),
        using: using !== undefined,
      });
      if (using) this.#calls(using);
    }
  }

  #rename({ renameType, relationType, relation, subname = '', newname = '', object }: RenameStatement): void {
    const isTable = (type: string | undefined): boolean => type === 'OBJECT_TABLE' || type === 'OBJECT_FOREIGN_TABLE';
    if (isTable(renameType) && relation) this.#names.renamedTable(relation, { name: newname });
    else if (renameType === 'OBJECT_COLUMN' && isTable(relationType) && relation) {
      this.#names.renamedColumn(relation, subname, newname);
    } else if (renameType === 'OBJECT_SCHEMA') {
      this.#names.renamedSchema(subname || partsOf(object).join('.'), newname);
    }
  }

  #set({ kind, name, args = [] }: SetStatement): void {
    if (name !== 'search_path') return;
    const path = args.flatMap((arg) => ('A_Const' in arg ? [arg.A_Const.sval?.sval ?? ''] : []));
    this.#names.setPath(kind === 'VAR_SET_VALUE' ? path : undefined);
  }

  /** Everything in a query that changes rows, however deep it is: `WITH gone AS (DELETE …) SELECT …`. */
  #inside(query: Node): void {
    for (const [kind, value] of nodesIn(query)) {
      if (kind === 'DeleteStmt') {
        const { relation, whereClause, usingClause } = value as StatementParts;
        this.#change(relation, (table) => ({ kind: 'delete', table, all: !whereClause && !usingClause }));
      } else if (kind === 'UpdateStmt') {
        const { relation, whereClause, fromClause, targetList } = value as StatementParts;
        this.#update(relation, targetList, !whereClause && !fromClause);
      } else if (kind === 'InsertStmt') {
        const { relation, onConflictClause } = value as StatementParts;
        if (onConflictClause?.action === 'ONCONFLICT_UPDATE') {
          this.#update(relation, onConflictClause.targetList, false);
        }
      } else if (kind === 'MergeStmt') this.#merge(value as StatementParts);
    }
    this.#calls(query);
  }

  #merge({ relation, mergeWhenClauses = [] }: StatementParts): void {
    for (const clause of mergeWhenClauses) {
      if (!('MergeWhenClause' in clause)) continue;
      const { commandType, targetList } = clause.MergeWhenClause;
      if (commandType === 'CMD_UPDATE') this.#update(relation, targetList, false);
      if (commandType === 'CMD_DELETE') this.#change(relation, (table) => ({ kind: 'delete', table, all: false }));
    }
  }

  #update(relation: RangeVar | undefined, targets: readonly Node[] = [], all: boolean): void {
    const columns = targets.flatMap((target) => ('ResTarget' in target ? [target.ResTarget.name ?? ''] : []));
    this.#change(relation, (table) => {
      const before = columns.flatMap((column) => this.#names.column(relation!, column) ?? []);
      return before.length === 0 ? undefined : { kind: 'update', table, columns: before, all };
    });
  }

  #change(
    relation: RangeVar | undefined,
    effect: (table: NonNullable<ReturnType<NamesInScript['table']>>) => Effect | undefined,
  ): void {
    const table = relation && this.#names.table(relation);
    if (!table || this.#isVersionTable(table)) return;
    const found = effect(table);
    if (found) this.effects.push(found);
  }

  /** Functions that are called; whether they may change something, the database tells. */
  #calls(query: Node): void {
    for (const [kind, value] of nodesIn(query)) {
      if (kind !== 'FuncCall') continue;
      const { funcname = [] } = value as { funcname?: Node[] };
      const name = this.#names.ofParts(funcname.flatMap((part) => partsOf(part)));
      this.effects.push({ kind: 'call', name });
    }
  }

  #isVersionTable({ schema, name }: { readonly schema?: string; readonly name: string }): boolean {
    const { schema: wanted = 'public', table = defaultVersionTable } = this.#versionTable;
    return name === table && (schema === undefined || schema === wanted);
  }
}

type Statement<Name extends string> = Extract<Node, Record<Name, unknown>> extends Record<Name, infer T> ? T : never;
type DropStatement = Statement<'DropStmt'>;
type AlterTableStatement = Statement<'AlterTableStmt'>;
type RenameStatement = Statement<'RenameStmt'>;
type SetStatement = Statement<'VariableSetStmt'>;

/** What statements that change rows have of this. */
interface StatementParts {
  readonly relation?: RangeVar;
  readonly whereClause?: Node;
  readonly usingClause?: readonly Node[];
  readonly fromClause?: readonly Node[];
  readonly targetList?: readonly Node[];
  readonly mergeWhenClauses?: readonly Node[];
  readonly onConflictClause?: { readonly action?: string; readonly targetList?: readonly Node[] };
}

/** Every node of a tree with its kind, from the outside in. */
function* nodesIn(tree: unknown): Generator<[kind: string, value: unknown]> {
  const pending: unknown[] = [tree];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (typeof node !== 'object' || node === null) continue;
    if (Array.isArray(node)) {
      pending.push(...(node as unknown[]).toReversed());
      continue;
    }
    for (const [key, value] of Object.entries(node).toReversed()) {
      if (/^[A-Z]/.test(key)) yield [key, value];
      pending.push(value);
    }
  }
}

function takesAway(cmd: Node): boolean {
  return 'AlterTableCmd' in cmd && cmd.AlterTableCmd.subtype !== 'AT_AddColumn';
}

function writtenType({ names = [], typmods = [], arrayBounds }: TypeName): WrittenType {
  const name = names.flatMap((part) => partsOf(part)).at(-1) ?? '';
  const modifiers = typmods.flatMap((it) => ('A_Const' in it ? [it.A_Const.ival?.ival ?? 0] : []));
  return { name, modifiers, isArray: (arrayBounds ?? []).length > 0 };
}
