"""The formula of a job in a column of its own, no longer inside of its result."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("jobs", sa.Column("formula", sa.Text))
    op.execute(
        "UPDATE jobs SET formula = result ->> 'formula', result = result - 'formula' WHERE result ->> 'formula' IS NOT NULL"
    )


def downgrade():
    op.execute("UPDATE jobs SET result = result || jsonb_build_object('formula', formula) WHERE formula IS NOT NULL")
    op.drop_column("jobs", "formula")
