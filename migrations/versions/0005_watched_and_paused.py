"""What a page tells of a run besides its steps; a queue that is paused; evaluations of trained stages."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "runs",
        sa.Column(
            "checkpoint_step",
            sa.Integer(),
            comment="Steps that its last checkpoint holds; null: there is none",
        ),
    )
    op.add_column(
        "runs",
        sa.Column(
            "pace_s",
            sa.Double(),
            comment="Seconds per step, on average since this attempt began; null until known",
        ),
    )
    op.add_column(
        "runs",
        sa.Column(
            "troubles",
            sa.JSON(),
            comment="What a person should know of its training: kind → sentence",
        ),
    )
    op.add_column(
        "pipelines",
        sa.Column(
            "trained_sha256",
            sa.String(length=64),
            comment="Output folder of another pipeline, whose stages this one only evaluates",
        ),
    )
    op.create_table(
        "pauses",
        sa.Column(
            "device",
            sa.Enum("cpu", "gpu", name="device", native_enum=False, length=20),
            nullable=False,
            comment="Class of worker",
        ),
        sa.Column(
            "created_at",
            sa.Double(),
            nullable=False,
            comment="Seconds since 1970, by the database's clock",
        ),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_pauses")),
        comment="A class of workers that shall take nothing new; what runs goes on.",
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("pauses")
    op.drop_column("pipelines", "trained_sha256")
    op.drop_column("runs", "troubles")
    op.drop_column("runs", "pace_s")
    op.drop_column("runs", "checkpoint_step")
