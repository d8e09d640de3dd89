"""What persons say about answers, without knowing whose they are."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "votes",
        sa.Column(
            "generation_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="The response",
        ),
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
            ["generation_id"],
            ["generations.id"],
            name=op.f("fk_votes_generation_id_generations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("generation_id", "voter", "maxim", name=op.f("pk_votes")),
        comment="What a person, who does not know which model it is by, says about one response and one maxim.",
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("votes")
