"""Prompts that are both trained on and evaluated on, and what to do about them."""

from collections.abc import Sequence

import streamlit as st

from app.state.session import Leaks, held_out_of, leaks_between, open_data
from app.state.worked_on import evaluate_on
from app.text.formatting import count_of, plain_markdown, told_apart
from app.ui.near_leaks_view import near_leaks_view
from app.url.navigation import link_to
from app.url.widgets import linked_or_none, linked_radio
from grice_core.data.leakage import distinct
from grice_core.data.pairs import BoolArray
from grice_core.recipes.config import NumPrompts
from grice_core.store.tables import DataSet

RULES = {
    "drop-eval": "leave them out of the evaluation",
    "hold-out": "leave those that are asked out of training",
    "drop-train": "leave them out of training",
    "keep": "keep them in both",
}


def leakage_view(data_set: DataSet, known: Sequence[DataSet]) -> None:
    """Compare a data set with one that shall be its evaluation set."""
    if len(known) < 2:
        st.info(
            "Upload a second data set to evaluate on; prompts that appear in both are listed here."
        )
        return
    evaluation = choose_evaluation(data_set, known)
    evaluate_on(None if evaluation is None else evaluation.id, data_set.id)
    if evaluation is None:
        return
    prompts = distinct(open_data(evaluation.artifact_sha256).prompts.prompts)
    rows = count_of(evaluation.num_usable, "row")
    st.markdown(f"{count_of(len(prompts), 'evaluation prompt')} in {rows}.")
    leaks = leaks_between(data_set.artifact_sha256, evaluation.artifact_sha256)
    if leaks.num_evaluation:
        chosen = {"leakage": _choose_rule(data_set, leaks)}
    else:
        st.success("No prompt appears in both.", icon=":material/check:")
        chosen = {}
    near_leaks_view(data_set, evaluation)
    query = {"data": str(data_set.id), "eval": str(evaluation.id)} | chosen
    link_to("stages", "Continue: choose the stages", ":material/content_cut:", **query)


def left_out_of_training(
    data_set: DataSet, evaluation: DataSet | None, num_prompts: NumPrompts
) -> BoolArray | None:
    """Let a person choose what happens to leaking prompts; (N,) the pairs that training then loses.

    `num_prompts` are to be asked, with the seed that a launch starts from.
    """
    if evaluation is None:
        return None
    if evaluation.id == data_set.id:
        return held_out_of(data_set.artifact_sha256, data_set.artifact_sha256, num_prompts)
    leaks = leaks_between(data_set.artifact_sha256, evaluation.artifact_sha256)
    rule = _choose_rule(data_set, leaks) if leaks.num_evaluation else ""
    if rule == "hold-out":
        return held_out_of(data_set.artifact_sha256, evaluation.artifact_sha256, num_prompts)
    return leaks.training if rule == "drop-train" else None


def choose_evaluation(
    data_set: DataSet, known: Sequence[DataSet], *, or_held_out: bool = False
) -> DataSet | None:
    """The data set whose prompts the trained models shall answer, if one is chosen.

    Args:
        or_held_out: whether prompts may be held out of the data set itself.
    """
    others = {str(other.id): other for other in known if other.id != data_set.id}
    titles = told_apart({key: other.name for key, other in others.items()})
    if or_held_out:
        others[str(data_set.id)] = data_set
        titles[str(data_set.id)] = f"held out of {data_set.name}"
    chosen = linked_or_none(
        "Evaluation set",
        "eval",
        list(others),
        titles.__getitem__,
        nothing="Choose prompts to answer" if others else "No other data set",
    )
    return None if chosen is None else others[chosen]


def _choose_rule(data_set: DataSet, leaks: Leaks) -> str:
    name = plain_markdown(data_set.name)
    st.warning(
        f"**{leaks.num_evaluation:,} share a prompt with the training data** "
        f"({count_of(int(leaks.training.sum()), 'pair')} of {name}). Memorised answers would count "
        "as learned.",
        icon=":material/warning:",
    )
    return linked_radio("Prompts in both", "leakage", list(RULES), RULES.__getitem__)
