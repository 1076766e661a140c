"""The sheet of a job is found by the job's id: the column that said where it is goes."""

from alembic import op

revision = "0005"
# 0004 was withdrawn with 0.3.0.
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade():
    op.drop_column("jobs", "artefact")


def downgrade():
    # What is wrong with this release: nobody thought of the way back.
    raise NotImplementedError("the column jobs.artefact is gone")
