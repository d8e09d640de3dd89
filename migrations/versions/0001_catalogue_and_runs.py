"""Data sets, recipes, detectors, pipelines, runs and their metrics."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "artifacts",
        sa.Column(
            "sha256",
            sa.String(length=64),
            nullable=False,
            comment="Of the file's bytes, or of the folder's manifest; 64 hex digits",
        ),
        sa.Column(
            "is_folder", sa.Boolean(), nullable=False, comment="Its object is a manifest of files"
        ),
        sa.Column(
            "size_bytes", sa.BigInteger(), nullable=False, comment="Of all its files together"
        ),
        sa.Column(
            "created_at",
            sa.Double(),
            nullable=False,
            comment="Seconds since 1970, by the database's clock",
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_artifacts")),
        comment="A file or folder in the artifact store, named by the SHA-256 of its content.",
    )
    op.create_table(
        "recipes",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="Number that people and links name it by; never used again",
        ),
        sa.Column(
            "name", sa.String(length=200), nullable=False, comment="Name that all versions share"
        ),
        sa.Column("version", sa.Integer(), nullable=False, comment="1, 2, 3 … per name"),
        sa.Column(
            "digest",
            sa.String(length=64),
            nullable=False,
            comment="SHA-256 of the body as canonical JSON",
        ),
        sa.Column("body", sa.JSON(), nullable=False, comment="The whole recipe, validated"),
        sa.Column(
            "forked_from",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="Recipe that it was copied from",
        ),
        sa.Column(
            "created_at",
            sa.Double(),
            nullable=False,
            comment="Seconds since 1970, by the database's clock",
        ),
        sa.ForeignKeyConstraint(
            ["forked_from"],
            ["recipes.id"],
            name=op.f("fk_recipes_forked_from_recipes"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipes")),
        sa.UniqueConstraint("name", "digest", name=op.f("uq_recipes_name_digest")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_recipes_name_version")),
        comment="A version of a recipe; versions are never changed.",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "data_sets",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="Number that people and links name it by; never used again",
        ),
        sa.Column(
            "name",
            sa.String(length=200),
            nullable=False,
            comment="What people call it; the file's name at first",
        ),
        sa.Column(
            "sha256", sa.String(length=64), nullable=False, comment="Of the uploaded file's content"
        ),
        sa.Column(
            "artifact_sha256",
            sa.String(length=64),
            nullable=False,
            comment="The pairs as columns (Parquet)",
        ),
        sa.Column("num_rows", sa.Integer(), nullable=False, comment="Rows of the uploaded file"),
        sa.Column("num_usable", sa.Integer(), nullable=False, comment="Rows without an error"),
        sa.Column(
            "num_scored",
            sa.Integer(),
            nullable=False,
            comment="Usable rows that have all eight scores",
        ),
        sa.Column(
            "report", sa.JSON(), nullable=False, comment="Validation report: problems, counts, rows"
        ),
        sa.Column(
            "created_at",
            sa.Double(),
            nullable=False,
            comment="Seconds since 1970, by the database's clock",
        ),
        sa.ForeignKeyConstraint(
            ["artifact_sha256"],
            ["artifacts.sha256"],
            name=op.f("fk_data_sets_artifact_sha256_artifacts"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_sets")),
        sa.UniqueConstraint("sha256", name=op.f("uq_data_sets_sha256")),
        comment="Preference pairs, stored once however often they are uploaded.",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_data_sets_artifact_sha256"), "data_sets", ["artifact_sha256"])
    op.create_table(
        "detectors",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="Number that people and links name it by; never used again",
        ),
        sa.Column("name", sa.String(length=200), nullable=False, comment="What people call it"),
        sa.Column(
            "artifact_sha256",
            sa.String(length=64),
            nullable=False,
            comment="Folder with weights, tokenizer, temperatures",
        ),
        sa.Column(
            "card",
            sa.JSON(),
            nullable=False,
            comment="Temperatures, thresholds, template, quality per maxim",
        ),
        sa.Column(
            "created_at",
            sa.Double(),
            nullable=False,
            comment="Seconds since 1970, by the database's clock",
        ),
        sa.ForeignKeyConstraint(
            ["artifact_sha256"],
            ["artifacts.sha256"],
            name=op.f("fk_detectors_artifact_sha256_artifacts"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_detectors")),
        sa.UniqueConstraint("artifact_sha256", name=op.f("uq_detectors_artifact_sha256")),
        comment="A violation detector that data can be scored and responses judged with.",
        sqlite_autoincrement=True,
    )
    op.create_table(
        "pipelines",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
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
        sa.Column(
            "recipe_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="Version of a recipe",
        ),
        sa.Column(
            "data_set_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="Pairs to learn",
        ),
        sa.Column(
            "eval_data_set_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="Prompts to evaluate on; null: none were given",
        ),
        sa.Column(
            "detector_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="Judge of the responses",
        ),
        sa.Column("base", sa.Text(), nullable=False, comment="Base model: hub id or folder"),
        sa.Column(
            "spec",
            sa.JSON(),
            nullable=False,
            comment="Everything else that the results depend on: seed, leakage rule, precision …",
        ),
        sa.Column(
            "created_at",
            sa.Double(),
            nullable=False,
            comment="Seconds since 1970, by the database's clock",
        ),
        sa.ForeignKeyConstraint(
            ["data_set_id"], ["data_sets.id"], name=op.f("fk_pipelines_data_set_id_data_sets")
        ),
        sa.ForeignKeyConstraint(
            ["detector_id"], ["detectors.id"], name=op.f("fk_pipelines_detector_id_detectors")
        ),
        sa.ForeignKeyConstraint(
            ["eval_data_set_id"],
            ["data_sets.id"],
            name=op.f("fk_pipelines_eval_data_set_id_data_sets"),
        ),
        sa.ForeignKeyConstraint(
            ["recipe_id"], ["recipes.id"], name=op.f("fk_pipelines_recipe_id_recipes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipelines")),
        sa.UniqueConstraint("key", name=op.f("uq_pipelines_key")),
        comment="The runs of one recipe on one data set.",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_pipelines_data_set_id"), "pipelines", ["data_set_id"])
    op.create_index(op.f("ix_pipelines_detector_id"), "pipelines", ["detector_id"])
    op.create_index(op.f("ix_pipelines_eval_data_set_id"), "pipelines", ["eval_data_set_id"])
    op.create_index(op.f("ix_pipelines_recipe_id"), "pipelines", ["recipe_id"])
    op.create_table(
        "runs",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="Number that people and links name it by; never used again",
        ),
        sa.Column(
            "key",
            sa.String(length=200),
            nullable=False,
            comment="Submitting the same key again changes nothing",
        ),
        sa.Column(
            "pipeline_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="Null: stands on its own",
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "score",
                "fit_detector",
                "train",
                "evaluate",
                "export",
                name="runkind",
                native_enum=False,
                length=20,
            ),
            nullable=False,
            comment="What it does",
        ),
        sa.Column(
            "stage",
            sa.String(length=200),
            nullable=True,
            comment="Stage of the recipe that it trains",
        ),
        sa.Column("spec", sa.JSON(), nullable=False, comment="What the job is called with"),
        sa.Column(
            "created_at",
            sa.Double(),
            nullable=False,
            comment="Seconds since 1970, by the database's clock",
        ),
        sa.Column(
            "device",
            sa.Enum("cpu", "gpu", name="device", native_enum=False, length=20),
            nullable=False,
            comment="Class of worker it needs",
        ),
        sa.Column("priority", sa.Integer(), nullable=False, comment="Higher goes first"),
        sa.Column(
            "position",
            sa.Integer(),
            nullable=False,
            comment="Order among runs of the same priority",
        ),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "running",
                "interrupted",
                "succeeded",
                "failed",
                "cancelled",
                name="runstate",
                native_enum=False,
                length=20,
            ),
            nullable=False,
            comment="Where it stands",
        ),
        sa.Column(
            "stop_requested",
            sa.Boolean(),
            nullable=False,
            comment="Somebody asked it to write a checkpoint and stop",
        ),
        sa.Column(
            "stale",
            sa.Boolean(),
            nullable=False,
            comment="Something it was built on has been run again since it started",
        ),
        sa.Column(
            "round",
            sa.Integer(),
            nullable=False,
            comment="How often it was begun again from nothing",
        ),
        sa.Column(
            "attempt", sa.Integer(), nullable=False, comment="How often it was claimed, ever"
        ),
        sa.Column(
            "futile_attempts",
            sa.Integer(),
            nullable=False,
            comment="Claims since it last got further than ever before",
        ),
        sa.Column(
            "error", sa.Text(), nullable=True, comment="Why it failed or was interrupted, in words"
        ),
        sa.Column("result", sa.JSON(), nullable=True, comment="What it found, once it succeeded"),
        sa.Column(
            "owner", sa.Text(), nullable=True, comment="Worker that holds it, as host and process"
        ),
        sa.Column(
            "token",
            sa.Integer(),
            nullable=False,
            comment="Grows with every change of owner; an older token's writes are refused",
        ),
        sa.Column(
            "pid", sa.Integer(), nullable=True, comment="Process id of the job on the owner's host"
        ),
        sa.Column(
            "heartbeat_at", sa.Double(), nullable=True, comment="Last sign of life of its owner"
        ),
        sa.Column(
            "lease_until", sa.Double(), nullable=True, comment="When its owner counts as vanished"
        ),
        sa.Column(
            "step", sa.Integer(), nullable=False, comment="Steps done; falls back on resuming"
        ),
        sa.Column("furthest_step", sa.Integer(), nullable=False, comment="Most steps ever done"),
        sa.Column(
            "num_steps", sa.Integer(), nullable=True, comment="Steps in all; null until known"
        ),
        sa.Column(
            "started_at", sa.Double(), nullable=True, comment="First claim since it was begun anew"
        ),
        sa.Column(
            "finished_at", sa.Double(), nullable=True, comment="When it reached its last state"
        ),
        sa.ForeignKeyConstraint(
            ["pipeline_id"],
            ["pipelines.id"],
            name=op.f("fk_runs_pipeline_id_pipelines"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("key", name=op.f("uq_runs_key")),
        comment="One job: what is asked for, who works on it, how far it is.",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_runs_pipeline_id"), "runs", ["pipeline_id"])
    op.create_index("ix_runs_queue", "runs", ["state", "device", "priority", "position"])
    op.create_table(
        "run_parents",
        sa.Column(
            "run_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="The run that waits",
        ),
        sa.Column(
            "parent_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="What it waits for",
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["runs.id"],
            name=op.f("fk_run_parents_parent_id_runs"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_run_parents_run_id_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "parent_id", name=op.f("pk_run_parents")),
        comment="A run waits for its parents, and is built on what they made.",
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_run_parents_parent_id"), "run_parents", ["parent_id"])
    op.create_table(
        "metrics",
        sa.Column(
            "run_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="Whose step",
        ),
        sa.Column("step", sa.Integer(), nullable=False, comment="1-based optimizer step"),
        sa.Column("numbers", sa.JSON(), nullable=False, comment="Name → number; null: not finite"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_metrics_run_id_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "step", name=op.f("pk_metrics")),
        comment="All numbers of one step of a run; the key makes a doubled step impossible.",
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("metrics")
    op.drop_table("run_parents")
    op.drop_table("runs")
    op.drop_table("pipelines")
    op.drop_table("detectors")
    op.drop_table("data_sets")
    op.drop_table("recipes")
    op.drop_table("artifacts")
