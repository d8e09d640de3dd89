"""What people decide about labels that a detector doubts."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "label_decisions",
        sa.Column(
            "labels_sha256",
            sa.String(length=64),
            nullable=False,
            comment="Address of the labels' file",
        ),
        sa.Column("row", sa.Integer(), nullable=False, comment="1-based, in that file"),
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
        sa.Column("choice", sa.String(length=200), nullable=False, comment="keep, flip or skip"),
        sa.Column(
            "decided_by",
            sa.String(length=200),
            nullable=False,
            comment="Who decided; empty: not known",
        ),
        sa.Column(
            "created_at",
            sa.Double(),
            nullable=False,
            comment="Seconds since 1970, by the database's clock",
        ),
        sa.PrimaryKeyConstraint("labels_sha256", "row", "maxim", name=op.f("pk_label_decisions")),
        comment="What a person decided about a label that a detector doubts.",
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("label_decisions")
