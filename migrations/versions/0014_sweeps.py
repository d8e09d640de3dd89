"""Searches of settings, and the pipelines that they consist of."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_sweeps()
    _create_members()


def _create_sweeps() -> None:
    op.create_table(
        "sweeps",
        sa.Column(
            "id",
            _NUMBER,
            nullable=False,
            comment="Number that people and links name it by; never used again",
        ),
        sa.Column(
            "key",
            sa.String(length=200),
            nullable=False,
            comment="Submitting the same key again changes nothing",
        ),
        sa.Column("name", sa.String(length=200), nullable=False, comment="What people call it"),
        sa.Column("recipe_id", _NUMBER, nullable=False, comment="Version of the recipe as it is"),
        sa.Column("data_set_id", _NUMBER, nullable=False, comment="Pairs to learn"),
        sa.Column(
            "eval_data_set_id",
            _NUMBER,
            nullable=False,
            comment="Prompts, of which one half is for the search",
        ),
        sa.Column("detector_id", _NUMBER, nullable=True, comment="Judge of the responses"),
        sa.Column(
            "device", sa.String(length=20), nullable=False, comment="Class of worker it needs"
        ),
        sa.Column(
            "pipeline",
            sa.JSON(),
            nullable=False,
            comment="What the pipeline of the recipe as it is is asked to do",
        ),
        sa.Column(
            "search",
            sa.JSON(),
            nullable=False,
            comment="What is varied; number of trials and seeds, minutes, how many at once",
        ),
        sa.Column("state", sa.String(length=20), nullable=False, comment="Where it stands"),
        sa.Column("error", sa.Text(), nullable=True, comment="Why it can't continue, in words"),
        sa.Column("result", sa.JSON(), nullable=True, comment="All figures, once it succeeded"),
        sa.Column(
            "created_at",
            sa.Double(),
            nullable=False,
            comment="Seconds since 1970, by the database's clock",
        ),
        sa.Column(
            "finished_at", sa.Double(), nullable=True, comment="When it reached its last state"
        ),
        sa.Column(
            "started_by",
            sa.String(length=200),
            nullable=True,
            comment="Who submitted it; null: not known",
        ),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_sweeps_{column}_{table}")
            )
            for column, table in (
                ("recipe_id", "recipes"),
                ("data_set_id", "data_sets"),
                ("eval_data_set_id", "data_sets"),
                ("detector_id", "detectors"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sweeps")),
        sa.UniqueConstraint("key", name=op.f("uq_sweeps_key")),
        comment="A search of settings: many pipelines that differ in some fields of their recipe, one winner.",
        sqlite_autoincrement=True,
    )
    for column in ("state", "recipe_id", "data_set_id", "eval_data_set_id", "detector_id"):
        op.create_index(op.f(f"ix_sweeps_{column}"), "sweeps", [column])


def _create_members() -> None:
    op.create_table(
        "sweep_members",
        sa.Column("sweep_id", _NUMBER, nullable=False, comment="The search"),
        sa.Column(
            "name",
            sa.String(length=200),
            nullable=False,
            comment="as-it-is, or the trial's number in three digits",
        ),
        sa.Column("seed", sa.Integer(), nullable=False, comment="Of the pipeline"),
        sa.Column(
            "half",
            sa.String(length=200),
            nullable=False,
            comment="Of the prompts: search or confirmation",
        ),
        sa.Column("params", sa.JSON(), nullable=False, comment="Field of the recipe → value"),
        sa.Column(
            "recipe_id",
            _NUMBER,
            nullable=True,
            comment="Version with these values; null: the recipe as it is",
        ),
        sa.Column(
            "pipeline_id", _NUMBER, nullable=True, comment="Null: not submitted yet, or removed"
        ),
        sa.Column(
            "submitted", sa.Boolean(), nullable=False, comment="Its pipeline is in the queue"
        ),
        sa.Column(
            "rates",
            sa.JSON(),
            nullable=True,
            comment="Measure → rate, low, high, after the last stage; null: not known yet",
        ),
        sa.Column("failure", sa.Text(), nullable=True, comment="Why it came to nothing"),
        sa.Column("seconds", sa.Double(), nullable=False, comment="That its runs took"),
        sa.Column(
            "created_at",
            sa.Double(),
            nullable=False,
            comment="Seconds since 1970, by the database's clock",
        ),
        sa.ForeignKeyConstraint(
            ["sweep_id"],
            ["sweeps.id"],
            name=op.f("fk_sweep_members_sweep_id_sweeps"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["recipe_id"], ["recipes.id"], name=op.f("fk_sweep_members_recipe_id_recipes")
        ),
        sa.ForeignKeyConstraint(
            ["pipeline_id"],
            ["pipelines.id"],
            name=op.f("fk_sweep_members_pipeline_id_pipelines"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("sweep_id", "name", "seed", "half", name=op.f("pk_sweep_members")),
        comment="One pipeline of a search; its figures stay when the pipeline is removed.",
        sqlite_with_rowid=False,
    )
    for column in ("pipeline_id", "recipe_id"):
        op.create_index(op.f(f"ix_sweep_members_{column}"), "sweep_members", [column])


def downgrade() -> None:
    op.drop_table("sweep_members")
    op.drop_table("sweeps")
