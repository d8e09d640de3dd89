"""Who asked for a pipeline, and what people write on it: a note, tags."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "pipelines",
        sa.Column("started_by", sa.String(length=200), comment="Who submitted it; null: not known"),
    )
    op.add_column(
        "pipelines", sa.Column("note", sa.Text(), comment="What people wrote on it; null: nothing")
    )
    op.create_table(
        "pipeline_tags",
        sa.Column(
            "pipeline_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="The pipeline",
        ),
        sa.Column("tag", sa.String(length=200), nullable=False, comment="One word or a few"),
        sa.ForeignKeyConstraint(
            ["pipeline_id"],
            ["pipelines.id"],
            name=op.f("fk_pipeline_tags_pipeline_id_pipelines"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("pipeline_id", "tag", name=op.f("pk_pipeline_tags")),
        comment="A tag that people gave a pipeline, to find it by.",
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("pipeline_tags")
    op.drop_column("pipelines", "note")
    op.drop_column("pipelines", "started_by")
