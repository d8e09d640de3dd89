"""With which chances prompts were picked to be judged."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "picks",
        sa.Column(
            "run_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="The evaluation",
        ),
        sa.Column(
            "prompt_index",
            sa.Integer(),
            nullable=False,
            comment="0-based; the same prompt for every model",
        ),
        sa.Column(
            "voter",
            sa.String(length=200),
            nullable=False,
            comment="Who is signed in; empty where nobody has to",
        ),
        sa.Column(
            "relative_chance",
            sa.Double(),
            nullable=False,
            comment="Its chance among the prompts then left, over that of a uniform pick",
        ),
        sa.Column(
            "created_at",
            sa.Double(),
            nullable=False,
            comment="Seconds since 1970, by the database's clock",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_picks_run_id_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "prompt_index", "voter", name=op.f("pk_picks")),
        comment="With which chance a prompt was picked to be judged; none for prompts in random order.",
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("picks")
