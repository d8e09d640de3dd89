"""A round in its run: the step it is at, what its pairs came from, whether it helped, why no other follows."""

from collections.abc import Sequence

import streamlit as st

from app.app_pages.runs.round_figures import changes_figure, yield_figure
from app.app_pages.runs.rounds_of import Round, change_rows
from app.text.formatting import plain_markdown, sentence
from app.text.round_text import RoundPhase, phase_of, yield_sentences
from app.text.run_text import progress_of
from app.ui.number_table import Cell, number_table
from app.ui.running_work import share_done
from app.url.navigation import link_to
from grice_core.evaluation.numbers import percent, points, points_interval
from grice_core.rounds.phases import Phase
from grice_core.store.states import RunState
from grice_core.store.tables import Run

_STEPS = {
    "held-out answers before": (Phase.ASK, Phase.JUDGE_ASKED),
    "sampling": (Phase.SAMPLE,),
    "judging": (Phase.JUDGE,),
    "pairing": (Phase.PAIR,),
    "training": (Phase.TRAIN,),
    "held-out answers after": (Phase.CHECK, Phase.JUDGE_CHECKED),
}
_NO_BAR = {"displayModeBar": False}


def round_view(run: Run, rounds: Sequence[Round]) -> None:
    """Show a round, if the run is one, beside the pipeline's other rounds."""
    own = next((each for each in rounds if each.run_id == run.id), None)
    if own is None:
        return
    at = phase_of(run)
    if at is not None:
        _progress(run, own, at)
    _outcome(run, own)
    _figures(run, rounds)
    _changes(run, own)


def _progress(run: Run, own: Round, at: RoundPhase) -> None:
    """Which step a round is at, and how far it is."""
    marks = []
    for name, phases in _STEPS.items():
        if at.phase in phases:
            marks.append(f"**● {name}**")
        else:
            is_past = at.phase.number > phases[-1].number
            marks.append(f"{'✓' if is_past else '○'} {name}")
    st.markdown(f"{own.place}: {' → '.join(marks)}")
    if run.state is RunState.RUNNING:
        doing = progress_of(run) or "preparing the pairs and their reference"
        st.progress(
            share_done(run), text=plain_markdown(" · ".join(filter(None, [doing, at.left()])))
        )


def _outcome(run: Run, own: Round) -> None:
    """What its prompts yielded, and whether it counts, as far as that is known."""
    said = [plain_markdown(sentence(each)) for each in yield_sentences(own.noted)]
    if said:
        st.caption("  \n".join(said))
    _ending(own)
    data_set = (run.result or {}).get("data_set_id")
    if data_set is not None:
        link_to("data", "Look at the round's pairs", ":material/table_rows:", data=str(data_set))


def _changes(run: Run, own: Round) -> None:
    """What it changed on held-out prompts, in numbers."""
    rows = change_rows(own.noted)
    if not rows:
        return
    st.caption(plain_markdown(sentence(own.asked())))
    cells = [
        [
            Cell(row.measure),
            Cell(percent(row.change.before)),
            Cell(percent(row.change.after)),
            Cell(points(row.change.difference), points_interval(row.change.interval), row.tone),
        ]
        for row in rows
    ]
    number_table(("", "before", "after", "change, points"), cells, key=f"round {run.id}")


def _ending(own: Round) -> None:
    """Why no other round follows, and what that means for this one."""
    if own.end is not None:
        show, icon = (st.success, "check") if own.is_in_effect else (st.warning, "undo")
        show(plain_markdown(sentence(own.end)), icon=f":material/{icon}:")
    elif own.is_in_effect:
        st.success("This round helped and counts; another follows.", icon=":material/check:")


def _figures(run: Run, rounds: Sequence[Round]) -> None:
    yielding = [each for each in rounds if each.noted.get("sampled")]
    checked = [each for each in rounds if change_rows(each.noted)]
    left, right = st.columns(2, gap="large")
    with left:
        if yielding:
            st.markdown("**Training prompts: what became of them**")
            st.plotly_chart(
                yield_figure(yielding),
                key=f"yield {run.id}",
                config=_NO_BAR,
                alt=" ".join(
                    f"{each.title}: {'; '.join(yield_sentences(each.noted))}." for each in yielding
                ),
            )
    with right:
        if checked:
            st.markdown("**Change on held-out prompts, points**")
            st.plotly_chart(
                changes_figure(checked),
                key=f"changes {run.id}",
                config=_NO_BAR,
                alt=" ".join(
                    f"{each.title}: {row.measure} {points(row.change.difference)} "
                    f"{points_interval(row.change.interval)}."
                    for each in checked
                    for row in change_rows(each.noted)
                ),
            )
