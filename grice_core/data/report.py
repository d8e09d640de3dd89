"""The validation report: what is wrong with a data set, where, and what to do."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from grice_core.data.pairs import IntArray

MAX_ROWS_SHOWN = 20


class Severity(StrEnum):
    """Whether the rows of a problem can be used."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """One kind of problem, and where it was found."""

    code: str
    severity: Severity
    count: int
    """Number of rows."""
    rows: tuple[int, ...]
    """The first rows, 1-based."""
    message: str
    fix: str


@dataclass(frozen=True)
class ProblemKind:
    """What can be wrong with a row."""

    code: str
    severity: Severity
    message: str
    """Said of each row."""
    fix: str

    def at(self, rows: IntArray) -> Problem:
        """This problem at these rows."""
        shown = tuple(int(row) for row in rows[:MAX_ROWS_SHOWN])
        return Problem(self.code, self.severity, len(rows), shown, self.message, self.fix)


@dataclass(frozen=True)
class ValidationReport:
    """What a data set holds and what is wrong with it."""

    num_rows: int
    num_usable: int
    """Rows without an error."""
    num_scored: int
    """Usable rows with all eight scores."""
    problems: tuple[Problem, ...]
    """Errors first; a row may have several."""

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(found for found in self.problems if found.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(found for found in self.problems if found.severity is Severity.WARNING)

    def with_problems(self, found: Iterable[Problem]) -> "ValidationReport":
        """This report and further problems; those without rows are left out."""
        some = [problem for problem in found if problem.count]
        return replace(self, problems=(*self.problems, *some))

    def as_json(self) -> dict[str, Any]:
        """The report as plain data, to be written as JSON."""
        problems = [{**asdict(found), "rows": list(found.rows)} for found in self.problems]
        return {**asdict(self), "problems": problems}
