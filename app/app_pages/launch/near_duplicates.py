"""The one of Launch's checks that may take some seconds: prompts that are nearly trained on."""

from concurrent.futures import Future

import streamlit as st

from app.app_pages.launch.preflight import Check
from app.text.formatting import count_of
from app.ui.beside import wait_for
from grice_core.data.near_duplicates import NEAR
from grice_core.evaluation.selection import NearAsked


def near_duplicates(found: Future[NearAsked]) -> None:
    """Below the other checks: the most similar two; that they are looked for, as long as they are."""
    if not found.done():
        wait_for(found, "Looking for near-duplicates of the evaluation prompts …")
        return
    near = found.result()
    if near.count:
        with st.expander("The most similar evaluation prompt and training prompt"):
            st.caption(f"Similarity {near.similarity:.2f}.")
            for text in (near.prompt, near.training_prompt):
                st.code(text, language=None, wrap_lines=True)


def near_check(near: NearAsked, num_prompts: int) -> Check:
    """Whether prompts that are asked nearly stand in what is trained on."""
    if not near.count:
        return Check("pass", "No evaluation prompt is a near-duplicate of one that is trained on.")
    prompts = count_of(num_prompts, "evaluation prompt")
    return Check(
        "warn",
        f"{near.count:,} of {prompts} nearly trained on (similarity {NEAR:g} or more): gains there may be "
        "memorised. More options can count them as the same.",
    )
