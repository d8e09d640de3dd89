"""The last of Launch's checks, which may take some seconds: prompts that are nearly trained on."""

from concurrent.futures import Future

import streamlit as st

from app.app_pages.launch.checklist import checklist
from app.app_pages.launch.preflight import Check
from app.text.formatting import count_of
from app.ui.beside import is_there
from grice_core.data.near_duplicates import NEAR
from grice_core.evaluation.selection import NearAsked


def near_duplicates(found: Future[NearAsked], num_prompts: int) -> None:
    """What is known of near-duplicates once it is, with the most similar two."""
    if not is_there(found, "Looking for near-duplicates of the evaluation prompts …"):
        return
    near = found.result()
    checklist([near_check(near, num_prompts)])
    if near.count:
        with st.expander("The most similar two"):
            st.caption(
                f"Evaluation prompt, and the training prompt that is {near.similarity:.2f} similar"
            )
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
