"""One sweep: how far it is, what it came to, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app.app_pages.sweep.sweep_figures import importance_figure, parallel_figure
from app.app_pages.sweep.sweep_words import standing, winner_sentences
from app.app_pages.sweep.trials_table import CandidateDocument, title_of, trials_table
from app.state.run_queue import run_queue
from app.state.session import studio
from app.state.settings import app_settings
from app.text.formatting import plain_markdown, sentence
from app.ui.allowed import allowed
from app.ui.errors import guarded
from app.ui.pareto_figure import ParetoPoint, pareto_figure
from app.ui.running_work import line_of, share_done
from app.ui.theme import BASELINE_COLOUR, KEPT_COLOUR
from app.url.navigation import go_to, link_to
from app.url.widgets import linked_segments, linked_selectbox
from grice_core.evaluation.intervals import Interval
from grice_core.maxims import MAXIMS
from grice_core.store import sweeps
from grice_core.store.states import RunState, SweepState
from grice_core.store.sweeps import MemberKey, MemberStanding
from grice_core.store.tables import Sweep
from grice_core.store.targets import sweep_target
from grice_core.sweep.result import candidate_documents
from grice_core.sweep.search import AS_IT_IS, Search
from grice_core.sweep.stored import entries_of, search_of

_NO_BAR = {"displayModeBar": False}
_SHOWN_FAILURES = 3


@dataclass(frozen=True)
class _Shown:
    """A sweep as it stands now."""

    sweep: Sweep
    search: Search
    standings: Sequence[MemberStanding]
    candidates: Sequence[CandidateDocument]

    @classmethod
    def of(cls, sweep_id: int) -> "_Shown":
        sweep = sweeps.get(studio().database, sweep_id)
        standings = sweeps.members(studio().database, sweep_id)
        search = search_of(sweep)
        return cls(sweep, search, standings, candidate_documents(search, entries_of(standings)))

    @property
    def stamp(self) -> tuple[object, ...]:
        """Another one whenever the page has to be drawn anew."""
        members = (
            (MemberKey.of(each.member), each.member.failure, each.member.rates is None)
            for each in self.standings
        )
        return (self.sweep.state, *members)


def sweep_view(sweep_id: int) -> None:
    """Show it; while it is under way, the page follows it."""
    shown = _Shown.of(sweep_id)
    st.markdown(f"**{plain_markdown(standing(shown.sweep, shown.search, shown.standings))}**")
    if shown.sweep.result is not None:
        for line in winner_sentences(shown.sweep.result):
            st.markdown(plain_markdown(line))
    if shown.sweep.error:
        st.error(plain_markdown(sentence(shown.sweep.error)), icon=":material/error:")
    _follow(shown)
    _next(shown)
    _figures(shown)
    trials_table(shown.search, shown.candidates, key=f"trials {sweep_id} {hash(shown.stamp)}")
    st.caption(
        "After the last stage, on the half of the prompts that the search goes by; 95 % intervals below. "
        "★ no other recipe is better on one maxim without being worse on another."
    )
    _failures(shown)


def _follow(shown: _Shown) -> None:
    """What runs of it, live; drawn anew when a pipeline has ended or begun."""
    if shown.sweep.state is not SweepState.RUNNING:
        return

    @st.fragment(run_every=app_settings().refresh_s)
    @guarded
    def look() -> None:
        run_queue().take_from_dead()
        now = _Shown.of(shown.sweep.id)
        if now.stamp != shown.stamp:
            st.rerun()
        chains = [(each.member, run) for each in now.standings for run in each.runs]
        running = [(member, run) for member, run in chains if run.state is RunState.RUNNING]
        for member, run in running:
            what = "recipe as it is" if member.name == AS_IT_IS else f"trial {int(member.name)}"
            st.progress(share_done(run), text=f"{what}, seed {member.seed} · {line_of(run)}")
        if not running and not run_queue().workers():
            st.caption(":orange[**!**] No worker is listening: “grice up” starts one.")

    look()


def _next(shown: _Shown) -> None:
    """What can be done with it."""
    sweep, queue = shown.sweep, run_queue().sweeps
    may = allowed(target=sweep_target(sweep))
    with st.container(horizontal=True, vertical_alignment="center"):
        if sweep.state is SweepState.SUCCEEDED:
            _links(shown)
        if sweep.state is SweepState.RUNNING and st.button(
            "Cancel", icon=":material/stop_circle:", **may
        ):
            queue.cancel(sweep.id)
            st.rerun()
        if sweep.state in {SweepState.FAILED, SweepState.CANCELLED} and st.button(
            "Resume", icon=":material/resume:", **may
        ):
            queue.resume(sweep.id)
            st.rerun()
        if sweep.state is not SweepState.RUNNING and st.button(
            "Remove",
            icon=":material/delete:",
            **allowed(target=sweep_target(sweep), explained="Its pipelines stay in Runs."),
        ):
            queue.remove(sweep.id)
            go_to("sweep")


def _links(shown: _Shown) -> None:
    """To Launch with the winner's recipe, and to the evaluations that confirm it."""
    sweep, result = shown.sweep, shown.sweep.result or {}
    detector = sweep.detector_id or sweep.pipeline["detector"]
    link_to(
        "launch",
        "Launch with the winner's recipe",
        ":material/rocket_launch:",
        recipe=str(result["recipe_id"]),
        data=str(sweep.data_set_id),
        eval=str(sweep.eval_data_set_id),
        base=str(sweep.pipeline["base"]),
        detector=str(detector),
    )
    confirmed = {
        each.member.name: str(each.member.pipeline_id)
        for each in reversed(shown.standings)
        if each.member.half == "confirmation" and each.member.pipeline_id is not None
    }
    winner = confirmed.pop(result["winner"]["name"], None)
    if winner is not None:
        query = {"pipeline": winner}
        if AS_IT_IS in confirmed:
            query["against"] = confirmed[AS_IT_IS]
        link_to("compare", "Compare it with the recipe as it is", ":material/balance:", **query)


def _failures(shown: _Shown) -> None:
    failed = [each for each in shown.candidates if each.get("failure")]
    for each in failed[:_SHOWN_FAILURES]:
        said = f"{title_of(each).capitalize()}: {sentence(each['failure'])}"
        st.caption(f":orange[**!**] {plain_markdown(said)}")
    if len(failed) > _SHOWN_FAILURES:
        st.caption(f"… and {len(failed) - _SHOWN_FAILURES} more; their runs say why.")


def _figures(shown: _Shown) -> None:
    views = {
        "Parallel coordinates": _parallel,
        "Pareto front": _front,
        "Importance": _importance,
        "Pipelines": _pipelines,
    }
    views[linked_segments("View", "view", list(views))](shown)


def _parallel(shown: _Shown) -> None:
    num_done = sum(bool(each["overrides"] and each.get("rates")) for each in shown.candidates)
    if not num_done:
        st.info("The first trial has not ended yet.", icon=":material/hourglass_empty:")
        return
    st.plotly_chart(
        parallel_figure(shown.search, shown.candidates),
        key=f"parallel {shown.sweep.id}",
        config=_NO_BAR,
        alt=f"{num_done} trials as lines through their settings, four violation rates and the cooperative rate.",
    )
    st.caption("A line per trial; green: on the Pareto front of all four maxims.")


def _front(shown: _Shown) -> None:
    done = [each for each in shown.candidates if each.get("rates")]
    if not done:
        st.info("Nothing has been evaluated yet.", icon=":material/hourglass_empty:")
        return
    left, right = st.columns(2)
    with left:
        across = linked_selectbox("x axis", "x", MAXIMS, str, default="quantity")
    with right:
        up = linked_selectbox("y axis", "y", MAXIMS, str, default="manner")
    points = [_point(each, str(across), str(up)) for each in done]
    st.plotly_chart(
        pareto_figure(points, (str(across), str(up))),
        key=f"front {shown.sweep.id}",
        config=_NO_BAR,
        alt=f"Violations of {across} against {up} with 95 % intervals, a dot per trial, and the front.",
    )
    st.caption(
        "Lower left is better. Grey: the recipe as it is; filled: on the front of all four maxims. The line is the "
        "front of these two; bars are 95 % intervals."
    )


def _point(candidate: CandidateDocument, across: str, up: str) -> ParetoPoint:
    found = [candidate["rates"][name] for name in (across, up)]
    first, second = (Interval(each["low"], each["high"]) for each in found)
    return ParetoPoint(
        name=title_of(candidate),
        colour=BASELINE_COLOUR if candidate["name"] == AS_IT_IS else KEPT_COLOUR,
        rates=(found[0]["rate"], found[1]["rate"]),
        is_unbeaten=bool(candidate["on_front"]),
        intervals=(first, second),
    )


def _importance(shown: _Shown) -> None:
    importances = (shown.sweep.result or {}).get("importances")
    if not importances:
        st.info(
            "Said once the sweep has ended, if at least two settings were varied over ten trials or more that "
            "differ in their cooperative rate.",
            icon=":material/bar_chart:",
        )
        return
    st.plotly_chart(
        importance_figure(importances),
        key=f"importance {shown.sweep.id}",
        config=_NO_BAR,
        alt=f"How much each setting matters: {', '.join(importances)}.",
    )
    st.caption(
        "Share of what tells the best trials from the others by their cooperative rate (PED-ANOVA). Few trials say "
        "little."
    )


def _pipelines(shown: _Shown) -> None:
    """All of its pipelines, each with a link to its runs."""
    for each in shown.standings:
        member = each.member
        if member.pipeline_id is None:
            continue
        what = "recipe as it is" if member.name == AS_IT_IS else f"trial {int(member.name)}"
        half = "the search's prompts" if member.half == "search" else "confirmation"
        label = f"Pipeline {member.pipeline_id}: {what}, seed {member.seed}, {half}"
        link_to("runs", label, ":material/monitoring:", pipeline=str(member.pipeline_id))
