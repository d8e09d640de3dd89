"""A corrected copy of a file of labels: to take along, or to evaluate the detector on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from app.app_pages.detector.own_runs import ask_for_detector
from app.state.session import studio
from app.text.formatting import count_of, plain_markdown
from grice_core.detector.corrected_labels import Decision, looked_at, next_version, write_corrected
from grice_core.maxims import Maxim
from grice_core.store import runs
from grice_core.store.runs import RunFilter
from grice_core.store.states import RunKind
from grice_core.store.tables import Detector, LabelDecision
from worker.client import DetectorRequest

_RUNS_SEARCHED = 200


def corrected_copy(detector: Detector, data_sha256: str, decided: Sequence[LabelDecision]) -> None:
    """What can be done with the decisions, once there are some.

    Args:
        detector: whose evaluation they are about.
        data_sha256: of the labels' file.
        decided: by anyone.
    """
    decisions = [
        Decision(one.row, one.maxim, "flip" if one.choice == "flip" else "keep", one.decided_by)
        for one in decided
        if one.choice != "skip"
    ]
    if not decisions:
        return
    if not studio().artifacts.contains(data_sha256):
        st.warning("The labels' file is no longer kept: evaluate the detector on it again.")
        return
    name = _name(data_sha256)
    num_flipped = sum(decision.choice == "flip" for decision in decisions)
    st.markdown(
        f"**Corrected copy** of {plain_markdown(name)}: {count_of(num_flipped, 'label')} flipped, "
        f"{len(decisions) - num_flipped:,} confirmed. The file itself stays as it is; the copy says what was changed."
    )
    with st.container(horizontal=True):
        st.download_button(
            f"Download {next_version(name)}",
            lambda: _content(data_sha256, name, decisions),
            next_version(name),
            mime="application/json",
            icon=":material/download:",
            on_click="ignore",
        )
        asked = st.button(
            "Evaluate on it",
            icon=":material/fact_check:",
            help="Keeps the copy in the studio, as the data of a run that evaluates this detector on it; what "
            "was looked at is not asked about again.",
        )
    if asked:
        with _copy(data_sha256, name, decisions) as path:
            ask_for_detector(DetectorRequest("evaluate", path, detector, detector.name))


@st.cache_resource(max_entries=8, show_spinner=False)
def looked_at_before(data_sha256: str) -> frozenset[tuple[int, Maxim]]:
    """The labels of a file that were flipped or confirmed when it was made, by row and maxim."""
    if not studio().artifacts.contains(data_sha256):
        return frozenset()
    with TemporaryDirectory(dir=studio().scratch) as folder:
        path = Path(folder) / _name(data_sha256)
        studio().artifacts.fetch_file(data_sha256, path)
        return looked_at(path)


def _content(data_sha256: str, name: str, decisions: list[Decision]) -> bytes:
    with _copy(data_sha256, name, decisions) as path:
        return path.read_bytes()


@contextmanager
def _copy(data_sha256: str, name: str, decisions: list[Decision]) -> Iterator[Path]:
    """The corrected copy, for as long as the block runs."""
    with TemporaryDirectory(dir=studio().scratch) as folder:
        original = Path(folder) / name
        studio().artifacts.fetch_file(data_sha256, original)
        out = original.with_name(next_version(name))
        write_corrected(original, decisions, out)
        yield out


def _name(data_sha256: str) -> str:
    """What the labels' file was called when a run got it."""
    for run in runs.page(
        studio().database, RunFilter(kinds=(RunKind.FIT_DETECTOR,)), limit=_RUNS_SEARCHED
    ):
        if run.spec["data"]["sha256"] == data_sha256:
            return Path(str(run.spec["data"]["name"])).name
    return "labels.json"
