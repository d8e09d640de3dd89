"""The tables, one class each; `migrations/` makes them in a database."""

from grice_core.store.tables.audit import AuditEntry
from grice_core.store.tables.base import Base, JsonObject
from grice_core.store.tables.catalogue import (
    Artifact,
    DataSet,
    Detector,
    Pipeline,
    PipelineTag,
    Recipe,
)
from grice_core.store.tables.evaluations import FormerVote, Generation, Pick, Violation, Vote
from grice_core.store.tables.labels import LabelDecision
from grice_core.store.tables.notices import Notice
from grice_core.store.tables.runs import (
    LogPosition,
    Metric,
    Pause,
    Run,
    RunArtifact,
    RunParent,
    SampledAnswerRow,
)
from grice_core.store.tables.sweeps import Sweep, SweepMember

__all__ = [
    "Artifact",
    "AuditEntry",
    "Base",
    "DataSet",
    "Detector",
    "FormerVote",
    "Generation",
    "JsonObject",
    "LabelDecision",
    "LogPosition",
    "Metric",
    "Notice",
    "Pause",
    "Pick",
    "Pipeline",
    "PipelineTag",
    "Recipe",
    "Run",
    "RunArtifact",
    "RunParent",
    "SampledAnswerRow",
    "Sweep",
    "SweepMember",
    "Violation",
    "Vote",
]
