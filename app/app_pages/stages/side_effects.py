"""What a cut teaches besides: the maxims with the wrong sign, and whether length tells the pairs apart."""

from typing import Literal

import streamlit as st

from app.state.open_data import OpenData
from app.text.formatting import number, plain_markdown, sentence, signed
from app.ui.number_table import Cell, number_table
from grice_core.evaluation.reach import reach_of
from grice_core.recipes.config import Recipe
from grice_core.recipes.side_effects import MaximEffect, StageEffects
from grice_core.recipes.summary import OPPOSITE


def warn_of_side_effects(effects: StageEffects) -> None:
    """A line for each thing that a stage teaches against one's wish."""
    name = effects.stage.name
    said = [sentence(warning.removeprefix(f"{name} ")) for warning in effects.warnings()]
    if said:
        st.caption("  \n".join(f":orange[**!**] {plain_markdown(each)}" for each in said))


def reach_line(recipe: Recipe, data: OpenData) -> None:
    """Whether the chosen responses themselves would meet the success criterion."""
    reach = reach_of(data.table)
    if reach is not None:
        mark = "" if reach.is_met(recipe.evaluation) else ":orange[**!**] "
        st.caption(f"{mark}{plain_markdown(sentence(reach.sentence(recipe.evaluation)))}")


def effect_rows(effects: StageEffects) -> list[list[Cell]]:
    """Per maxim: whether it is trained, the mean, the pairs of the wrong sign, those beyond −0.10."""
    return [_row(effect) for effect in effects.maxims]


def _row(effect: MaximEffect) -> list[Cell]:
    tone: Literal["bad", ""] = "bad" if effect.is_opposite else ""
    return [
        Cell(effect.maxim.value, "trained" if effect.is_trained else "side effect"),
        Cell("–" if effect.mean is None else signed(effect.mean), tone=tone),
        Cell(f"{effect.negative:,}"),
        Cell(f"{effect.opposite:,}", tone=tone),
    ]


def effects_table(effects: StageEffects) -> None:
    """All that the kept pairs teach, maxim by maxim."""
    st.caption(
        "A pair pushes all that tells its responses apart, also on maxims that carry no weight. "
        f"Below {number(OPPOSITE)} it teaches the opposite."
    )
    titles = ("", "mean", "below 0", f"below {number(OPPOSITE)}")
    number_table(titles, effect_rows(effects), key=f"taught {effects.stage.name}")
    if effects.length:
        st.caption(plain_markdown(f"On average {effects.length}."))
