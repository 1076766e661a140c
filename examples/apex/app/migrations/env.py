"""Runs the migrations against the database of the settings, all of them in one transaction."""

import logging.config

import sqlalchemy as sa
from alembic import context

from apex import database

logging.config.fileConfig(context.config.config_file_name, disable_existing_loggers=False)


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
            context.run_migrations()
        connection.commit()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
