"""New versions of data sets: pairs excluded or restored, kept in the store beside the version before."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grice_core.data.columnar import write_pairs
from grice_core.data.curation import Curation, Origin, parse_curation
from grice_core.data.findings import find_warnings
from grice_core.data.pairs import PairTable
from grice_core.data.report import Severity, ValidationReport
from grice_core.errors import InputError
from grice_core.registry import FILE_SHA256
from grice_core.store import data_sets
from grice_core.store.actions import require
from grice_core.store.actors import Role
from grice_core.store.artifacts import Address, ArtifactStore
from grice_core.store.data_sets import DataSetDraft
from grice_core.store.database import Database
from grice_core.store.json_text import digest_of
from grice_core.store.tables import DataSet

CURATION = "curation"
"""In the report of a data set that is a version of another one."""


def curation_of(data_set: DataSet) -> Curation:
    """What was excluded from a data set; nothing, if it is one as it was uploaded."""
    if CURATION in data_set.report:
        return parse_curation(data_set.report[CURATION])
    return Curation(
        Origin(data_set.name, data_set.sha256, data_set.artifact_sha256, data_set.num_rows)
    )


@dataclass(frozen=True)
class Curator:
    """Makes versions of one data set."""

    database: Database
    artifacts: ArtifactStore
    data_set: DataSet
    """The version that the next one is made from."""
    whole: PairTable
    """All pairs of the original."""

    def exclude(self, reasons: Mapping[int, str], by: str = "") -> DataSet:
        """The next version, without these rows of the original file.

        Args:
            reasons: by row, why it is excluded.

        Raises:
            InputError: a reason is missing, or no pair would be left.
        """
        if not all(reason.strip() for reason in reasons.values()):
            raise InputError("say why these pairs are excluded")
        return self._keep(self._curation.excluding(reasons, by, self.data_set.name))

    def restore(self, rows: Sequence[int]) -> DataSet:
        """The next version, with these rows again; the original itself, if nothing is excluded then."""
        return self._keep(self._curation.restoring(rows, self.data_set.name))

    @property
    def _curation(self) -> Curation:
        return curation_of(self.data_set)

    def _keep(self, wanted: Curation) -> DataSet:
        original = data_sets.with_content(self.database, wanted.origin.sha256)
        if not wanted.exclusions and original is not None:
            return original
        table = self.whole.take(wanted.kept(self.whole))
        if not len(table):
            raise InputError("every pair would be excluded; keep at least one")
        report = self._report(table, wanted)
        num_excluded = len(self.whole) - len(table)
        draft = DataSetDraft(
            name=_name(wanted),
            sha256=_identity(wanted),
            pairs=self._put(table),
            num_rows=wanted.origin.num_rows - num_excluded,
            num_usable=len(table),
            num_scored=int(table.scored.sum()),
            report=report,
        )
        return data_sets.get(self.database, data_sets.add(self.database, draft))

    def _report(self, table: PairTable, wanted: Curation) -> dict[str, Any]:
        """The original's errors, the warnings of what is kept, and what was excluded why."""
        before = self.data_set.report
        num_excluded = len(self.whole) - len(table)
        found = ValidationReport(
            wanted.origin.num_rows - num_excluded, len(table), int(table.scored.sum()), ()
        ).with_problems(find_warnings(table))
        errors = [one for one in before["problems"] if one["severity"] == Severity.ERROR]
        report = before | found.as_json()
        report.pop(FILE_SHA256, None)  # it is no longer what that file holds
        report["problems"] = [*errors, *report["problems"]]
        return report | {CURATION: wanted.document()} if wanted.exclusions else report

    def _put(self, table: PairTable) -> Address:
        require(self.database, Role.MEMBER)  # before a file is written
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pairs.parquet"
            write_pairs(path, table)
            return self.artifacts.put_file(path)


def _name(wanted: Curation) -> str:
    if not wanted.exclusions:
        return wanted.origin.name
    path = Path(wanted.origin.name)
    return f"{path.stem} v{wanted.version}{path.suffix}"


def _identity(wanted: Curation) -> str:
    """The same for the same original and the same exclusions, whatever they were made from."""
    if not wanted.exclusions:
        return wanted.origin.sha256
    plain = replace(wanted, version=1, made_from="")
    excluded = [(one.reason, list(one.rows)) for one in plain.exclusions]
    return digest_of({"origin": plain.origin.sha256, "excluded": sorted(excluded)})
