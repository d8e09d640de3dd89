"""Artifacts and logs that runs leave behind."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "run_artifacts",
        sa.Column(
            "run_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="Who made it",
        ),
        sa.Column(
            "role",
            sa.String(length=200),
            nullable=False,
            comment="checkpoint, adapter, own_adapter, report …",
        ),
        sa.Column("sha256", sa.String(length=64), nullable=False, comment="What it made"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_run_artifacts_run_id_runs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sha256"], ["artifacts.sha256"], name=op.f("fk_run_artifacts_sha256_artifacts")
        ),
        sa.PrimaryKeyConstraint("run_id", "role", name=op.f("pk_run_artifacts")),
        comment="An artifact that a run made, by the role it plays.",
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_run_artifacts_sha256"), "run_artifacts", ["sha256"])
    op.create_table(
        "log_positions",
        sa.Column(
            "run_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="Whose log",
        ),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="Each attempt has its own log"),
        sa.Column("name", sa.Text(), nullable=False, comment="Name in the artifact store"),
        sa.Column(
            "size_bytes", sa.BigInteger(), nullable=False, comment="Bytes that are safely there"
        ),
        sa.Column("updated_at", sa.Double(), nullable=False, comment="When it last grew"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_log_positions_run_id_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "attempt", name=op.f("pk_log_positions")),
        comment="How much of the log of one attempt can be read, and where.",
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("log_positions")
    op.drop_table("run_artifacts")
