"""The form of the Launch page: what matters in sight, the rest folded."""

from dataclasses import dataclass
from typing import Literal, cast

import streamlit as st

from app.chosen_recipe import current_cut, keep_cut, recipe_titles
from app.cut import Cut
from app.linked import linked_selectbox
from app.session import choose_data_set, known_data_sets, studio
from app.widget_keys import is_current, widget_key
from grice_core.recipes.documents import to_yaml
from grice_core.recipes.load import parse_recipe
from grice_core.store import detectors, pipelines
from grice_core.store.tables import DataSet, Detector
from worker.queue import PipelineRequest

_OTHER = "other"
_DEFAULT_BASE = "gpt2-medium"


@dataclass(frozen=True)
class Launch:
    """What the form says."""

    request: PipelineRequest
    data: DataSet
    prompts: DataSet


def launch_form() -> Launch:
    """Show the form; begins with the settings of the last pipeline.

    Raises:
        RecipeError: an override can't be used.
    """
    known = known_data_sets()
    data = choose_data_set(known)
    prompts = _choose_prompts(list(known), data)
    cut = _choose_recipe()
    last = next(iter(pipelines.page(studio().database, limit=1)), None)
    base = st.text_input(
        "Base model",
        last.pipeline.base if last else _DEFAULT_BASE,
        help="A hub id, or a folder that every worker sees.",
    )
    detector = _choose_detector()
    seed = st.number_input("Seed", min_value=0, max_value=2**31 - 1, value=0, step=1)
    with st.expander("More settings"):
        overrides = _overrides()
        precision = st.segmented_control(
            "Precision", ("auto", "fp32", "bf16"), default="auto", required=True
        )
        leakage = st.segmented_control(
            "Prompts that stand in both files",
            ("drop-eval", "drop-train", "keep"),
            default="drop-eval",
            required=True,
            help="drop-eval leaves them out of the evaluation, drop-train out of training.",
        )
        device = st.segmented_control(
            "Device", ("auto", "cpu", "gpu"), default="auto", required=True
        )
    request = PipelineRequest(
        data=data,
        eval=prompts,
        base=base.strip(),
        detector=detector,
        recipe=parse_recipe(to_yaml(cut.recipe), "the recipe", overrides),
        seed=int(seed),
        device=cast(Literal["auto", "cpu", "gpu"], device),
        precision=cast(Literal["auto", "fp32", "bf16"], precision),
        leakage=cast(Literal["drop-eval", "drop-train", "keep"], leakage),
    )
    return Launch(request, data, prompts)


def _choose_prompts(known: list[DataSet], data: DataSet) -> DataSet:
    by_id = {str(data_set.id): data_set for data_set in known}
    others = [key for key in by_id if key != str(data.id)]
    chosen = linked_selectbox(
        "Evaluation prompts",
        "eval",
        list(by_id),
        lambda key: f"{by_id[key].name} ({by_id[key].num_rows:,} rows)",
        default=others[0] if others else str(data.id),
    )
    return by_id[chosen]


def _choose_recipe() -> Cut:
    titles = recipe_titles()
    cut = current_cut(list(titles))
    keep_cut(cut)
    titles.setdefault(cut.key, f"{cut.recipe.name} (an older version)")
    key = widget_key("launch recipe", cut.key)

    def choose() -> None:
        if is_current(key):
            st.query_params["recipe"] = st.session_state[key]
            st.query_params["set"] = []

    moved = f"; {len(cut.overrides)} thresholds moved" if cut.overrides else ""
    st.selectbox(
        "Recipe",
        list(titles),
        key=key,
        format_func=lambda name: titles[name] + (moved if name == cut.key else ""),
        on_change=choose,
    )
    return cut


def _choose_detector() -> Detector | str:
    known = {str(detector.id): detector for detector in detectors.page(studio().database)}
    chosen = linked_selectbox(
        "Detector",
        "detector",
        [*known, _OTHER],
        lambda key: known[key].name if key in known else "another: a hub id or a folder …",
    )
    if chosen in known:
        return known[chosen]
    return st.text_input("Hub id or folder of the detector").strip()


def _overrides() -> list[str]:
    text = st.text_area(
        "Changes to the recipe, one a line",
        placeholder="stage1.learning_rate=1e-4\nevaluation.num_prompts=200",
        height=90,
    )
    return [line.strip() for line in text.splitlines() if line.strip()]
