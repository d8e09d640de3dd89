"""Prompts that are both trained on and evaluated on, and what to do about them."""

from collections.abc import Sequence

import streamlit as st

from app.components.linked_choice import linked_radio, linked_selectbox
from app.session import leaks_between
from app.wording import count_of, plain_markdown
from grice_core.store.tables import DataSet

RULES = {
    "drop-eval": "Leave them out of the evaluation",
    "drop-train": "Leave them out of training",
    "keep": "Keep them in both",
}


def leakage_view(data_set: DataSet, known: Sequence[DataSet]) -> None:
    """Compare a data set with one that shall be its evaluation set."""
    others = {str(other.id): other for other in known if other.id != data_set.id}
    if not others:
        st.info("Upload a second data set to evaluate on; prompts in both are found here.")
        return
    chosen = linked_selectbox(
        "Evaluation set",
        {key: other.name for key, other in others.items()},
        "eval",
        nothing="Choose the data set whose prompts models shall answer",
    )
    if chosen is None:
        return
    evaluation = others[chosen]
    leaks = leaks_between(data_set.artifact_sha256, evaluation.artifact_sha256)
    st.markdown(
        f"{count_of(evaluation.num_usable, 'evaluation pair')}, "
        f"{evaluation.num_usable - evaluation.num_scored:,} unscored."
    )
    if not leaks.num_evaluation:
        st.success("No prompt stands in both.", icon=":material/check:")
        return
    name = plain_markdown(data_set.name)
    st.warning(
        f"**{leaks.num_evaluation:,} share a prompt with the training data** "
        f"({count_of(int(leaks.training.sum()), 'pair')} of {name}). What a model has memorised "
        "would count as learned.",
        icon=":material/warning:",
    )
    linked_radio("Prompts in both", RULES, "leakage")
