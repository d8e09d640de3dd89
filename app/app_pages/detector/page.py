"""Detector: how far can I trust the judge?"""

from collections.abc import Sequence

import streamlit as st

from app.app_pages.detector.detector_card import detector_card
from app.app_pages.detector.detector_evaluation import detector_comparison, detector_evaluation
from app.app_pages.detector.detector_fit import HOW, detector_fit
from app.app_pages.detector.detector_import import IMPORTED, detector_import
from app.app_pages.detector.detector_trial import detector_trial
from app.app_pages.detector.first_detector import first_detector
from app.app_pages.detector.judge_connect import judge_connect
from app.app_pages.detector.label_review import label_review
from app.app_pages.detector.score_data import score_data
from app.state.session import studio
from app.state.worked_on import work_on
from app.ui.page import Page
from app.url import params
from app.url.widgets import REMOVED, linked_segments, linked_selectbox
from grice_core.detector.record import DetectorRecord
from grice_core.store import detectors
from grice_core.store.tables import Detector

_VIEW = "detector_view"
_VIEWS = (
    "Card",
    "Score",
    "Try by hand",
    "Evaluate",
    "Label errors",
    "Compare",
    "Train",
    "Import",
    "Connect",
)


def show() -> None:
    """The page."""
    st.title("Detector")
    if (imported := st.session_state.pop(IMPORTED, None)) is not None:
        params.drop(_VIEW)
        params.put("detector", str(imported))
    kept = detectors.page(studio().database)
    known = {str(one.id): one for one in newest_of_each(kept)}
    known |= {str(one.id): one for one in kept if str(one.id) == params.get("detector")}
    if not known:
        first_detector(_VIEW)
        return
    chosen = linked_selectbox(
        "Detector",
        "detector",
        list(known),
        lambda key: f"{known[key].name} (no. {key})",
        missing=REMOVED,
    )
    work_on("detector", [chosen])
    _show_view(linked_segments("View", _VIEW, _VIEWS), known[chosen], known)


def newest_of_each(known: Sequence[Detector]) -> list[Detector]:
    """Detectors, the newest first, without those that were measured anew since."""
    seen: set[tuple[str, str]] = set()
    newest = []
    for detector in known:
        record = DetectorRecord.model_validate(detector.card)
        identity = detector.name, f"{record.fingerprint} {record.thresholds}"
        if identity not in seen:
            seen.add(identity)
            newest.append(detector)
    return newest


def _show_next(view: str, how: str = "") -> None:
    """Another view of the same detector, in the page's next run."""
    params.put(_VIEW, view)
    params.put(HOW, how)


def _show_view(view: str, detector: Detector, known: dict[str, Detector]) -> None:
    if view == "Card":
        detector_card(detector, _show_next)
    elif view == "Score":
        score_data(detector)
    elif view == "Evaluate":
        detector_evaluation(detector)
    elif view == "Label errors":
        label_review(detector, _show_next)
    elif view == "Compare":
        detector_comparison(detector, known)
    elif view == "Try by hand":
        detector_trial(detector)
    elif view == "Train":
        detector_fit(detector)
    elif view == "Connect":
        judge_connect()
    else:
        detector_import()


PAGE = Page("Detector", ":material/gavel:", 4, show)
