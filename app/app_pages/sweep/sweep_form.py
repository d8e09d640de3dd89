"""The form of the Sweep page: a pipeline as on Launch, what of its recipe is varied, and how far."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.app_pages.sweep.vary_fields import vary_fields
from app.state.launch_start import complete_link, remember
from app.state.run_queue import run_queue
from app.state.session import choose_data_set, known_data_sets
from app.state.threshold_edits import Cut
from app.text.formatting import count_of, plain_markdown, sentence
from app.ui.option_widget import option_widget
from app.ui.pipeline_inputs import (
    choose_detector,
    choose_prompts,
    choose_recipe,
    choose_second_judge,
)
from app.url import params
from app.url.widgets import linked_number, linked_radio, linked_text
from grice_core.errors import RecipeError
from grice_core.pipeline.options import option, pipeline_options
from grice_core.recipes.config import Recipe
from grice_core.recipes.documents import to_yaml
from grice_core.recipes.load import parse_recipe
from grice_core.store.tables import DataSet
from grice_core.sweep.search import Search
from worker.client import DeviceChoice, PipelineRequest

_DEVICES: tuple[DeviceChoice, ...] = ("auto", "cpu", "gpu")
_IN_SIGHT = ("seed", "samples_per_prompt", "run_name")
_MOST_TRIALS, _MOST_SEEDS, _MOST_MINUTES, _MOST_AT_ONCE = 500, 20, 100_000, 64


@dataclass(frozen=True)
class SweepForm:
    """What the form says."""

    request: PipelineRequest | None
    """The pipeline of the recipe as it is; None where there is a problem with it."""
    search: Search | None
    problems: tuple[str, ...]
    """Why nothing can be asked for, a sentence each."""
    data: DataSet
    prompts: DataSet


def sweep_form() -> SweepForm:
    """Show the form."""
    known = known_data_sets()
    complete_link()
    data = choose_data_set(known)
    prompts = choose_prompts(list(known), data)
    cut = choose_recipe()
    base = linked_text("Base model", "base", help="A hub id, or a folder that every worker sees.")
    detector = choose_detector()
    recipe, problems = _recipe(cut)
    choice = vary_fields(recipe)
    budget = _budget()
    folded = _folded(detector)
    remember()
    problems += choice.problems
    if not base:
        problems.append("Choose a base model.")
    if not detector:
        problems.append("Choose a detector.")
    if problems:
        return SweepForm(None, None, tuple(problems), data, prompts)
    request = PipelineRequest(
        data=data, eval=prompts, base=base, detector=detector, recipe=recipe, **folded
    )
    search = Search(recipe, choice.varied, request.seed, **budget)
    return SweepForm(request, search, (), data, prompts)


def _recipe(cut: Cut) -> tuple[Recipe, list[str]]:
    """With the settings that were changed on Launch, which the link says."""
    changes = params.get_all("change")
    if not changes:
        return cut.recipe, []
    st.caption(f"With {plain_markdown(', '.join(changes))}, as on Launch.")
    try:
        return parse_recipe(to_yaml(cut.recipe), "the recipe", changes), []
    except RecipeError as error:
        return cut.recipe, [sentence(str(error))]


def _budget() -> dict[str, Any]:
    """How far the search goes, by the names of `Search`."""
    left, right = st.columns(2)
    with left:
        trials = linked_number(
            "Trials", "trials", 8, 1, _MOST_TRIALS, help="Recipes to try besides the one as it is."
        )
        seeds = linked_number(
            "Seeds",
            "seeds",
            3,
            1,
            _MOST_SEEDS,
            help="That the two best trials and the recipe as it is run with before a winner is named.",
        )
    with right:
        minutes = linked_number(
            "Minutes",
            "minutes",
            0,
            0,
            _MOST_MINUTES,
            help="No further trial begins once the trials have worked as long; 0: no limit.",
        )
        listening = len(run_queue().workers())
        at_once = linked_number(
            "Trials at once",
            "at_once",
            max(1, listening),
            1,
            _MOST_AT_ONCE,
            help=f"More than there are workers brings nothing: {count_of(listening, 'worker')} now.",
        )
    return {
        "num_trials": trials,
        "num_seeds": seeds,
        "minutes": float(minutes) or None,
        "at_once": at_once,
    }


def _folded(detector: Any) -> dict[str, Any]:
    """The pipeline's options, the second judge and the class of worker."""
    with st.expander("More options"):
        chosen: dict[str, Any] = {
            each: option_widget(option(each)) for each in ("seed", "samples_per_prompt")
        }
        chosen |= {
            each.name: option_widget(each)
            for each in pipeline_options()
            if each.name not in _IN_SIGHT
        }
        chosen["second_judge"] = choose_second_judge(detector)
        return chosen | {"device": linked_radio("Device", "device", _DEVICES, str)}
