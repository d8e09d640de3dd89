"""Where there is no detector yet: the ways to one, by what one has."""

from dataclasses import dataclass

import streamlit as st

from app.app_pages.detector.detector_fit import HOW, How, detector_form
from app.app_pages.detector.detector_import import detector_import
from app.app_pages.detector.judge_connect import judge_connect
from app.url import params
from app.url.widgets import linked


@dataclass(frozen=True)
class _Way:
    """One way to a detector."""

    title: str
    icon: str
    if_you_have: str
    view: str
    """Of the page, as links name it."""
    how: How | None = None
    """Of the view Train: the way in which the detector is made."""


_WAYS = (
    _Way(
        "Import one",
        ":material/upload_file:",
        "You have a Detector V2 checkpoint with its temperatures, a folder that `grice detector` "
        "made, or a Hugging Face classifier whose four labels are the maxims.",
        "Import",
    ),
    _Way(
        "Train one on labels",
        ":material/label:",
        "You have texts that people labelled: violated or not, for each maxim. Some hundreds are enough "
        "to begin with.",
        "Train",
        "train",
    ),
    _Way(
        "Distil one from scored pairs",
        ":material/science:",
        "You have preference pairs with scores, but not what scored them: a small detector learns to "
        "score likewise.",
        "Train",
        "distill",
    ),
    _Way(
        "Ask a language model",
        ":material/link:",
        "You have a language model behind an OpenAI-compatible address: vLLM, Ollama, llama.cpp or a hosted "
        "one. The texts that it judges are sent there.",
        "Connect",
    ),
)
_PER_ROW = 2


def first_detector(view_param: str) -> None:
    """The ways as cards; below, the form of the one that was chosen.

    Args:
        view_param: under which name links say the page's view.
    """
    st.markdown(
        "A detector is the judge: it gives each response one violation probability per "
        "maxim. There is none yet. Start from what you have:"
    )
    view = linked(view_param, sorted({way.view for way in _WAYS}), "")
    chosen = _chosen(view)
    for start in range(0, len(_WAYS), _PER_ROW):
        row = _WAYS[start : start + _PER_ROW]
        for place, way in zip(st.columns(_PER_ROW), row, strict=True):
            with place:
                _card(view_param, way, is_chosen=way is chosen)
    if chosen is None:
        return
    if chosen.view == "Import":
        detector_import()
    elif chosen.view == "Connect":
        judge_connect()
    else:
        detector_form(chosen.how or "train", None)


def _card(view_param: str, way: _Way, *, is_chosen: bool) -> None:
    with st.container(border=True, height="stretch"):
        st.markdown(way.if_you_have)
        st.button(
            way.title,
            icon=way.icon,
            type="primary" if is_chosen else "secondary",
            on_click=_choose,
            args=(view_param, way),
        )


def _chosen(view: str) -> _Way | None:
    how = params.get(HOW)
    of_view = [way for way in _WAYS if way.view == view]
    return next((way for way in of_view if way.how == how), of_view[0] if of_view else None)


def _choose(view_param: str, way: _Way) -> None:
    params.put(view_param, way.view)
    params.put(HOW, way.how or "")
