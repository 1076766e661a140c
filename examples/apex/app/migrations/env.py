"""Runs the migrations against the database of the settings, all of them in one transaction."""

import logging.config

import sqlalchemy as sa
from alembic import command, context

from apex import database

logging.config.fileConfig(context.config.config_file_name, disable_existing_loggers=False)
log = logging.getLogger("apex.migrations")


def run_offline():
    context.configure(url=database.url(), target_metadata=database.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def run_online():
    engine = sa.create_engine(database.url(), poolclass=sa.pool.NullPool, future=True)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=database.metadata)
        with context.begin_transaction():
            # Two runs at once wait for each other: the second finds nothing left to do.
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('apex migrations'))"))
            unknown = unknown_revisions() if is_upgrade() else []
            if unknown:
                log.warning("the database is at revision %s of another release: it stays as it is", ", ".join(unknown))
            else:
                context.run_migrations()
        connection.commit()


def is_upgrade():
    """Whether this is `alembic upgrade`. All else has to fail where the database is at an unknown revision."""
    return getattr(context.config.cmd_opts, "cmd", [None])[0] is command.upgrade


def unknown_revisions():
    """Where the database is, if this image has no such migration: a newer one ran before, and its schema was kept."""
    known = {script.revision for script in context.script.walk_revisions()}
    return [revision for revision in context.get_context().get_current_heads() if revision not in known]


if context.is_offline_mode():
    run_offline()
else:
    run_online()
