"""Labels that a detector doubts, one after another: right, wrong or skipped; then a corrected copy of the file."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
import streamlit as st

from app.app_pages.detector.corrected_copy import corrected_copy, looked_at_before
from app.state.session import studio
from app.text.formatting import count_of, plain_markdown
from app.ui.allowed import allowed
from app.ui.errors import guarded
from app.ui.marked_text import marked_text
from app.url.widgets import linked_segments, linked_switch
from grice_core.data.word_diff import Piece
from grice_core.detector.label_errors import LABEL_ERRORS_NAME, LabelError, LabelErrors
from grice_core.detector.record import DetectorRecord
from grice_core.maxims import MAXIMS, Maxim
from grice_core.store import label_decisions
from grice_core.store.tables import Detector, LabelDecision

Choice = Literal["keep", "flip", "skip"]
_ALL = "All maxims"
_CHOICES: dict[Choice, tuple[str, str, str]] = {
    "keep": ("Label is right", ":material/check:", "K"),
    "flip": ("Flip label", ":material/swap_horiz:", "F"),
    "skip": ("Skip", ":material/skip_next:", "S"),
}
_WHAT = {"keep": "right", "flip": "flipped", "skip": "skipped"}
_CELL = 200


def label_review(detector: Detector, show_view: Callable[..., None]) -> None:
    """Look through the labels that the detector's evaluation doubts.

    Args:
        detector: whose evaluation it is.
        show_view: shows another view of the page; called before the page runs again.
    """
    errors = _label_errors(detector.artifact_sha256)
    if errors is None:
        st.info(
            "An evaluation on labelled texts also ranks the labels that are probably wrong.",
            icon=":material/info:",
        )
        st.button(
            "Evaluate it on labelled texts",
            icon=":material/fact_check:",
            on_click=show_view,
            args=("Evaluate",),
        )
        return
    errors = errors.without(looked_at_before(errors.data_sha256))
    likely = sum(errors.num_likely.values())
    st.markdown(f"**{count_of(likely, 'label')}** of {errors.num_texts:,} texts probably wrong.")
    st.caption(
        f"Judged {plain_markdown(errors.how)}. Probably wrong: the detector prefers the other verdict, and is as "
        "sure of it as it is on average where it is the label (confident learning). A person decides."
    )
    _caution(detector)
    chosen = linked_segments(
        "Maxim", "label_maxim", (_ALL, *MAXIMS), lambda name: _title(name, errors)
    )
    others = linked_switch(
        "Also the other labels",
        "all_labels",
        "Those that are not probably wrong, the least sure first.",
    )
    decisions = label_decisions.of_labels(studio().database, errors.data_sha256)
    wanted = [
        one for one in errors.ranked if chosen in (_ALL, one.maxim) and (others or one.likely)
    ]
    _one_after_another(errors.data_sha256, wanted, decisions)
    _decided(errors.ranked, decisions)
    corrected_copy(detector, errors.data_sha256, decisions)


@st.cache_resource(max_entries=8, show_spinner=False)
def _label_errors(artifact_sha256: str) -> LabelErrors | None:
    """What the evaluation in a detector's folder says; None: there was none since labels are ranked."""
    entries = studio().artifacts.folder(artifact_sha256)
    found = next((one for one in entries if Path(one.path).name == LABEL_ERRORS_NAME), None)
    if found is None:
        return None
    return LabelErrors.parse(studio().artifacts.read(found.sha256), found.path)


def _caution(detector: Detector) -> None:
    metrics = DetectorRecord.model_validate(detector.card).metrics
    if metrics is not None and metrics.weak_maxims:
        weak = ", ".join(metrics.weak_maxims)
        st.warning(
            f"A weak judge of {weak}: most labels that it doubts there are right.",
            icon=":material/warning:",
        )


def _title(name: str, errors: LabelErrors) -> str:
    count = sum(errors.num_likely.values()) if name == _ALL else errors.num_likely[Maxim(name)]
    return f"{name} ({count:,})"


@guarded
def _one_after_another(
    data_sha256: str, wanted: Sequence[LabelError], decisions: Sequence[LabelDecision]
) -> None:
    """The first label that nothing was said of yet, and what can be said."""
    decided = {(one.row, one.maxim) for one in decisions}
    left = [one for one in wanted if (one.row, one.maxim) not in decided]
    if not left:
        st.success(
            "All of these labels have been looked at." if wanted else "No label here is doubted."
        )
        return
    one = left[0]

    def decide(choice: Choice) -> None:
        label_decisions.decide(studio().database, data_sha256, one.row, one.maxim, choice)

    with st.container(border=True):
        label = "violated" if one.violated else "not violated"
        st.markdown(
            f"**{one.maxim}** · labelled **{label}** · the detector says **{one.probability:.2f}** · row {one.row:,}"
        )
        for title, text in (
            ("Context", one.text.context),
            ("Evidence", one.text.evidence),
            ("Response", one.text.response),
        ):
            if text:
                st.caption(title)
                marked_text([Piece(text, differs=False)], key=f"label {title}")
        with st.container(horizontal=True):
            for choice, (title, icon, shortcut) in _CHOICES.items():
                st.button(
                    title,
                    icon=icon,
                    shortcut=shortcut,
                    type="primary" if choice == "flip" else "secondary",
                    key=f"label {choice}",
                    on_click=decide,
                    args=(choice,),
                    **allowed(),
                )
    st.caption(f"{len(left):,} left.")


def _decided(ranked: Sequence[LabelError], decisions: Sequence[LabelDecision]) -> None:
    """What was said so far, and by whom; the last of it can be taken back."""
    if not decisions:
        return
    by_place = {(one.row, one.maxim): one for one in ranked}
    with st.expander(f"{count_of(len(decisions), 'decision')} so far"):
        st.dataframe(
            pd.DataFrame(
                [
                    {
                        "row": one.row,
                        "maxim": one.maxim.value,
                        "label was": _label(by_place.get((one.row, one.maxim))),
                        "decision": _WHAT.get(one.choice, one.choice),
                        "by": one.decided_by,
                        "response": _response(by_place.get((one.row, one.maxim))),
                    }
                    for one in reversed(decisions)
                ]
            ),
            hide_index=True,
            alt="Decisions about labels",
        )
        st.button(
            "Undo the last",
            icon=":material/undo:",
            on_click=_undo,
            args=(decisions[-1],),
            **allowed(),
        )
        st.caption("Kept in the studio, for everyone who looks through this file.")


def _label(error: LabelError | None) -> str:
    """Empty for a label that this detector does not rank."""
    if error is None:
        return ""
    return "violated" if error.violated else "not violated"


def _response(error: LabelError | None) -> str:
    return "" if error is None else error.text.response[:_CELL]


def _undo(last: LabelDecision) -> None:
    label_decisions.take_back(studio().database, last.labels_sha256, last.row, last.maxim)
