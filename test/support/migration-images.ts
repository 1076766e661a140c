import { buildImage } from './tagged-images';

/** A migration of a test image. */
export interface TestMigration {
  readonly revision: string;
  /** @default none: the first one */
  readonly down?: string | readonly string[];
  readonly about: string;
  /** Statements of SQL, or lines of Python. */
  readonly upgrade: readonly string[];
  /** @default the migration has no downgrade */
  readonly downgrade?: readonly string[];
}

/** An image with an alembic of its own. */
export interface MigrationImage {
  readonly migrations: readonly TestMigration[];
  /** Source of env.py. @default {@link plainEnvironment} */
  readonly environment?: string;
  /** Lines of its Dockerfile. @default none */
  readonly more?: readonly string[];
}

/** Takes the URL of the database from the environment, and does everything in one transaction, as alembic's own template. */
export const plainEnvironment = `
import os
import sqlalchemy as sa
from alembic import context

url = os.environ["DATABASE_URL"]
options = {}

if context.is_offline_mode():
    context.configure(url=url, literal_binds=True, **options)
    with context.begin_transaction():
        context.run_migrations()
else:
    with sa.create_engine(url, poolclass=sa.pool.NullPool).connect() as connection:
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()
`;

/** Builds an image on the example's: its Python and alembic, with migrations of the test's own. */
export async function buildMigrationImage(
  name: string,
  { migrations, environment = plainEnvironment, more = [] }: MigrationImage,
): Promise<void> {
  const files = migrations.map((it): [string, string] => [`versions/${it.revision}.py`, sourceOf(it)]);
  const write = [['env.py', environment], ...files].map(
    ([path, source]) => `echo ${Buffer.from(source!).toString('base64')} | base64 -d > ${path}`,
  );
  // All in one step: each is a container of its own.
  const steps = ['rm -rf versions __pycache__ ../alembic-head', 'mkdir versions', ...write];
  await buildImage(
    name,
    'FROM apex-api:v0.1.0',
    'USER root',
    `RUN cd /app/migrations && ${steps.join(' && ')}`,
    ...more,
    'USER 10001:10001',
  );
}

function sourceOf({ revision, down, about, upgrade, downgrade }: TestMigration): string {
  const body = (lines: readonly string[] | undefined): string =>
    lines === undefined ? '    pass' : lines.map((line) => `    ${statementOf(line)}`).join('\n');
  return [
    `"""${about}"""`,
    'import time',
    'from alembic import op',
    `revision = ${JSON.stringify(revision)}`,
    `down_revision = ${down === undefined ? 'None' : JSON.stringify(down)}`,
    'def upgrade():',
    body(upgrade),
    'def downgrade():',
    body(downgrade),
    '',
  ].join('\n');
}

/** What begins in capitals is SQL. */
function statementOf(line: string): string {
  return /^[A-Z]{4,}/.test(line) ? `op.execute(${JSON.stringify(line)})` : line;
}
