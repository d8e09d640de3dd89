"""Responses of the models and their violations, as rows."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "generations",
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
        sa.Column("response", sa.Text(), nullable=False, comment="What it answered"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_generations_run_id_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generations")),
        sa.UniqueConstraint(
            "run_id", "model", "prompt_index", name=op.f("uq_generations_run_id_model_prompt_index")
        ),
        comment="One response of one model to one prompt.",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "violations",
        sa.Column(
            "generation_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="The response",
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
            "score",
            sa.Double(),
            nullable=False,
            comment="Violation probability, 0 to 1; lower is better",
        ),
        sa.Column(
            "violated",
            sa.Boolean(),
            nullable=False,
            comment="The score is above the detector's threshold",
        ),
        sa.ForeignKeyConstraint(
            ["generation_id"],
            ["generations.id"],
            name=op.f("fk_violations_generation_id_generations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("generation_id", "maxim", name=op.f("pk_violations")),
        comment="How much one response violates one maxim.",
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("violations")
    op.drop_table("generations")
