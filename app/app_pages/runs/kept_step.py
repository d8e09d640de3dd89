"""Which step a training kept: why, and among which candidates."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.text.formatting import plain_markdown, sentence
from app.ui.number_table import Cell, number_table
from grice_core.evaluation.numbers import percent, points
from grice_core.maxims import MAXIMS
from grice_core.pipeline.kept_steps import CHECKPOINT, sentences
from grice_core.store.tables import Run

_READING = (
    "Per maxim, on the held-out pairs that clearly differ: the share that moved the data’s way, and below it by how "
    "many points the probability of the data’s preference, by implicit rewards, exceeds the 50 % of the stage’s "
    "start. ★ no other look is better on one maxim without being worse on another. Score: the points gained on "
    "the trained maxims, less those lost on the others."
)


def kept_step_of(run: Run) -> int | None:
    """The step whose adapter was published, of a stage that chose it; None: the last one, as always."""
    chosen = (run.result or {}).get(CHECKPOINT, {})
    step = chosen.get("step") if isinstance(chosen, dict) else None
    return step if isinstance(step, int) else None


def kept_step_view(run: Run) -> None:
    """Say what a stage kept, if it chose."""
    result = run.result or {}
    for said in sentences(result):
        st.caption(plain_markdown(sentence(said)))
    if CHECKPOINT in result:
        chosen = result[CHECKPOINT]
        with st.expander(f"Candidates ({len(chosen['candidates'])})"):
            number_table(_titles(chosen), candidate_rows(chosen), key=f"candidates {run.id}")
            st.caption(plain_markdown(_READING))


def candidate_rows(chosen: Mapping[str, Any]) -> list[list[Cell]]:
    """A row per candidate, in the order of their steps."""
    return [_row(each, _counted(chosen), kept=chosen["step"]) for each in chosen["candidates"]]


def _counted(chosen: Mapping[str, Any]) -> list[str]:
    """The maxims on which enough held-out pairs differ."""
    return [maxim for maxim in MAXIMS if maxim in chosen["candidates"][0]["gains"]]


def _titles(chosen: Mapping[str, Any]) -> list[str]:
    return ["step", "score", *_counted(chosen)]


def _row(candidate: Mapping[str, Any], maxims: Sequence[str], kept: int) -> list[Cell]:
    step = candidate["step"]
    star = " ★" if candidate["on_front"] else ""
    lost = "retention lost" if candidate["lost"] else ""
    name = Cell(f"{step:,}{star}", below="kept" if step == kept else lost)
    score = Cell(points(candidate["score"]), tone="good" if step == kept else "")
    return [name, score, *(_of_maxim(candidate, maxim) for maxim in maxims)]


def _of_maxim(candidate: Mapping[str, Any], maxim: str) -> Cell:
    return Cell(
        percent(candidate["accuracies"][maxim]),
        below=points(candidate["gains"][maxim]),
        tone="bad" if maxim in candidate["lost"] else "",
    )
