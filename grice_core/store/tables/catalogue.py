"""What runs work with: artifacts, data sets, recipes, detectors, pipelines."""

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grice_core.store.tables.base import Base, CreatedAt, Id, JsonObject, Name, Sha256


class Artifact(Base):
    """A file or folder in the artifact store, named by the SHA-256 of its content."""

    __tablename__ = "artifacts"

    sha256: Mapped[Sha256] = mapped_column(
        primary_key=True, comment="Of the file's bytes, or of the folder's manifest; 64 hex digits"
    )
    is_folder: Mapped[bool] = mapped_column(comment="Its object is a manifest of files")
    size_bytes: Mapped[int] = mapped_column(BigInteger, comment="Of all its files together")
    created_at: Mapped[CreatedAt]


class DataSet(Base):
    """Preference pairs, stored once however often they are uploaded."""

    __tablename__ = "data_sets"
    __table_args__ = (
        UniqueConstraint("sha256"),
        Index(None, "artifact_sha256"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Id]
    name: Mapped[Name] = mapped_column(comment="What people call it; the file's name at first")
    sha256: Mapped[Sha256] = mapped_column(comment="Of the uploaded file's content")
    artifact_sha256: Mapped[Sha256] = mapped_column(
        ForeignKey("artifacts.sha256"), comment="The pairs as columns (Parquet)"
    )
    num_rows: Mapped[int] = mapped_column(comment="Rows of the uploaded file")
    num_usable: Mapped[int] = mapped_column(comment="Rows without an error")
    num_scored: Mapped[int] = mapped_column(comment="Usable rows that have all eight scores")
    report: Mapped[JsonObject] = mapped_column(comment="Validation report: problems, counts, rows")
    created_at: Mapped[CreatedAt]


class Recipe(Base):
    """A version of a recipe; versions are never changed."""

    __tablename__ = "recipes"
    __table_args__ = (
        UniqueConstraint("name", "version"),
        UniqueConstraint("name", "digest"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Id]
    name: Mapped[Name] = mapped_column(comment="Name that all versions share")
    version: Mapped[int] = mapped_column(comment="1, 2, 3 … per name")
    digest: Mapped[Sha256] = mapped_column(comment="SHA-256 of the body as canonical JSON")
    body: Mapped[JsonObject] = mapped_column(comment="The whole recipe, validated")
    forked_from: Mapped[int | None] = mapped_column(
        ForeignKey("recipes.id", ondelete="SET NULL"), comment="Recipe that it was copied from"
    )
    created_at: Mapped[CreatedAt]


class Detector(Base):
    """A violation detector that data can be scored and responses judged with."""

    __tablename__ = "detectors"
    __table_args__ = (
        UniqueConstraint("artifact_sha256"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Id]
    name: Mapped[Name] = mapped_column(comment="What people call it")
    artifact_sha256: Mapped[Sha256] = mapped_column(
        ForeignKey("artifacts.sha256"), comment="Folder with weights, tokenizer, temperatures"
    )
    card: Mapped[JsonObject] = mapped_column(
        comment="Temperatures, thresholds, template, quality per maxim"
    )
    created_at: Mapped[CreatedAt]


class Pipeline(Base):
    """The runs of one recipe on one data set."""

    __tablename__ = "pipelines"
    __table_args__ = (
        UniqueConstraint("key"),
        Index(None, "recipe_id"),
        Index(None, "data_set_id"),
        Index(None, "eval_data_set_id"),
        Index(None, "detector_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Id]
    key: Mapped[Name] = mapped_column(comment="Submitting the same key again changes nothing")
    name: Mapped[Name] = mapped_column(comment="What people call it")
    recipe_id: Mapped[int] = mapped_column(ForeignKey("recipes.id"), comment="Version of a recipe")
    data_set_id: Mapped[int] = mapped_column(ForeignKey("data_sets.id"), comment="Pairs to learn")
    eval_data_set_id: Mapped[int | None] = mapped_column(
        ForeignKey("data_sets.id"), comment="Prompts to evaluate on; null: none were given"
    )
    detector_id: Mapped[int | None] = mapped_column(
        ForeignKey("detectors.id"), comment="Judge of the responses"
    )
    base: Mapped[str] = mapped_column(comment="Base model: hub id or folder")
    spec: Mapped[JsonObject] = mapped_column(
        comment="Everything else that the results depend on: seed, leakage rule, precision …"
    )
    created_at: Mapped[CreatedAt]
    trained_sha256: Mapped[Sha256 | None] = mapped_column(
        comment="Output folder of another pipeline, whose stages this one only evaluates"
    )
    started_by: Mapped[Name | None] = mapped_column(comment="Who submitted it; null: not known")
    note: Mapped[str | None] = mapped_column(comment="What people wrote on it; null: nothing")


class PipelineTag(Base):
    """A tag that people gave a pipeline, to find it by."""

    __tablename__ = "pipeline_tags"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - as SQLAlchemy wants it

    pipeline_id: Mapped[int] = mapped_column(
        ForeignKey("pipelines.id", ondelete="CASCADE"), primary_key=True, comment="The pipeline"
    )
    tag: Mapped[Name] = mapped_column(primary_key=True, comment="One word or a few")
