"""The rounds of a pipeline as pages show them, from what their runs have noted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from app.state.stored_spec import spec_of
from app.text.formatting import count_of, stage_title
from grice_core.evaluation.intervals import Interval
from grice_core.rounds.series import num_rounds
from grice_core.rounds.stopping import Change
from grice_core.store.tables import JsonObject, Run

_MEASURES = {
    "gain": "cooperative",
    "second_gain": "cooperative, second judge",
    "agreement": "judges agree",
    "unfinished": "unfinished answers",
}
_WORSE_UPWARDS = {"unfinished"}


@dataclass(frozen=True)
class ChangeRow:
    """What a round changed of one measure on held-out prompts."""

    measure: str
    change: Change
    tone: Literal["", "good", "bad", "dim"]
    """Only a change whose interval lies on one side of zero is good or bad."""


@dataclass(frozen=True)
class Round:
    """One round, as far as it has come."""

    run_id: int
    stage: str
    noted: JsonObject
    """Of it in run.json."""
    number: int
    """Of its series, from 1."""
    of: int
    """How many rounds that has."""

    @property
    def title(self) -> str:
        """`Round 1`"""
        return stage_title(self.stage)

    @property
    def is_in_effect(self) -> bool:
        """Whether it is done, and later parts build on it."""
        return bool(self.noted.get("in_effect"))

    @property
    def place(self) -> str:
        """`Round 1 of 2`"""
        return f"Round {self.number} of {self.of}"

    @property
    def end(self) -> str | None:
        """Why no round follows, and whether this one counts; None: another follows, or that is not known yet."""
        ended = self.noted.get("ended_by")
        if ended:
            kept = "counts" if self.is_in_effect else "is left out"
            return f"The rounds end here, and this one {kept}: {ended['sentence']}"
        said = self.noted.get("said", ())
        if self.noted.get("in_effect") is False and said:  # an earlier one ended them
            return str(said[-1])
        if self.is_in_effect and self.number == self.of:
            return "This round helped and counts. It is the last that the recipe asks for"
        return None

    def asked(self) -> str:
        """`154 held-out prompts × 8 answers, the same noise before and after`"""
        check = self.noted["check"]
        prompts = count_of(check["num_prompts"], "held-out prompt")
        answers = count_of(check["samples_per_prompt"], "answer")
        return (
            f"{prompts} × {answers}, written with the same noise before and after; 95 % intervals"
        )


def rounds_of(chain: Sequence[Run]) -> list[Round]:
    """Those of a pipeline's runs of which something is known."""
    return [_round(run) for run in chain if (run.result or {}).get("round")]


def _round(run: Run) -> Round:
    recipe, stage = spec_of(run).recipe, run.stage or ""
    number = {each.name: each.round or 1 for each in recipe.stages}[stage]
    return Round(run.id, stage, (run.result or {})["round"], number, num_rounds(recipe, stage))


def change_rows(noted: JsonObject) -> list[ChangeRow]:
    """What a round changed, as far as it was measured."""
    return list(_rows(noted.get("check") or {}))


def _rows(check: JsonObject) -> Iterator[ChangeRow]:
    for name, measure in _MEASURES.items():
        found = check.get(name)
        if found is None:
            continue
        change = Change(found["before"], found["after"], Interval(**found["interval"]))
        rises, falls = change.rises, change.falls
        if name in _WORSE_UPWARDS:
            rises, falls = falls, rises
        yield ChangeRow(measure, change, "good" if rises else "bad" if falls else "")
