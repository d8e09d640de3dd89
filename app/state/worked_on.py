"""What this session works on, for pages whose link doesn't say it: one truth, whichever page asks."""

from collections.abc import Sequence

import streamlit as st

_WORKED_ON = "worked on"
_EVALUATED = "data of eval"
"""Which data set the evaluation prompts were chosen for."""


def work_on(name: str, values: Sequence[str]) -> None:
    """Remember what was chosen under a name of links; nothing: it was taken back."""
    st.session_state.setdefault(_WORKED_ON, {})[name] = [value for value in values if value]


def worked_on(*names: str) -> dict[str, list[str]]:
    """The remembered choices among these names."""
    found: dict[str, list[str]] = st.session_state.get(_WORKED_ON, {})
    return {name: list(found[name]) for name in names if found.get(name)}


def evaluate_on(evaluation: int | None, data_set: int) -> None:
    """Remember which data set's prompts shall be asked of what is trained on a data set."""
    work_on("eval", [] if evaluation is None else [str(evaluation)])
    work_on(_EVALUATED, [str(data_set)])


def evaluated_on(data_set: str) -> str:
    """The data set whose prompts shall be asked, itself if they are held out of it; empty: none is chosen."""
    found = worked_on("eval", _EVALUATED)
    held_out = found.get("eval") == found.get(_EVALUATED)
    return data_set if "eval" in found and held_out else "".join(found.get("eval", []))
