"""Labels that a detector doubts, one after another: right, wrong or skipped; then a corrected copy of the file."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
import streamlit as st

from app.app_pages.detector.corrected_copy import corrected_copy, looked_at_before
from app.state.session import studio
from app.text.formatting import count_of, plain_markdown
from app.ui.errors import guarded
from app.ui.marked_text import marked_text
from app.url.widgets import linked_segments, linked_switch
from grice_core.data.word_diff import Piece
from grice_core.detector.label_errors import LABEL_ERRORS_NAME, LabelError, LabelErrors
from grice_core.detector.record import DetectorRecord
from grice_core.maxims import MAXIMS, Maxim
from grice_core.store.tables import Detector

Choice = Literal["keep", "flip", "skip"]
Decisions = dict[tuple[int, Maxim], Choice]
"""What a person said of the label of a row and a maxim."""
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
    decisions: Decisions = st.session_state.setdefault(f"label decisions {errors.data_sha256}", {})
    wanted = [
        one for one in errors.ranked if chosen in (_ALL, one.maxim) and (others or one.likely)
    ]
    _one_after_another(wanted, decisions)
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
def _one_after_another(wanted: Sequence[LabelError], decisions: Decisions) -> None:
    """The first label that nothing was said of yet, and what can be said."""
    left = [one for one in wanted if (one.row, one.maxim) not in decisions]
    if not left:
        st.success(
            "You have looked at all of these labels." if wanted else "No label here is doubted."
        )
        return
    one = left[0]

    def decide(choice: Choice) -> None:
        decisions[one.row, one.maxim] = choice

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
                )
    st.caption(f"{len(left):,} left.")


def _decided(ranked: Sequence[LabelError], decisions: Decisions) -> None:
    """What was said so far; the last of it can be taken back."""
    if not decisions:
        return
    by_place = {(one.row, one.maxim): one for one in ranked}
    with st.expander(f"{count_of(len(decisions), 'decision')} so far"):
        st.dataframe(
            pd.DataFrame(
                [
                    {
                        "row": row,
                        "maxim": maxim.value,
                        "label was": "violated"
                        if by_place[row, maxim].violated
                        else "not violated",
                        "decision": _WHAT[choice],
                        "response": by_place[row, maxim].text.response[:_CELL],
                    }
                    for (row, maxim), choice in reversed(decisions.items())
                ]
            ),
            hide_index=True,
            alt="Decisions about labels",
        )
        st.button("Undo the last", icon=":material/undo:", on_click=_undo, args=(decisions,))
        st.caption(
            "They last as long as this session: download the corrected copy before you leave."
        )


def _undo(decisions: Decisions) -> None:
    decisions.popitem()
