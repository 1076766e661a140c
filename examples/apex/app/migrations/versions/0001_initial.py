"""Projects and jobs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "projects",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("wind_speed_ms", sa.Float, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "jobs",
        sa.Column("id", postgresql.UUID(as_uuid=False), primary_key=True),
        sa.Column(
            "project_id", sa.Integer, sa.ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("state", sa.Text, nullable=False, server_default="queued"),
        sa.Column("sign", postgresql.JSONB, nullable=False),
        sa.Column("result", postgresql.JSONB),
        sa.Column("artefact", sa.Text),
        sa.Column("failure", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
    )
    # The operators' runbook asks for "version", Alembic's own column is "version_num": both answer.
    op.execute("ALTER TABLE alembic_version ADD COLUMN version varchar GENERATED ALWAYS AS (version_num) STORED")


def downgrade():
    op.execute("ALTER TABLE alembic_version DROP COLUMN version")
    op.drop_table("jobs")
    op.drop_table("projects")
