"""What sessions share, and what each has chosen; links name the choice."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app.state.open_data import OpenData, open_pairs
from app.state.people import who_acts
from app.state.studio import Studio
from app.text.formatting import told_apart
from app.url import params
from app.url.widget_keys import is_current, key_among
from app.url.widgets import REMOVED, choose_instead
from grice_core.data.leakage import leaking
from grice_core.data.pairs import BoolArray
from grice_core.evaluation.selection import (
    AskedPrompts,
    LeakagePolicy,
    NoPromptsError,
    left_out_of_training,
    select_prompts,
)
from grice_core.loading import end_loading
from grice_core.recipes.config import NumPrompts
from grice_core.registry import holds_prompts_alone
from grice_core.settings import settings
from grice_core.store import data_sets
from grice_core.store.tables import DataSet

_DATA = "data"
"""In links and in the session: which data set is looked at."""


@st.cache_resource(show_spinner="Opening the studio …")
def studio() -> Studio:
    """The installation that this process serves."""
    opened = Studio.open(settings(), who_acts)
    # Streamlit collects garbage after each run of a page or a part of it. By now all pages are
    # imported; searching their half a million objects, which stay, took longer than the run.
    end_loading()
    return opened


@st.cache_resource(max_entries=6, show_spinner="Opening the pairs …")
def open_data(sha256: str) -> OpenData:
    """The pairs of a data set by the address of its artifact; all sessions share one copy."""
    return open_pairs(studio(), sha256)


@dataclass(frozen=True, eq=False)
class Leaks:
    """Prompts that stand both in training data and in an evaluation set."""

    training: BoolArray
    """(N,) which pairs of the training data have such a prompt."""
    num_evaluation: int
    """How many pairs of the evaluation set have one."""


@st.cache_resource(max_entries=8, show_spinner="Comparing prompts …")
def leaks_between(training_sha256: str, evaluation_sha256: str) -> Leaks:
    """What two data sets, by the addresses of their artifacts, have in common."""
    prompts = open_data(training_sha256).table.prompts
    others = open_data(evaluation_sha256).table.prompts
    return Leaks(leaking(prompts, others), int(leaking(others, prompts).sum()))


@st.cache_resource(max_entries=8, show_spinner="Comparing prompts …")
def asked_prompts(
    training_sha256: str,
    evaluation_sha256: str,
    *,
    policy: LeakagePolicy,
    num_prompts: NumPrompts,
    seed: int = 0,
    similarity: float = 1.0,
) -> AskedPrompts:
    """What is asked of an evaluation set, and what that costs the training data.

    Raises:
        NoPromptsError: no evaluation prompt is left.
    """
    table = open_data(training_sha256).table
    prompts = open_data(evaluation_sha256).prompts
    selection = select_prompts(
        prompts,
        table.prompts,
        policy=policy,
        num_prompts=num_prompts,
        seed=seed,
        similarity=similarity,
    )
    return AskedPrompts(selection, left_out_of_training(table.prompts, prompts.prompts, selection))


def held_out_of(
    training_sha256: str, evaluation_sha256: str, num_prompts: NumPrompts
) -> BoolArray | None:
    """(N,) which pairs training loses where the prompts that are asked are held out of it; None: there
    are too few prompts."""
    try:
        asked = asked_prompts(
            training_sha256, evaluation_sha256, policy="hold-out", num_prompts=num_prompts
        )
    except NoPromptsError:
        return None
    return asked.left_out


def choose_data_set(known: Sequence[DataSet]) -> DataSet:
    """Let a person choose one of the data sets; begins with the link's, the session's, or the
    newest that is scored.

    Raises:
        NotFoundError: the link's is not there.
    """
    by_id = {data_set.id: data_set for data_set in known}
    current = _current(set(by_id), _newest_scored(known).id)
    titles = told_apart(
        {
            id_: f"{one.name} ({one.num_usable:,} {'prompts' if holds_prompts_alone(one) else 'pairs'})"
            for id_, one in by_id.items()
        }
    )
    if params.get(_DATA) not in ("", *map(str, by_id)):
        by_key = {str(id_): title for id_, title in titles.items()}
        choose_instead("Data set", _DATA, list(by_key), by_key.__getitem__, REMOVED)
    key = key_among("data choice", {str(id_): title for id_, title in titles.items()}, current)

    def choose() -> None:
        if is_current(key):
            select_data_set(st.session_state[key])

    st.selectbox(
        "Data set",
        list(by_id),
        list(by_id).index(current),
        key=key,
        format_func=titles.__getitem__,
        on_change=choose,
    )
    select_data_set(current)
    return by_id[current]


def select_data_set(data_set_id: int) -> None:
    """Look at this data set from now on, on every page."""
    st.session_state[_DATA] = data_set_id
    params.put(_DATA, str(data_set_id))


def known_data_sets() -> Sequence[DataSet]:
    """All data sets, the newest first."""
    return data_sets.page(studio().database)


def _newest_scored(known: Sequence[DataSet]) -> DataSet:
    return next((data_set for data_set in known if data_set.num_scored), known[0])


def _current(known: set[int], newest: int) -> int:
    linked = params.get(_DATA)
    for candidate in (int(linked) if linked.isdecimal() else None, st.session_state.get(_DATA)):
        if candidate in known:
            return int(candidate)
    return newest
