"""Launch: what will happen, does anything speak against it, go."""

from collections.abc import Sequence
from concurrent.futures import Future

import streamlit as st

from app.app_pages.launch.checklist import checklist
from app.app_pages.launch.estimate_line import estimate_line, measured_pair
from app.app_pages.launch.launch_command import Names, command, recipe_files
from app.app_pages.launch.launch_form import Launch, launch_form
from app.app_pages.launch.near_duplicates import near_check, near_duplicates
from app.app_pages.launch.preflight import Check, no_prompts, preflight
from app.app_pages.launch.token_text import shown_pair
from app.state.command_words import data_word, detector_word, environment
from app.state.comparisons import comparisons
from app.state.launch_plan import LaunchPlan, plan
from app.state.pace import pace_of
from app.state.run_queue import run_queue
from app.state.session import asked_prompts, known_data_sets, open_data, studio
from app.text.formatting import count_of, plain_markdown, sentence
from app.ui.allowed import allowed
from app.ui.beside import is_soon_there
from app.ui.page import Page
from app.url.navigation import go_to, link_to
from grice_core.errors import InputError
from grice_core.evaluation.selection import AskedPrompts, NearAsked, NoPromptsError, near_asked
from worker.client import PipelineRequest

_COMMANDS_SHOWN = 6


def show() -> None:
    """The page."""
    st.title("Launch")
    if not known_data_sets():
        st.info("There are no pairs to train on yet.", icon=":material/upload:")
        link_to("data", "Upload your own pairs", ":material/upload:")
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        launch = launch_form()
    with right:
        if launch.requests:
            _decide(launch)
        else:
            checks = [Check("stop", problem) for problem in launch.problems]
            _launch(launch, checks)
            checklist(checks)


def _decide(launch: Launch) -> None:
    checks, plans = _planned(launch)
    pace, before = None, None
    speaks_against = []
    try:
        pace, before = pace_of(launch.request), run_queue().submitted_before(launch.request)
    except InputError as error:
        speaks_against = [Check("stop", sentence(str(error)))]
    else:
        estimate_line(launch.requests, plans, pace)
    peak_bytes = None if pace is None else pace.peak_bytes
    workers = run_queue().workers()
    first = plans[0] if plans else None
    checks += preflight(studio(), launch.request, first, workers, peak_bytes)
    checks += [check for check in speaks_against if check not in checks]
    near = _near(launch, launch.request) if plans else None
    if near is not None and is_soon_there(near):
        checks.append(near_check(near.result(), len(plans[0].selection.prompts)))
    if before is not None:
        checks.append(Check("warn", f"Already submitted: Launch opens pipeline {before}."))
    _launch(launch, checks)
    checklist(checks)
    if near is not None:
        near_duplicates(near)
    if plans and not speaks_against:
        _as_the_model_sees_it(launch.request)
    if not any(check.state == "stop" for check in checks):
        link_to("sweep", "Search its settings", ":material/travel_explore:", show="New sweep")
        _without_a_browser(launch)


def _planned(launch: Launch) -> tuple[list[Check], list[LaunchPlan]]:
    """What each pipeline would work on, or what stands in the way."""
    try:
        return [], [_plan(launch, request) for request in launch.requests]
    except NoPromptsError as error:
        return [Check("stop", no_prompts(error, launch.prompts.name))], []
    except InputError as error:
        return [Check("stop", sentence(str(error)))], []


def _plan(launch: Launch, request: PipelineRequest) -> LaunchPlan:
    return plan(request, open_data(launch.data.artifact_sha256).table, _asked(launch, request))


def _asked(launch: Launch, request: PipelineRequest) -> AskedPrompts:
    return asked_prompts(
        launch.data.artifact_sha256,
        launch.prompts.artifact_sha256,
        policy=request.leakage,
        num_prompts=request.recipe.evaluation.num_prompts,
        seed=request.seed,
        similarity=request.leakage_similarity,
    )


def _near(launch: Launch, request: PipelineRequest) -> Future[NearAsked]:
    """What of the asked prompts nearly stands in what is trained on; looked for beside the page."""
    asked, sha256 = _asked(launch, request), launch.data.artifact_sha256

    table = open_data(sha256).table

    def look() -> NearAsked:
        return near_asked(asked.selection.prompts, table.take(~asked.left_out).prompts)

    key = asked.selection.prompts, sha256, request.leakage, request.leakage_similarity
    return comparisons().result(key, look)


def _launch(launch: Launch, checks: Sequence[Check]) -> None:
    many = len(launch.requests)
    in_the_way = [check.sentence for check in checks if check.state == "stop"]
    twice = "Submitting the same request twice creates one pipeline."
    if st.button(
        "Launch" if many <= 1 else f"Launch {count_of(many, 'pipeline')}",
        type="primary",
        icon=":material/rocket_launch:",
        **allowed(
            unless=bool(in_the_way),
            explained=plain_markdown(" ".join(in_the_way) or twice),
        ),
    ):
        queue = run_queue()
        first, *others = (str(queue.submit(request)) for request in launch.requests)
        go_to("runs", pipeline=first, over=others)
    if in_the_way:
        st.caption(f"{count_of(len(in_the_way), 'problem')} to solve first:")


def _as_the_model_sees_it(request: PipelineRequest) -> None:
    with st.expander("One pair as the model sees it"):
        found = measured_pair(request)
        if found is None:
            st.caption("Choose Measure now: the worker that measures also renders one.")
        else:
            shown_pair(found, "launch pair")


def _without_a_browser(launch: Launch) -> None:
    words = [launch.origin.words(each.recipe) for each in launch.requests]
    in_files = [each for each, found in zip(launch.requests, words, strict=True) if not found]
    second = launch.request.second_judge
    names = Names(
        data_word(launch.data),
        data_word(launch.prompts),
        detector_word(launch.request.detector),
        None if second is None else detector_word(second),
    )
    commands = [
        command(
            request,
            names,
            found or ["--recipe", f"{request.recipe.name}.yaml"],
            out=_out(request, launch),
        )
        for request, found in [*zip(launch.requests, words, strict=True)][:_COMMANDS_SHOWN]
    ]
    files = recipe_files(in_files)
    download = f", after a download of {plain_markdown(' and '.join(files))} below" if files else ""
    st.caption(f"The same from the command line{download}:")
    lines = "\n".join(f"{environment()}{each}" for each in commands)
    st.code(lines, language=None, wrap_lines=True)
    if len(launch.requests) > _COMMANDS_SHOWN:
        st.caption(f"… and {len(launch.requests) - _COMMANDS_SHOWN} more, with the next seeds.")
    for name, text in recipe_files(launch.requests).items():
        with st.expander(f"The whole recipe: {plain_markdown(name)}"):
            st.download_button("Download", text, name, "text/yaml", icon=":material/download:")
            st.code(text, language="yaml")


def _out(request: PipelineRequest, launch: Launch) -> str:
    """A folder of its own for each."""
    if len(launch.requests) == 1:
        return "results"
    return f"results-{request.recipe.name}-{request.seed}"


PAGE = Page("Launch", ":material/rocket_launch:", 5, show)
