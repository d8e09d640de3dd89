"""What a pipeline is made from, as Launch and Sweep let a person choose it; all of it stands in the link."""

import streamlit as st

from app.state.launch_start import SECOND_JUDGE
from app.state.recipe_draft import current_cut, keep_cut, recipe_titles
from app.state.session import studio
from app.state.threshold_edits import Cut
from app.text.formatting import told_apart
from app.url import params
from app.url.navigation import link_to
from app.url.widget_keys import is_current, widget_key
from app.url.widgets import REMOVED, linked_selectbox, linked_text
from grice_core.store import detectors
from grice_core.store.tables import DataSet, Detector

_OTHER, _NONE = "other", "none"
_SECOND_JUDGE_HELP = (
    "Judges all answers, too, and no pair is scored by it. The verdict then needs both, and Compare says where "
    "the models got better by the first judge's words only. Best one whose errors are others: trained on other "
    "labels, or a language model."
)


def choose_prompts(known: list[DataSet], data: DataSet) -> DataSet:
    """The evaluation prompts: another data set, or the data itself, where they are held out of it."""
    by_id = {str(data_set.id): data_set for data_set in known}
    others = [key for key in by_id if key != str(data.id)]
    titles = told_apart({key: f"{one.name} ({one.num_rows:,} rows)" for key, one in by_id.items()})
    titles[str(data.id)] = f"held out of {data.name}"
    chosen = linked_selectbox(
        "Evaluation prompts",
        "eval",
        list(by_id),
        titles.__getitem__,
        default=others[0] if others else str(data.id),
        missing=REMOVED,
    )
    return by_id[chosen]


def choose_recipe() -> Cut:
    """The recipe, with the thresholds that were moved."""
    titles = recipe_titles()
    cut = current_cut(titles)
    keep_cut(cut)
    titles.setdefault(cut.key, f"{cut.recipe.name} (an older version)")
    key = widget_key("launch recipe", cut.key)

    def choose() -> None:
        if is_current(key):
            params.put("recipe", st.session_state[key])
            params.drop("set", "change", "stages")

    moved = f"; {len(cut.overrides)} thresholds moved" if cut.overrides else ""
    st.selectbox(
        "Recipe",
        list(titles),
        list(titles).index(cut.key),
        key=key,
        format_func=lambda name: titles[name] + (moved if name == cut.key else ""),
        on_change=choose,
    )
    return cut


def choose_detector() -> Detector | str:
    """A detector of the store, or a hub id or folder."""
    known = {str(detector.id): detector for detector in detectors.page(studio().database)}
    linked = params.get("detector")
    elsewhere = linked if linked not in {*known, _OTHER, ""} and not linked.isdecimal() else ""
    options = [*known, *filter(None, [elsewhere]), _OTHER]
    if not known:
        link_to("detector", "No detector yet: import or train one", ":material/gavel:")

    def title(key: str) -> str:
        if key in known:
            return known[key].name
        return "another: a hub id or a folder …" if key == _OTHER else key

    chosen = linked_selectbox("Detector", "detector", options, title, missing=REMOVED)
    if chosen in known:
        return known[chosen]
    return chosen if chosen != _OTHER else linked_text("Hub id or folder of the detector", "judge")


def choose_second_judge(detector: Detector | str) -> Detector | str | None:
    """Another detector than the first one; None: no second judge."""
    first = detector.id if isinstance(detector, Detector) else None
    known = {str(one.id): one for one in detectors.page(studio().database) if one.id != first}
    linked = params.get(SECOND_JUDGE)
    elsewhere = (
        linked if linked not in {*known, _NONE, _OTHER, ""} and not linked.isdecimal() else ""
    )
    titles = {_NONE: "none", _OTHER: "another: a hub id or a folder …"}
    titles |= {key: one.name for key, one in known.items()}

    def title(key: str) -> str:
        return titles.get(key, key)

    options = [_NONE, *known, *filter(None, [elsewhere]), _OTHER]
    chosen = linked_selectbox("Second judge", SECOND_JUDGE, options, title, help=_SECOND_JUDGE_HELP)
    if chosen == _NONE:
        return None
    if chosen == _OTHER:
        return linked_text("Hub id or folder of the second judge", "judge2") or None
    return known.get(chosen, chosen)
