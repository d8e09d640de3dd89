"""What persons said about answers that a later evaluation has replaced."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "former_votes",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="Number that people and links name it by; never used again",
        ),
        sa.Column(
            "run_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="The evaluation",
        ),
        sa.Column(
            "model",
            sa.String(length=200),
            nullable=False,
            comment="baseline, or the stage after which it answered",
        ),
        sa.Column(
            "prompt_index",
            sa.Integer(),
            nullable=False,
            comment="0-based; the same prompt for every model",
        ),
        sa.Column("prompt", sa.Text(), nullable=False, comment="What the model was given"),
        sa.Column("response", sa.Text(), nullable=False, comment="What it answered then"),
        sa.Column(
            "voter",
            sa.String(length=200),
            nullable=False,
            comment="Who is signed in; empty where nobody has to",
        ),
        sa.Column(
            "maxim",
            sa.Enum(
                "quantity",
                "quality",
                "relation",
                "manner",
                name="maxim",
                native_enum=False,
                length=20,
            ),
            nullable=False,
            comment="quantity, quality, relation or manner",
        ),
        sa.Column(
            "violated",
            sa.Boolean(),
            nullable=False,
            comment="The person finds the maxim violated",
        ),
        sa.Column(
            "created_at",
            sa.Double(),
            nullable=False,
            comment="Seconds since 1970, by the database's clock",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["runs.id"],
            name=op.f("fk_former_votes_run_id_runs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_votes")),
        comment="What a person said about a response that a later evaluation has replaced.",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_former_votes_run_id"), "former_votes", ["run_id"], unique=False)


def downgrade() -> None:
    op.drop_table("former_votes")
