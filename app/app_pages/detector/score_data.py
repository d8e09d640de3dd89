"""Having a detector score a data set, as a queued run."""

import streamlit as st

from app.app_pages.detector.own_runs import own_runs
from app.state.run_queue import run_queue
from app.state.session import known_data_sets, open_data
from app.text.formatting import count_of, plain_markdown, sentence, told_apart
from app.ui.allowed import allowed
from app.url.navigation import link_to
from app.url.widgets import linked_selectbox
from grice_core.detector.llm.detector import open_chat_detector
from grice_core.detector.llm.estimate import estimate, texts_of_pairs
from grice_core.detector.record import DetectorRecord
from grice_core.registry import holds_prompts_alone
from grice_core.store.states import RunKind
from grice_core.store.tables import DataSet, Detector

_COUNTED_PAIRS = 2000


def score_data(detector: Detector) -> None:
    """Choose a data set with unscored pairs and put it into the queue; below, how far such runs are."""
    known = [one for one in known_data_sets() if not holds_prompts_alone(one)]
    if not known:
        st.info("There are no pairs to score yet.")
        link_to("data", "Upload your own pairs", ":material/upload:")
        return
    unscored = {str(one.id): one for one in known if one.num_scored < one.num_usable}
    if not unscored:
        st.info("Every pair of every data set is scored.", icon=":material/check:")
        own_runs(RunKind.SCORE_DATA)
        return
    titles = told_apart(
        {key: f"{one.name} ({_num_unscored(one):,} unscored)" for key, one in unscored.items()}
    )
    chosen = linked_selectbox(
        "Data set with unscored pairs", "data", list(unscored), titles.__getitem__
    )
    _what_it_takes(detector, unscored[chosen])
    st.caption("The scored pairs become a new data set; the unscored ones are left unchanged.")
    if st.button(
        f"Score {count_of(_num_unscored(unscored[chosen]), 'pair')}",
        type="primary",
        icon=":material/gavel:",
        **allowed(explained="Submitting the same request twice creates one run."),
    ):
        run_queue().detectors.score(unscored[chosen], detector)
    own_runs(RunKind.SCORE_DATA)


def _what_it_takes(detector: Detector, data: DataSet) -> None:
    """Of a language model: where the texts go, and about how many questions, how long, how dear."""
    record = DetectorRecord.model_validate(detector.card)
    if record.endpoint is None:
        return
    estimated = _estimate(record.fingerprint, data.artifact_sha256, record)
    st.info(
        plain_markdown(f"{record.endpoint.what_leaves} {estimated}."),
        icon=":material/outgoing_mail:",
    )


@st.cache_data(max_entries=20, ttl=60, show_spinner="Counting questions …")
def _estimate(fingerprint: str, artifact_sha256: str, _record: DetectorRecord) -> str:  # noqa: ARG001
    """In words; of many pairs, from the first ones."""
    texts = texts_of_pairs(open_data(artifact_sha256).table)
    counted = texts[: 2 * _COUNTED_PAIRS]
    found = estimate(open_chat_detector(_record), counted)
    return sentence(found.scaled(len(texts) / max(len(counted), 1)).sentence()).removesuffix(".")


def _num_unscored(data_set: DataSet) -> int:
    return data_set.num_usable - data_set.num_scored
