"""What stands below a verdict, one view at a time: seeds, trade-offs, preference shifts, changes."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app.app_pages.compare.comparing import evaluation_of, openable
from app.app_pages.compare.comparison_tables import CHANGE_TITLES, change_blocks
from app.app_pages.compare.preference_shift_figure import preference_shift_figure
from app.app_pages.compare.spread_figure import spread_figure
from app.state.evaluations import EvaluatedPipeline
from app.text.formatting import plain_markdown, stage_title
from app.ui.number_table import Cell, number_table
from app.ui.pareto_figure import ParetoPoint, pareto_figure
from app.ui.theme import BASELINE_COLOUR, stage_colour
from app.url.widgets import linked_radio, linked_selectbox
from grice_core.evaluation.numbers import percent
from grice_core.evaluation.overview import PipelineView
from grice_core.evaluation.pareto import pareto_front
from grice_core.evaluation.preference_shift import PreferenceShift
from grice_core.evaluation.rendering import shift_sentence
from grice_core.evaluation.spread import spread_over_seeds
from grice_core.evaluation.stored import StoredEvaluation
from grice_core.evaluation.violations import MEASURES
from grice_core.maxims import MAXIMS, Maxim

_NO_BAR = {"displayModeBar": False}


def model_colours(evaluation: StoredEvaluation) -> list[str]:
    """Baseline grey, then the stages' colours."""
    return [BASELINE_COLOUR, *(stage_colour(place) for place in range(len(evaluation.models) - 1))]


def changes_view(pipeline: EvaluatedPipeline, view: PipelineView) -> None:
    """Every change between the models, with its test and what became of the answers."""
    for (before, after), cells in change_blocks(view.changes):
        st.markdown(
            f"**{plain_markdown(stage_title(before))} → {plain_markdown(stage_title(after))}**"
        )
        number_table(CHANGE_TITLES, cells, key=f"changes {pipeline.id} {before} {after}")
    st.caption(
        "p: Holm-corrected. Fixed, broken: responses that are fine after and were not before, "
        "and the reverse. MDE (80 % power): the smallest true change, in points, that this many "
        "prompts detect 4 times in 5."
    )


def seeds_view(alike: Sequence[EvaluatedPipeline]) -> None:
    """The pipelines that differ in nothing but their seed."""
    alike = _readable(alike)
    if len(alike) < 2:
        st.info(
            "This pipeline ran with one seed. Launch it with more seeds to see the variation "
            "between seeds here.",
            icon=":material/casino:",
        )
        return
    evaluations = [evaluation_of(pipeline) for pipeline in alike]
    spreads = spread_over_seeds(evaluations)
    names = [model.name for model in evaluations[0].models]
    colours = dict(zip(names, model_colours(evaluations[0]), strict=True))
    seeds = ", ".join(str(pipeline.seed) for pipeline in alike)
    st.caption(f"Seeds {seeds}. Mean and standard deviation over seeds.")
    found = {(one.measure, one.model): one for one in spreads}
    rows = [
        [
            Cell(measure),
            *(
                Cell(percent(found[measure, name].mean), f"± {100 * found[measure, name].sd:.1f}")
                for name in names
            ),
        ]
        for measure in MEASURES
    ]
    left, right = st.columns([3, 2], gap="large")
    with left:
        number_table(("", *map(stage_title, names)), rows, key=f"seeds {alike[0].id}")
    with right:
        st.plotly_chart(
            spread_figure(spreads, colours),
            key=f"seeds plot {alike[0].id}",
            config=_NO_BAR,
            alt=f"Rates of {', '.join(map(stage_title, names))} with seeds {seeds}.",
        )


def pareto_view(alike: Sequence[EvaluatedPipeline]) -> None:
    """All models of all pipelines that were asked the same by the same judge."""
    names, colours, rates = [], [], []
    alike = _readable(alike)
    for pipeline in alike:
        evaluation = evaluation_of(pipeline)
        of_each = zip(evaluation.models, model_colours(evaluation), strict=True)
        for place, (model, colour) in enumerate(of_each):
            if place or pipeline is alike[0]:  # the baseline is the same for all
                title = stage_title(model.name)
                names.append(f"{pipeline.title}: {title}" if place else title)
                colours.append(colour)
                rates.append([model.rates[maxim] for maxim in MAXIMS])
    unbeaten = pareto_front(np.array(rates))
    left, right = st.columns(2)
    with left:
        across = Maxim(linked_selectbox("x axis", "x", MAXIMS, str))
    with right:
        up = Maxim(linked_selectbox("y axis", "y", MAXIMS, str, default=str(MAXIMS[-1])))
    points = [
        ParetoPoint(name, colour, (of[across.column], of[up.column]), bool(is_unbeaten))
        for name, colour, of, is_unbeaten in zip(names, colours, rates, unbeaten, strict=True)
    ]
    st.plotly_chart(
        pareto_figure(points, (str(across), str(up))),
        key="pareto",
        config=_NO_BAR,
        alt=f"Violations of {across} against {up}, a dot per model, and the front.",
    )
    best = [name for name, is_unbeaten in zip(names, unbeaten, strict=True) if is_unbeaten]
    st.caption(
        "Lower left is better. The line is the Pareto front of these two maxims; filled dots are on "
        f"the front of all four: {plain_markdown('; '.join(best))}."
    )


def _readable(pipelines: Sequence[EvaluatedPipeline]) -> list[EvaluatedPipeline]:
    """Those that can be shown; of the others it is said why not."""
    found, reasons = openable(pipelines)
    for reason in reasons:
        st.caption(plain_markdown(reason))
    return found


def preference_shift_view(pipeline: EvaluatedPipeline, view: PipelineView) -> None:
    """Each training pair's data margin against its implicit reward margin, after each stage."""
    shifts = view.stored.preference_shifts
    if not shifts:
        st.info("This pipeline has stored no implicit rewards per pair.")
        return
    maxim = Maxim(linked_radio("Maxim", "maxim", MAXIMS, str))
    stages = list(dict.fromkeys(pairs.after for pairs in shifts))
    found = {(pairs.stage, pairs.after): pairs for pairs in shifts}
    for stage in stages:  # a row for whose pairs they are, a column for when they were looked at
        st.markdown(f"**Pairs of {plain_markdown(stage_title(stage))}**")
        for column, after in zip(st.columns(len(stages), gap="large"), stages, strict=True):
            if pairs := found.get((stage, after)):
                with column:
                    _preference_shift(pipeline, pairs, maxim)
    st.caption(
        "A dot is a training pair. Above the dotted line the model has moved towards the chosen "
        "response since the pair's stage began. A rising line: pairs with larger data margins moved the "
        "model more. A line that drops after a later stage: that stage undoes the shift."
    )


def _preference_shift(pipeline: EvaluatedPipeline, pairs: PreferenceShift, maxim: Maxim) -> None:
    st.plotly_chart(
        preference_shift_figure(pairs, maxim),
        key=f"taught {pipeline.id} {pairs.stage} {pairs.after}",
        config=_NO_BAR,
        alt=f"Data margin of {maxim} against reward margin after {stage_title(pairs.after)}.",
    )
    st.caption(plain_markdown(shift_sentence(pairs)))
