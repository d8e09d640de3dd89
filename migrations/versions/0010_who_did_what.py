"""Who asked for each run, and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "runs",
        sa.Column("started_by", sa.String(length=200), comment="Who asked for it; null: not known"),
    )
    op.execute(
        "UPDATE runs SET started_by = (SELECT started_by FROM pipelines WHERE pipelines.id = runs.pipeline_id) "
        "WHERE pipeline_id IS NOT NULL"
    )
    op.create_table(
        "audit_log",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="Number that people and links name it by; never used again",
        ),
        sa.Column(
            "created_at",
            sa.Double(),
            nullable=False,
            comment="Seconds since 1970, by the database's clock",
        ),
        sa.Column(
            "actor",
            sa.String(length=200),
            nullable=False,
            comment="Who did it; empty: not known",
        ),
        sa.Column(
            "role",
            sa.String(length=200),
            nullable=False,
            comment="The actor's role at that moment",
        ),
        sa.Column(
            "action",
            sa.String(length=200),
            nullable=False,
            comment="What was done, as in: remove pipeline",
        ),
        sa.Column(
            "kind",
            sa.String(length=200),
            nullable=False,
            comment="What it was done to: pipeline, run, data set …",
        ),
        sa.Column(
            "target_id",
            sa.BigInteger(),
            nullable=True,
            comment="Number of what it was done to; null: it has none",
        ),
        sa.Column(
            "target",
            sa.String(length=200),
            nullable=False,
            comment="Name of what it was done to, at that moment",
        ),
        sa.Column(
            "source",
            sa.Text(),
            nullable=False,
            comment="Command, or dashboard with the person's address",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        comment="One change that a person or a command made; written in the change's own transaction.",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_log_created_at"), "audit_log", ["created_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_audit_log_created_at"), table_name="audit_log")
    op.drop_table("audit_log")
    op.drop_column("runs", "started_by")
