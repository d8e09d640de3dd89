"""Find the latest run of a kind, as the overview asks for the latest verdict, without a scan."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_runs_kind_state"), "runs", ["kind", "state"])


def downgrade() -> None:
    op.drop_index(op.f("ix_runs_kind_state"), "runs")
