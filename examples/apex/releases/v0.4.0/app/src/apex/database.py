"""The database: its tables and the connection pool. The migrations build exactly these tables."""

import functools

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from apex import settings

metadata = sa.MetaData()

projects = sa.Table(
    "projects",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("location", sa.Text, nullable=False),
    sa.Column("wind_speed_ms", sa.Float, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", postgresql.UUID(as_uuid=False), primary_key=True),
    sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False, server_default="queued"),
    sa.Column("sign", postgresql.JSONB, nullable=False),
    sa.Column("result", postgresql.JSONB),
    sa.Column("failure", sa.Text),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
    sa.Column("formula", sa.Text),
)

inspections = sa.Table(
    "inspections",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("project_id", sa.Integer, sa.ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("inspector", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("inspected_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)


def url():
    """Where the database is. Its parts are separate variables so that a password needs no URL quoting."""
    return sa.engine.URL.create(
        "postgresql+psycopg2",
        username=settings.required("APEX_DB_USER"),
        password=settings.required("APEX_DB_PASSWORD"),
        host=settings.optional("APEX_DB_HOST", "db"),
        port=int(settings.optional("APEX_DB_PORT", "5432")),
        database=settings.optional("APEX_DB_NAME", "apex"),
    )


@functools.lru_cache(maxsize=None)
def engine():
    """The pool of this process. A connection cut while idle (a restart, a restore) is replaced, not an error."""
    return sa.create_engine(
        url(),
        future=True,
        pool_size=8,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 2, "application_name": "apex"},
    )
