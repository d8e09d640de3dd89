"""What a row that comes from elsewhere is, computed from its content; what it says of itself is not believed.

A data set is known by the hash of the file that it was uploaded as, which doesn't come with it: whoever
uploads a file of that hash would get the pairs of the archive, whatever they are. So an imported data
set is known by its pairs, until that very file is uploaded here and turns out to hold them.
"""

import hashlib

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from grice_core.store.artifacts import ArtifactStore
from grice_core.store.json_text import digest_of
from grice_core.store.tables import Artifact, DataSet, JsonObject, Recipe

CLAIMED = "claimed_sha256"
"""In the report of an imported data set: the hash that its file is said to have."""


def computed(table: str, columns: JsonObject, artifacts: ArtifactStore) -> JsonObject:
    """A row with the identities that follow from its content.

    Raises:
        ArtifactError: the artifact that it stands for is missing or damaged.
    """
    if table == Recipe.__tablename__:
        return columns | {"digest": digest_of(columns["body"])}
    if table == Artifact.__tablename__:
        address = artifacts.address_of(columns["sha256"])
        return columns | {"is_folder": address.is_folder, "size_bytes": address.size_bytes}
    return columns


def of_pairs(artifact_sha256: str) -> str:
    """What a data set is known by whose file has not been seen here."""
    return hashlib.sha256(f"imported pairs {artifact_sha256}".encode()).hexdigest()


def identify(session: Session, row: DataSet) -> None:
    """Let a data set that comes from elsewhere be the one that is here, if that has the same pairs."""
    unseen, claims = of_pairs(row.artifact_sha256), {row.sha256, row.report.get(CLAIMED)}
    here = select(DataSet.sha256).where(
        DataSet.artifact_sha256 == row.artifact_sha256,
        or_(DataSet.sha256.in_(claims - {None}), DataSet.sha256 == unseen),
    )
    known = session.scalars(here).first()
    row.report = _with_identified_origin(session, row.report)
    if known is None and row.sha256 != unseen:
        row.report = {**row.report, CLAIMED: row.sha256}
    row.sha256 = known or unseen


def _with_identified_origin(session: Session, report: JsonObject) -> JsonObject:
    """A version of a data set names the original that it was made from, which may not be here."""
    curation = report.get("curation")
    if curation is None:
        return report
    origin = curation["origin"]
    here = select(DataSet.sha256).where(
        DataSet.artifact_sha256 == origin["artifact_sha256"], DataSet.sha256 == origin["sha256"]
    )
    sha256 = session.scalars(here).first() or of_pairs(origin["artifact_sha256"])
    return report | {"curation": curation | {"origin": origin | {"sha256": sha256}}}


def confirm(session: Session, sha256: str, artifact_sha256: str, **columns: object) -> bool:
    """The file of this hash is here, and holds these pairs: an imported data set may be known by it now.

    Returns whether there was one.

    Args:
        columns: what has been found out about it here.
    """
    other = aliased(DataSet)
    confirmed = (
        update(DataSet)
        .where(
            DataSet.sha256 == of_pairs(artifact_sha256),
            DataSet.report[CLAIMED].as_string() == sha256,
            ~exists().where(other.sha256 == sha256),
        )
        .values(sha256=sha256, **columns)
        .returning(DataSet.id)
    )
    return session.execute(confirmed).one_or_none() is not None
