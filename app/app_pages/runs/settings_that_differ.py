"""The settings in which a pipeline differs: from the default recipe, and from those drawn beside it."""

from collections.abc import Sequence

import streamlit as st

from app.state.stored_spec import spec_of, why_unreadable
from app.ui.number_table import Cell, number_table
from grice_core.pipeline.options import option
from grice_core.recipes.differences import differences_among
from grice_core.recipes.load import DEFAULT_RECIPE, load_recipe
from grice_core.store.tables import Pipeline

_AROUND = ("seed", "precision", "base_dtype", "leakage", "samples_per_prompt")


def settings_that_differ(pipelines: Sequence[Pipeline]) -> None:
    """One row per setting that is not the same everywhere, one column per pipeline and the default recipe."""
    pipelines = [pipeline for pipeline in pipelines if why_unreadable(pipeline) is None]
    if not pipelines:  # which is said above
        return
    recipes = [spec_of(pipeline).recipe for pipeline in pipelines]
    rows = [
        [Cell(name), *map(_words, values[:-1]), Cell(values[-1], tone="dim", wraps=True)]
        for name, values in differences_among([*recipes, load_recipe(DEFAULT_RECIPE)])
    ]
    rows += _around(pipelines)
    with st.expander(f"Differs from defaults ({len(rows)})"):
        if not rows:
            st.caption("None: this is the default recipe.")
            return
        here = (
            [f"pipeline {pipeline.id}" for pipeline in pipelines]
            if len(pipelines) > 1
            else ["here"]
        )
        key = f"settings {' '.join(str(pipeline.id) for pipeline in pipelines)}"
        number_table(("setting", *here, "guide"), rows, key=key)


def _around(pipelines: Sequence[Pipeline]) -> list[list[Cell]]:
    """What is no setting of a recipe, and not the same in all pipelines."""
    values_of = {
        name: [str(pipeline.spec.get(name, option(name).default)) for pipeline in pipelines]
        for name in _AROUND
    }
    values_of["second judge"] = [_second_judge(pipeline) for pipeline in pipelines]
    values_of["base"] = [pipeline.base for pipeline in pipelines]
    values_of["data"] = [
        str(pipeline.spec.get("data", {}).get("name", "–")) for pipeline in pipelines
    ]
    return [
        [Cell(name), *map(_words, values), Cell("–", tone="dim")]
        for name, values in values_of.items()
        if len(set(values)) > 1
    ]


def _second_judge(pipeline: Pipeline) -> str:
    said = pipeline.spec.get("second_judge") or "–"
    return str(said["name"]) if isinstance(said, dict) else str(said)


def _words(value: str) -> Cell:
    return Cell(value, wraps=True)
