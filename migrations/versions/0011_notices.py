"""What people outside the dashboard shall hear about."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notices",
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
            "key",
            sa.String(length=200),
            nullable=False,
            comment="The attempt and the event: each is noted once",
        ),
        sa.Column(
            "pipeline_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="What it happened to",
        ),
        sa.Column(
            "run_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="Which of its runs",
        ),
        sa.Column("event", sa.String(length=20), nullable=False, comment="What happened"),
        sa.Column(
            "attempts", sa.Integer(), nullable=False, comment="How often it was tried to send it"
        ),
        sa.Column(
            "due_at",
            sa.Double(),
            nullable=False,
            comment="When it is to be sent; while it is sent, when again",
        ),
        sa.Column(
            "done_at",
            sa.Double(),
            nullable=True,
            comment="When it had reached every address, or was given up; null: not yet",
        ),
        sa.Column(
            "reached",
            sa.JSON(),
            nullable=False,
            comment="Positions of the addresses that have it; the addresses are kept nowhere",
        ),
        sa.Column(
            "trouble",
            sa.Text(),
            nullable=True,
            comment="Why it could not be sent the last time",
        ),
        sa.ForeignKeyConstraint(
            ["pipeline_id"],
            ["pipelines.id"],
            name=op.f("fk_notices_pipeline_id_pipelines"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_notices_run_id_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("key", name=op.f("uq_notices_key")),
        comment="One thing that happened to a pipeline; written in the transaction in which it happened.",
        sqlite_autoincrement=True,
    )
    for columns in (["pipeline_id"], ["run_id"], ["done_at", "due_at"]):
        op.create_index(op.f(f"ix_notices_{'_'.join(columns)}"), "notices", columns)


def downgrade() -> None:
    op.drop_table("notices")
