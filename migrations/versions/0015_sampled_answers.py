"""What models answer to a few held-out prompts while they train."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "sampled_answers",
        sa.Column("run_id", _NUMBER, nullable=False, comment="The training"),
        sa.Column(
            "step",
            sa.Integer(),
            nullable=False,
            comment="Optimizer steps taken before it was asked",
        ),
        sa.Column(
            "place", sa.Integer(), nullable=False, comment="0-based; the same prompt at every step"
        ),
        sa.Column("prompt", sa.Text(), nullable=False, comment="What the model was given"),
        sa.Column("answer", sa.Text(), nullable=False, comment="What it answered"),
        sa.Column("is_cut", sa.Boolean(), nullable=False, comment="It ended at the token limit"),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["runs.id"],
            name=op.f("fk_sampled_answers_run_id_runs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run_id", "step", "place", name=op.f("pk_sampled_answers")),
        comment="What a model in training answers to a held-out prompt.",
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("sampled_answers")
