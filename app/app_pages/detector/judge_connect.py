"""A language model behind an address as a detector: where it is, what it is asked, what leaves the machine."""

import tempfile
from pathlib import Path

import streamlit as st

from app.app_pages.detector.detector_import import show_detector
from app.state.session import studio
from app.state.settings import app_settings
from app.ui.allowed import allowed
from app.ui.errors import show_error
from grice_core.detector.folder import Destination
from grice_core.detector.llm.connect import ChatSettings, folder_name, write_chat_detector
from grice_core.detector.rubric import default_rubric_text, parse_rubric
from grice_core.errors import GriceError
from grice_core.registry import Keeper
from grice_core.settings import settings

_WHAT_LEAVES = (
    "**What leaves this machine:** every text that this detector judges, with its context and evidence, is "
    "sent to the address above, and nowhere else. Nothing is sent before you score, evaluate or try it, or "
    "launch a pipeline with it. With an address of this machine (127.0.0.1) no text leaves it. A key is read "
    "from `GRICE_JUDGE_API_KEY` and sent to `GRICE_JUDGE_URL` only."
)


def judge_connect() -> None:
    """A form that makes a detector; nothing is sent."""
    st.markdown(
        "Any language model behind an OpenAI-compatible address (vLLM, Ollama, llama.cpp, a hosted one) can "
        "judge. It is asked one question per response and maxim; what it has answered once is kept."
    )
    fixed = None if app_settings().is_private() else settings().judge_url
    if fixed is None and not app_settings().is_private():
        st.info(
            "Where others can reach this dashboard, judges ask the address in GRICE_JUDGE_URL only, which is "
            "not set. Ask the administrator.",
            icon=":material/lock:",
        )
        return
    with st.form("connect a judge"):
        address = st.text_input(
            "Address, up to /chat/completions",
            value=settings().judge_url or "",
            placeholder="http://127.0.0.1:8000/v1",
            disabled=fixed is not None,
        )
        st.caption(_WHAT_LEAVES)
        model = st.text_input("Model, as the server calls it", placeholder="qwen3:8b")
        with st.expander("Questions (rubric): one rule per maxim", icon=":material/edit_note:"):
            rubric = st.text_area(
                "Rubric as YAML",
                default_rubric_text(),
                height=420,
                help="{rule}, {context}, {evidence} and {response} are filled in.",
            )
        with st.expander("Speed and price", icon=":material/tune:"):
            more = _more()
        is_asked = st.form_submit_button(
            "Connect", type="primary", icon=":material/link:", **allowed()
        )
    if is_asked:
        _connect(fixed or address.strip(), model.strip(), rubric, more)


def _more() -> dict[str, float | None]:
    """Further fields of the endpoint, and the length of an answer."""
    left, middle, right = st.columns(3)
    return {
        "concurrency": left.number_input("Questions at a time", 1, 256, 8),
        "timeout_s": middle.number_input("Seconds to wait for an answer", 1, 3600, 60),
        "max_tokens": right.number_input(
            "Tokens of an answer", 8, 32_768, 64, help="A model that reasons first needs more."
        ),
        "price_in": left.number_input("Price of a million tokens in", 0.0, None, None),
        "price_out": middle.number_input("Price of a million tokens out", 0.0, None, None),
    }


def _connect(address: str, model: str, rubric: str, more: dict[str, float | None]) -> None:
    if not address or not model:
        st.warning("Give the address and the model's name.")
        return
    max_tokens = int(more.pop("max_tokens") or 0)
    try:
        asked = ChatSettings(address, model, parse_rubric(rubric, "the rubric"), max_tokens, more)
        with tempfile.TemporaryDirectory(dir=studio().scratch) as scratch:
            folder = Path(scratch) / folder_name(model)
            write_chat_detector(asked, Destination(folder))
            detector = Keeper(studio().database, studio().artifacts).keep_detector(folder)
    except GriceError as error:
        show_error(error)
        return
    show_detector(detector.id)
