"""Two judges of the same answers: where the one that training goes by was fooled, and how far they agree."""

from collections.abc import Iterator, Sequence

import streamlit as st

from app.state.evaluations import EvaluatedPipeline
from app.text.formatting import plain_markdown, stage_title
from app.ui.number_table import Cell, number_table
from grice_core.evaluation.agreement import Agreement
from grice_core.evaluation.fooled import (
    Fooled,
    JudgesCompared,
    PassedAnswers,
    faulted_words,
    p_words,
)
from grice_core.evaluation.numbers import percent, percent_interval
from grice_core.evaluation.overview import PipelineView
from grice_core.evaluation.rendering import AGREEMENT_NOTE

_COLOURS = {Fooled.ONLY: "red", Fooled.PARTLY: "orange"}


def alarms(view: PipelineView) -> None:
    """Which improvements are those of the training judge only, or for the most part."""
    for each in view.alarms:
        claim, evidence = each.claim(stage_title), each.evidence(stage_title)
        st.markdown(
            f":{_COLOURS[each.fooled]}[**✗ {plain_markdown(claim)}:** {plain_markdown(evidence)}]"
        )


def judges_view(pipeline: EvaluatedPipeline, view: PipelineView) -> None:
    """Per measure and model: how often the judges agree, and what the second faults of what the first passes."""
    second = view.stored.second
    if second is None:
        return
    st.caption(
        plain_markdown(
            f"The second judge: {second.origin}; fingerprint {second.fingerprint[:16]}. No pair was scored by it."
        )
    )
    models = [stage_title(model.name) for model in view.stored.models]
    later = models[1:]
    st.markdown("**Agreement**")
    rows = [[Cell(name), *map(_agreed, _agreements(of))] for name, of in _by_measure(view.judges)]
    number_table(("", *models), rows, key=f"agreement {pipeline.id}")
    st.markdown("**Passed by the training judge, faulted by the second judge**")
    rows = [
        [
            Cell(name),
            _faulted(of[0].passed_before),
            *(cell for each in of for cell in (_faulted(each.passed_after), _p_value(each))),
        ]
        for name, of in _by_measure(view.judges)
    ]
    titles = ("", models[0], *(title for name in later for title in (name, "p")))
    number_table(titles, rows, key=f"faulted {pipeline.id}")
    st.caption(plain_markdown(AGREEMENT_NOTE))


def _by_measure(judges: Sequence[JudgesCompared]) -> Iterator[tuple[str, list[JudgesCompared]]]:
    """Each measure with its comparisons, a stage each."""
    for measure in dict.fromkeys(each.measure for each in judges):
        yield measure, [each for each in judges if each.measure == measure]


def _agreements(of_measure: Sequence[JudgesCompared]) -> list[Agreement]:
    """Of each model."""
    return [of_measure[0].agreement_before, *(each.agreement_after for each in of_measure)]


def _agreed(found: Agreement) -> Cell:
    kappa = "" if found.kappa is None else f", κ {found.kappa:.2f}".replace("-", "−")
    return Cell(percent(found.rate), f"{percent_interval(found.interval)}{kappa}")


def _faulted(passed: PassedAnswers) -> Cell:
    share = "–" if passed.share is None else percent(passed.share)
    return Cell(share, faulted_words(passed))


def _p_value(found: JudgesCompared) -> Cell:
    return Cell(p_words(found.p_holm), tone="" if found.fooled is Fooled.NO else "bad")
