"""What to ask, and how answers are sampled."""

from collections.abc import Sequence

import streamlit as st

from app.state.evaluations import TrainedPipeline
from app.ui.allowed import allowed
from worker.client import PlaygroundRequest

_LONGEST_PROMPT = 20_000


def playground_form(pipeline: TrainedPipeline, examples: Sequence[str]) -> PlaygroundRequest | None:
    """The form; gives the request at the moment it is sent.

    Args:
        examples: prompts that a person may begin with, in turn.
    """
    key = f"prompt for {pipeline.id}"
    st.session_state.setdefault(key, "")
    if examples:
        st.button(
            "Use an evaluation prompt",
            icon=":material/shuffle:",
            type="tertiary",
            on_click=_take_next,
            args=(key, examples),
        )
    with st.form(f"ask {pipeline.id}", border=False):
        prompt = st.text_area(
            "Prompt",
            key=key,
            height=120,
            max_chars=_LONGEST_PROMPT,
            placeholder="A user prompt, as in the training data",
        )
        with st.expander("Sampling", icon=":material/casino:"):
            settings = _sampling(pipeline)
        sent = st.form_submit_button(
            "Ask all models", type="primary", icon=":material/send:", **allowed()
        )
    if not sent:
        return None
    if not prompt.strip():
        st.warning("Write a prompt first.")
        return None
    return settings.model_copy(update={"prompt": prompt})


def _take_next(key: str, examples: Sequence[str]) -> None:
    place = st.session_state.get(f"{key}: taken", -1) + 1
    st.session_state[f"{key}: taken"] = place
    st.session_state[key] = examples[place % len(examples)][:_LONGEST_PROMPT]


def _sampling(pipeline: TrainedPipeline) -> PlaygroundRequest:
    """The settings, which begin as the pipeline's evaluation has them."""
    defaults = pipeline.evaluation
    first, second, third, fourth = st.columns(4, vertical_alignment="bottom")
    temperature = first.number_input(
        "Temperature", 0.05, 5.0, defaults.temperature, step=0.1, format="%.2f"
    )
    top_p = second.number_input("Top-p", 0.05, 1.0, defaults.top_p, step=0.05, format="%.2f")
    longest = third.number_input("Max new tokens", 1, 1024, defaults.max_new_tokens, step=10)
    seed = fourth.number_input("Seed", 0, 2**31 - 1, pipeline.seed, step=1)
    same = st.toggle(
        "Same seed for all models",
        value=True,
        help="On: all models sample with the same random numbers, as in the evaluation, so "
        "differences between answers come from the models. Off: each model samples independently.",
    )
    return PlaygroundRequest(
        pipeline_id=pipeline.id,
        prompt="-",
        temperature=temperature,
        top_p=top_p,
        max_new_tokens=int(longest),
        seed=int(seed),
        same_seed=same,
    )
