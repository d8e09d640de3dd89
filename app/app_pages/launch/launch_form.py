"""The form of the Launch page: what matters in sight, the rest folded; all of it stands in the link."""

from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from app.app_pages.launch.launch_command import Origin
from app.app_pages.launch.preflight import model_checks
from app.app_pages.launch.stage_settings import stage_settings
from app.state.command_words import recipe_word
from app.state.launch_start import (
    begin_with,
    complete_link,
    link_of,
    remember,
    starts,
)
from app.state.session import choose_data_set, known_data_sets, studio
from app.state.threshold_edits import Cut
from app.state.worked_on import evaluate_on
from app.text.formatting import sentence
from app.ui.option_widget import option_widget
from app.ui.pipeline_inputs import (
    choose_detector,
    choose_prompts,
    choose_recipe,
    choose_second_judge,
)
from app.url import params
from app.url.widget_keys import is_current, widget_key
from app.url.widgets import (
    linked_number,
    linked_radio,
    linked_selectbox,
    linked_several,
    linked_switch,
    linked_text,
)
from grice_core.errors import RecipeError
from grice_core.pipeline.options import option, pipeline_options
from grice_core.recipes.config import Recipe
from grice_core.recipes.documents import to_yaml
from grice_core.recipes.load import parse_recipe
from grice_core.recipes.problems import InvalidRecipeError
from grice_core.recipes.variants import joint_control, only_stages
from grice_core.store import pipelines
from grice_core.store.pipelines import PipelineSummary
from grice_core.store.states import RunKind, RunState
from grice_core.store.tables import DataSet
from worker.client import DeviceChoice, PipelineRequest

_MOST_SEEDS = 20
_MOST_SAMPLES = 100
_OF_THE_TRAINED = ("data", "recipe", "base")
"""What is as it was when stages are only evaluated."""
_WHAT = {
    "all": "train all stages",
    "some": "only some stages",
    "evaluate": "only evaluate",
}


_IN_SIGHT = ("seed", "samples_per_prompt")
"""Of the pipeline's options; the others are folded."""
_OF_HELD_OUT = ("hold-out", "keep")
"""The rules for shared prompts that make sense where the evaluation's are those of the data."""
_NONE_TRAINED = (
    "No pipeline has trained all its stages yet, so there is nothing to evaluate: choose another What "
    "to do."
)
_DEVICES: tuple[DeviceChoice, ...] = ("auto", "cpu", "gpu")


@dataclass(frozen=True)
class Launch:
    """What the form says."""

    requests: tuple[PipelineRequest, ...]
    """One pipeline each: for every seed the recipe, and its control if that was asked for; none where
    the form makes no request yet."""
    problems: tuple[str, ...]
    """Why it makes none, a sentence each."""
    data: DataSet
    prompts: DataSet
    """The data itself where prompts are held out of it."""
    origin: Origin

    @property
    def request(self) -> PipelineRequest:
        """The one that the page tells of; the others differ in their seed, or are its control."""
        return self.requests[0]


def launch_form() -> Launch:
    """Show the form."""
    known = known_data_sets()
    finished = {found.pipeline.id: found for found in pipelines.page(studio().database)}
    complete_link()
    _choose_start(finished)
    data = choose_data_set(known)
    prompts = choose_prompts(list(known), data)
    cut = choose_recipe()
    base = linked_text("Base model", "base", help="A hub id, or a folder that every worker sees.")
    detector = choose_detector()
    second_judge = choose_second_judge(detector)
    what = linked_radio("What to do", "what", list(_WHAT), _WHAT.__getitem__)
    trained_by = _choose_trained(finished) if what == "evaluate" else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = option_widget(option("seed"), at_most=2**31 - _MOST_SEEDS)
        explained = "The same with so many seeds, counted up from this one: how much is chance?"
        repeats = linked_number("Repeats", "repeats", 1, 1, _MOST_SEEDS, help=explained)
        samples = option_widget(option("samples_per_prompt"), at_most=_MOST_SAMPLES)
    recipe, changes, problems = _settings(cut, what)
    origin = Origin(cut.origin, recipe_word(cut), (*cut.overrides, *changes))
    if what == "evaluate" and trained_by is None:
        problems.append(_NONE_TRAINED)
    folded = _folded(held_out=prompts.id == data.id)
    remember()
    evaluate_on(prompts.id, data.id)
    if recipe is None or problems:
        checks = model_checks(base, detector, second_judge)
        models = [check.sentence for check in checks if check.state == "stop"]
        return Launch((), (*problems, *models), data, prompts, origin)
    with_control = what == "all" and recipe.control_for is None and _wants_control()
    request = PipelineRequest(
        data=data,
        eval=prompts,
        base=base,
        detector=detector,
        second_judge=second_judge,
        recipe=recipe,
        trained_by=trained_by,
        samples_per_prompt=samples,
        **folded,
    )
    recipes = [recipe, joint_control(recipe)] if with_control else [recipe]
    requests = tuple(
        replace(request, recipe=each, seed=seed + repeat)
        for repeat in range(repeats)
        for each in recipes
    )
    return Launch(requests, (), data, prompts, origin)


def _choose_start(known: dict[int, PipelineSummary]) -> None:
    """Fill the form anew from an earlier pipeline or a preset."""
    titles = starts(known)
    key = widget_key("launch start", None)

    def choose() -> None:
        if is_current(key) and st.session_state[key]:
            begin_with(st.session_state[key])

    st.selectbox(
        "Start from",
        list(titles),
        index=None,
        key=key,
        placeholder="an earlier pipeline, or a preset",
        format_func=titles.__getitem__,
        on_change=choose,
    )


def _choose_trained(known: dict[int, PipelineSummary]) -> int | None:
    """The pipeline whose stages are evaluated: on its data, with its recipe and base."""
    trained = {str(number): found for number, found in known.items() if _has_trained(found)}
    if not trained:
        return None
    chosen = linked_selectbox(
        "Evaluate the stages of",
        "trained",
        list(trained),
        lambda key: f"pipeline {key} · {trained[key].pipeline.name}",
    )
    theirs = link_of(trained[chosen].pipeline)
    if any(params.get(name) != theirs[name] for name in _OF_THE_TRAINED):
        for name in _OF_THE_TRAINED:
            params.put(name, theirs[name])
        st.session_state.pop("cut", None)
        st.rerun()
    st.caption("Its data, recipe and base stand above; prompts, detector and seed may be others.")
    return int(chosen)


def _has_trained(found: PipelineSummary) -> bool:
    training = [run for run in found.runs if run.kind is RunKind.TRAIN]
    return bool(training) and all(run.state is RunState.SUCCEEDED for run in training)


def _settings(cut: Cut, what: str) -> tuple[Recipe | None, list[str], list[str]]:
    """The recipe with what was changed of it, the changes, and why they make no recipe."""
    with st.expander("Training and evaluation settings"):
        changes = stage_settings(cut.recipe)
    try:
        recipe = cut.recipe
        if changes:
            recipe = parse_recipe(to_yaml(cut.recipe), "the recipe", changes)
        if what == "some":
            names = [stage.name for stage in recipe.stages]
            recipe = only_stages(recipe, linked_several("Stages", "stages", names, str))
    except InvalidRecipeError as error:
        return None, changes, [f"Setting {each.path}: {each.message}." for each in error.problems]
    except RecipeError as error:
        return None, changes, [sentence(str(error))]
    return recipe, changes, []


def _wants_control() -> bool:
    return linked_switch(
        "Also launch the joint control",
        "joint",
        "One stage with all four maxims on the same pairs, as many steps: did staging help?",
    )


def _folded(*, held_out: bool) -> dict[str, Any]:
    """The options that few people change, and the class of worker."""
    choices = {"leakage": _OF_HELD_OUT} if held_out else {}
    with st.expander("More options"):
        chosen = {
            each.name: option_widget(each, choices=choices.get(each.name))
            for each in pipeline_options()
            if each.name not in _IN_SIGHT
        }
        return chosen | {"device": linked_radio("Device", "device", _DEVICES, str)}
