"""Who needs which artifact, and throwing away what no one needs."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, select, text, union
from sqlalchemy.orm import Session

from grice_core.errors import ArtifactError, NotFoundError
from grice_core.store.actions import Target, action
from grice_core.store.actors import Role
from grice_core.store.artifacts import GRACE_S, Address, ArtifactStore, sha256_of
from grice_core.store.claims import Claim, hold
from grice_core.store.clock import database_now
from grice_core.store.database import Database, reads, writes
from grice_core.store.json_text import dump_json
from grice_core.store.lineage import runs_with
from grice_core.store.objects import StoredFile
from grice_core.store.tables import (
    Artifact,
    DataSet,
    Detector,
    LogPosition,
    Pipeline,
    Run,
    RunArtifact,
)
from grice_core.store.upsert import insert_into

UNUSABLE = "unusable_sha256"
"""In the report of a data set: the artifact with the rows that can't be used."""

_SHA256 = re.compile(r'(?<=")[0-9a-f]{64}(?=")')


def unusable_rows() -> ColumnElement[str]:
    """Of a data set: the hash of its unusable rows; empty if all can be used."""
    return func.coalesce(DataSet.report[UNUSABLE].as_string(), "")


def originals() -> ColumnElement[str]:
    """Of a version of a data set: the hash of the original's pairs, which it restores from; else empty."""
    origin = DataSet.report["curation"]["origin"]["artifact_sha256"]
    return func.coalesce(origin.as_string(), "")


def note(session: Session, address: Address) -> None:
    """Make an artifact known, so that rows can refer to it; part of a larger transaction."""
    row = insert_into(session, Artifact).values(
        sha256=address.sha256, is_folder=address.is_folder, size_bytes=address.size_bytes
    )
    session.execute(row.on_conflict_do_nothing())


def use_again(session: Session, sha256: str) -> None:
    """Refer to an artifact that is known once more; part of a larger transaction.

    Raises:
        NotFoundError: it was thrown away meanwhile.
    """
    known = select(Artifact.sha256).where(Artifact.sha256 == sha256)
    # A collection waits for this lock, and then sees who refers to it; or this waits, and finds nothing.
    if session.scalars(known.with_for_update(read=True)).one_or_none() is None:
        raise NotFoundError("what this builds on has been removed meanwhile; make it again")


@writes
def attach(session: Session, claim: Claim, role: str, address: Address) -> None:
    """Say that a run made this; an older artifact in the same role is forgotten.

    Args:
        role: what it is to the run: checkpoint, adapter, own_adapter, report …

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    hold(session, claim)
    note(session, address)
    _detach(session, claim.run_id, role)
    session.add(RunArtifact(run_id=claim.run_id, role=role, sha256=address.sha256))


@writes
def detach(session: Session, claim: Claim, role: str) -> None:
    """Say that a run needs its artifact in this role no more, if it has one.

    Raises:
        StaleOwnerError: the run is not the claim's any more.
    """
    hold(session, claim)
    _detach(session, claim.run_id, role)


def _detach(session: Session, run_id: int, role: str) -> None:
    in_role = (RunArtifact.run_id == run_id, RunArtifact.role == role)
    session.execute(delete(RunArtifact).where(*in_role))


@reads
def of_run(session: Session, run_id: int) -> dict[str, Address]:
    """What a run made, by role."""
    rows = session.execute(
        select(RunArtifact.role, Artifact.sha256, Artifact.is_folder, Artifact.size_bytes)
        .join(Artifact, Artifact.sha256 == RunArtifact.sha256)
        .where(RunArtifact.run_id == run_id)
        .order_by(RunArtifact.role)
    )
    return {role: Address(sha256, folder, size) for role, sha256, folder, size in rows}


@reads
def get(session: Session, sha256: str) -> Address:
    """An artifact that is known.

    Raises:
        NotFoundError: no such artifact was ever stored, or it was thrown away.
    """
    row = session.get(Artifact, sha256)
    if row is None:
        raise NotFoundError(f"there is no artifact {sha256}")
    return Address(row.sha256, row.is_folder, row.size_bytes)


@dataclass(frozen=True)
class Collected:
    """What a collection threw away."""

    num_files: int
    size_bytes: int

    def __add__(self, other: "Collected") -> "Collected":
        return Collected(self.num_files + other.num_files, self.size_bytes + other.size_bytes)


def collect_garbage(
    database: Database, artifacts: ArtifactStore, grace_s: float = GRACE_S
) -> Collected:
    """Throw away what no data set, detector or run refers to, once it is older than the grace.

    Raises:
        ArtifactError: the manifest of a folder that is needed can't be read; nothing was thrown
            away then, since no one can say what it holds.
    """
    kept = _forget_unreferenced(database, grace_s)
    collected = Collected(0, 0)
    for file in _unneeded(database, artifacts, kept, grace_s):
        if artifacts.objects.delete_if_old(file.name, grace_s):  # or it was stored again just now
            collected += Collected(1, file.size_bytes)
    return collected


def garbage(
    database: Database,
    artifacts: ArtifactStore,
    grace_s: float = GRACE_S,
    without: Collection[int] = (),
) -> Collected:
    """What `collect_garbage` would throw away now; nothing is changed.

    Args:
        without: pipelines that would have been removed before.

    Raises:
        ArtifactError: the manifest of a folder that is needed can't be read.
    """
    kept = _referenced(database, grace_s, without)
    found = list(_unneeded(database, artifacts, kept, grace_s, without))
    return Collected(len(found), sum(file.size_bytes for file in found))


def _unneeded(
    database: Database,
    artifacts: ArtifactStore,
    kept: Sequence[Address],
    grace_s: float,
    without: Collection[int] = (),
) -> Iterator[StoredFile]:
    """Stored files that are old enough and belong to no artifact that is kept, and to no run."""
    needed = _with_files(artifacts, kept) | _named_by_runs(database)
    logs = _log_names(database, without)
    for file in [*artifacts.stored(), *artifacts.objects.names("logs")]:
        if sha256_of(file.name) in needed or file.name in logs:
            continue
        # Asked last: a user may have stored the same content again since the listing.
        age_s = artifacts.objects.age_s(file.name)
        if age_s is not None and age_s >= grace_s:
            yield file


def needed(database: Database, artifacts: ArtifactStore) -> tuple[set[str], set[str]]:
    """Hashes of all files that a database names, and among them the folders whose list can't be read."""
    kept, unreadable = _known(database), set()
    hashes = {address.sha256 for address in kept}
    # Not every hash in a specification is one of a stored file.
    hashes |= {sha256 for sha256 in _named_by_runs(database) if artifacts.contains(sha256)}
    for address in kept:
        if address.is_folder:
            try:
                hashes |= {entry.sha256 for entry in artifacts.folder(address.sha256)}
            except ArtifactError:
                unreadable.add(address.sha256)
    return hashes, unreadable


@reads
def _known(session: Session) -> Sequence[Address]:
    rows = session.execute(select(Artifact.sha256, Artifact.is_folder, Artifact.size_bytes))
    return [Address(*row) for row in rows]


@writes
@action("remove unused files", Role.ADMIN, on=lambda *_, **__: Target("files"))
def _forget_unreferenced(session: Session, grace_s: float) -> Sequence[Address]:
    """Delete the rows of artifacts that nothing refers to; returns all others."""
    if session.get_bind().dialect.name == "postgresql":
        # Else what is noted again at this moment could be gone before it is referred to. SQLite has one
        # writer at a time anyway.
        session.execute(text(f"LOCK TABLE {Artifact.__tablename__} IN EXCLUSIVE MODE"))
    session.execute(delete(Artifact).where(_is_forgotten(grace_s)))
    kept = session.execute(select(Artifact.sha256, Artifact.is_folder, Artifact.size_bytes))
    return [Address(*row) for row in kept]


@reads
def _referenced(session: Session, grace_s: float, without: Collection[int]) -> Sequence[Address]:
    """All rows of artifacts but those that nothing refers to."""
    kept = select(Artifact.sha256, Artifact.is_folder, Artifact.size_bytes)
    return [Address(*row) for row in session.execute(kept.where(~_is_forgotten(grace_s, without)))]


def _is_forgotten(grace_s: float, without: Collection[int] = ()) -> ColumnElement[bool]:
    referenced = union(
        select(DataSet.artifact_sha256),
        select(unusable_rows()),
        select(originals()),
        select(Detector.artifact_sha256),
        select(RunArtifact.sha256).where(RunArtifact.run_id.not_in(runs_with(without))),
        # A null among them would make every artifact look referred to.
        select(func.coalesce(Pipeline.trained_sha256, "")).where(Pipeline.id.not_in(without)),
    )
    is_old = Artifact.created_at < database_now() - grace_s
    return Artifact.sha256.not_in(referenced) & is_old


def _with_files(artifacts: ArtifactStore, kept: Sequence[Address]) -> set[str]:
    needed = {address.sha256 for address in kept}
    for address in kept:
        if address.is_folder:
            needed.update(entry.sha256 for entry in artifacts.folder(address.sha256))
    return needed


@reads
def _named_by_runs(session: Session) -> set[str]:
    """What the runs outside any pipeline are called with: a user's file is referred to there only."""
    specs = session.scalars(select(Run.spec).where(Run.pipeline_id.is_(None)))
    return {sha256 for spec in specs for sha256 in _SHA256.findall(dump_json(spec))}


@reads
def _log_names(session: Session, without: Collection[int]) -> set[str]:
    kept = LogPosition.run_id.not_in(runs_with(without))
    return set(session.scalars(select(LogPosition.name).where(kept)))
