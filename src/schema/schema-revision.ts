import type { SchemaPlan } from './plan';

/** What a new revision of alembic's is made of. */
export interface RevisionOptions {
  /** Its own id, and that of the revision that it comes after; null for the first one. */
  readonly id: string;
  readonly after: string | null;
  readonly message: string;
  readonly createdAt: Date;
  readonly forth: SchemaPlan;
  readonly back: SchemaPlan;
  /** Query of one value, which is true where it was done by hand: nothing is to be done there. @default nothing tells */
  readonly isThere?: string;
}

/** The file of a revision that takes over what somebody has done to the schema by hand. */
export function schemaRevision(options: RevisionOptions): string {
  const { id, after, message, createdAt, forth, back, isThere } = options;
  return `"""${message.replaceAll('\\', '\\\\').replaceAll('"""', "'''")}

Revision ID: ${id}
Revises: ${after ?? ''}
Create Date: ${createdAt.toISOString()}
"""
from alembic import context, op

revision = ${JSON.stringify(id)}
down_revision = ${after === null ? 'None' : JSON.stringify(after)}
branch_labels = None
depends_on = None


def upgrade() -> None:
${isThere === undefined ? '' : `${guard(isThere)}\n`}${body(forth)}


def downgrade() -> None:
${body(back)}
`;
}

/** Where it was made by hand, the database has it already. What only writes the SQL down has none to ask. */
function guard(query: string): string {
  return [
    '# Where it was made by hand, it is there already.',
    `if not context.is_offline_mode() and op.get_bind().exec_driver_sql(${pythonText(query)}).scalar():`,
    '    return',
  ]
    .map((line) => `    ${line}`)
    .join('\n');
}

function body({ statements, outside, gaps }: SchemaPlan): string {
  const run = (statement: string): string => `op.execute(${pythonText(literally(statement))})`;
  const lines = [
    ...gaps.map((gap) => `# To be written by hand: ${gap.replaceAll('\n', ' ')}`),
    ...statements.map(run),
    ...(outside.length === 0
      ? []
      : ['with op.get_context().autocommit_block():', ...outside.map((it) => `    ${run(it)}`)]),
  ];
  const isEmpty = statements.length + outside.length === 0;
  return [...lines, ...(isEmpty ? ['pass'] : [])].map((line) => `    ${line}`).join('\n');
}

/**
 * What looks like a parameter to SQLAlchemy is none: `:name` is written as `\:name`.
 * https://docs.sqlalchemy.org/en/20/core/sqlelement.html#sqlalchemy.sql.expression.text
 */
function literally(statement: string): string {
  return statement.replaceAll(/\\(?=:[\w$]*(?![:\w$]))/g, '\\\\').replaceAll(/(?<![:\w$\\]):(?=[\w$])/g, '\\:');
}

/** A text as Python takes it. */
function pythonText(text: string): string {
  return JSON.stringify(text)
    .replaceAll(/[\u007f-\uffff]/g, (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll(/(\\ud[89ab][0-9a-f]{2})(\\ud[c-f][0-9a-f]{2})/g, surrogate);
}

/** Python has a character beyond the first 65,536 as one: `\\U0001f600`. */
function surrogate(pair: string): string {
  const [high, low] = [pair.slice(2, 6), pair.slice(8, 12)].map((it) => parseInt(it, 16));
  const point = (high! - 0xd800) * 0x400 + (low! - 0xdc00) + 0x10000;
  return `\\U${point.toString(16).padStart(8, '0')}`;
}
