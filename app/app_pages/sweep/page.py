"""Sweep: which settings are worth it, and is the winner still one on other prompts?"""

import shlex

import streamlit as st

from app.app_pages.sweep.sweep_form import SweepForm, sweep_form
from app.app_pages.sweep.sweep_view import sweep_view
from app.state.launch_plan import LaunchPlan, plan
from app.state.pace import pace_of
from app.state.run_queue import run_queue
from app.state.session import asked_prompts, known_data_sets, open_data, studio
from app.state.sweep_cost import sweep_cost
from app.text.formatting import count_of, plain_markdown, sentence, told_apart
from app.ui.allowed import allowed
from app.ui.page import Page
from app.url.navigation import go_to, link_to
from app.url.widgets import REMOVED, linked_segments, linked_selectbox
from grice_core.durations import rough_duration
from grice_core.errors import InputError
from grice_core.evaluation.rates import LEAST_PROMPTS
from grice_core.store import sweeps
from grice_core.sweep.search import Search
from worker.client import PipelineRequest, is_optuna_installed

_FOUND, _NEW = "Sweeps", "New sweep"
_NO_OPTUNA = (
    "Trials are chosen by Optuna, which is not installed: pip install 'grice-studio[sweep]'."
)


def show() -> None:
    """The page."""
    st.title("Sweep")
    found = sweeps.page(studio().database)
    if not found and not known_data_sets():
        st.info("There are no pairs to train on yet.", icon=":material/upload:")
        link_to("data", "Upload your own pairs", ":material/upload:")
        return
    if not found:
        st.caption(
            "Tries recipes that differ in some settings on half of the prompts, repeats the best with other seeds, "
            "and confirms the winner on the other half. Everything that is the same is trained once."
        )
        _new()
        return
    titles = told_apart({str(each.id): f"{each.id} · {each.name}" for each in found})
    if linked_segments("Show", "show", [_FOUND, _NEW]) == _NEW:
        _new()
        return
    chosen = linked_selectbox("Sweep", "sweep", list(titles), titles.__getitem__, missing=REMOVED)
    sweep_view(int(chosen))


def _new() -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        form = sweep_form()
    with right:
        _decide(form)


def _decide(form: SweepForm) -> None:
    problems = [*form.problems]
    if not is_optuna_installed():
        problems.append(_NO_OPTUNA)
    if form.request is not None and form.search is not None:
        try:
            _estimate(form.request, form.search, _plan(form, form.request))
        except InputError as error:
            problems.append(sentence(str(error)))
    _start(form, problems)
    if form.request is not None and form.search is not None and not problems:
        st.caption("What is searched, as commands take it (grice submit sweep):")
        words = [word for each in form.search.varied for word in ("--vary", str(each))]
        st.code(shlex.join(words), language=None, wrap_lines=True)


def _plan(form: SweepForm, request: PipelineRequest) -> LaunchPlan:
    """What the recipe as it is would work on.

    Raises:
        InputError: no prompt is left, or a stage has nothing to learn from.
    """
    asked = asked_prompts(
        form.data.artifact_sha256,
        form.prompts.artifact_sha256,
        policy=request.leakage,
        num_prompts=request.recipe.evaluation.num_prompts,
        seed=request.seed,
        similarity=request.leakage_similarity,
    )
    planned = plan(request, open_data(form.data.artifact_sha256).table, asked)
    if len(planned.selection.prompts) < 2:
        raise InputError(
            "half of the prompts are for the search and half for confirmation: bring two or more"
        )
    return planned


def _estimate(request: PipelineRequest, search: Search, planned: LaunchPlan) -> None:
    """What it takes, before anything is asked for."""
    cost = sweep_cost(search, planned, pace_of(request))
    work = (
        f"At most {count_of(cost.num_pipelines, 'pipeline')}: {cost.num_steps:,} optimizer steps, "
        f"{cost.num_answers:,} answers"
    )
    time = "" if cost.seconds is None else f": about {rough_duration(cost.seconds)} of work"
    st.markdown(f"**{work}{time}**")
    num_prompts = len(planned.selection.prompts)
    st.caption(
        f"{100 * cost.share:.0f} % of the steps of as many separate pipelines, since what is the same is trained "
        f"once. Searched on {(num_prompts + 1) // 2:,} prompts, confirmed on {num_prompts // 2:,} others."
    )
    if num_prompts < 2 * LEAST_PROMPTS:
        st.caption(
            f":orange[**!**] With fewer than {LEAST_PROMPTS} prompts in each half, trials are hardly told apart: "
            "bring more, or raise Answers per prompt."
        )
    if cost.seconds is None:
        link_to("launch", "How long is not known yet: measure it on Launch", ":material/timer:")


def _start(form: SweepForm, problems: list[str]) -> None:
    twice = "Asking for the same twice gives one sweep."
    said = plain_markdown(" ".join(problems) or twice)
    if (
        st.button(
            "Start the sweep",
            type="primary",
            icon=":material/travel_explore:",
            **allowed(unless=bool(problems), explained=said),
        )
        and form.request is not None
        and form.search is not None
    ):
        sweep_id = run_queue().sweeps.submit(form.request, form.search)
        go_to("sweep", sweep=str(sweep_id))
    for problem in problems:
        st.markdown(f":red[✗] {plain_markdown(problem)}")


PAGE = Page("Sweep", ":material/travel_explore:", 6, show)
