"""What is what in a file whose layout is not clear: a choice of layouts, or a mapping with a preview."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app.state.pending_uploads import PendingUpload, read_pending
from app.text.formatting import plain_markdown
from grice_core.data.fields import SIDES, UnknownFieldsError
from grice_core.data.layouts.mapping import SYSTEM, FieldMap
from grice_core.data.layouts.opening import PromptsAloneError, Reading, UnclearLayoutError
from grice_core.data.layouts.paths import PathInFile, paths_in, sample_file
from grice_core.data.layouts.registry import layout_named
from grice_core.data.layouts.scale import PROBABILITIES, Scale
from grice_core.data.load import LoadedPairs
from grice_core.data.pairs import TEXT_FIELDS
from grice_core.errors import DataError
from grice_core.maxims import MAXIMS

_NUM_SHOWN = 3
_MAX_CHARACTERS = 300
_BETTER = ("lower", "higher")


def reading_form(pending: PendingUpload, reason: DataError) -> LoadedPairs | Reading | None:
    """Ask how a file is to be read.

    Returns the pairs that it holds, if that is said and can be; a way to read its prompts, if they alone
    are named.
    """
    st.info(f"{plain_markdown(_question(pending, reason))}", icon=":material/help:")
    if isinstance(reason, UnclearLayoutError):
        reading = _chosen_layout(pending, reason.layouts)
    else:
        reading = _mapping(pending)
    if reading is None:
        return None
    try:
        outcome = read_pending(pending, reading)
    except PromptsAloneError:
        return reading
    except DataError as error:
        st.error(plain_markdown(str(error)), icon=":material/error:")
        return None
    _preview(outcome)
    return outcome


def _question(pending: PendingUpload, reason: DataError) -> str:
    if isinstance(reason, UnclearLayoutError):
        return f"{pending.name} fits several layouts, which read it differently. Which one is it?"
    found = reason.found if isinstance(reason, UnknownFieldsError) else str(reason)
    return f"{found}. Which field is what?"


def first_texts(texts: Mapping[str, str]) -> None:
    """The texts of a row under their names, shortened."""
    columns = st.columns(max(len(texts), 1))
    for column, (name, text) in zip(columns, texts.items(), strict=False):
        column.caption(name)
        column.text(text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]} …")


def _chosen_layout(pending: PendingUpload, names: Sequence[str]) -> Reading | None:
    name = st.radio(
        "Read it as",
        names,
        index=None,
        format_func=lambda each: layout_named(each).title,
        key=f"layout {pending.id}",
    )
    return Reading(name) if name else None


def _mapping(pending: PendingUpload) -> Reading | None:
    """Which field is what; None as long as there is neither a pair nor a prompt alone."""
    known = paths_in(sample_file(pending.path))
    columns = st.columns(len(TEXT_FIELDS) + 1)
    fields = (*TEXT_FIELDS, SYSTEM)
    paths = {
        field: _choose(field, (field,), known, pending, label=_LABELS[field], at=column)
        for field, column in zip(fields, columns, strict=True)
    }
    numbers = [each for each in known if each.is_number]
    scales: list[str] = []
    if numbers and st.toggle("The file has scores of the maxims", key=f"scores {pending.id}"):
        paths |= _scores(numbers, pending)
        scales = _scale(pending)
    if not paths["prompt"] or bool(paths["chosen"]) != bool(paths["rejected"]):
        return None
    written = [f"{target}={path}" for target, path in paths.items() if path]
    try:
        return Reading(field_map=FieldMap.parse(written, scales))
    except DataError as error:
        st.error(plain_markdown(str(error)), icon=":material/error:")
        return None


_LABELS = {
    "prompt": "Prompt",
    "chosen": "Chosen response",
    "rejected": "Rejected response",
    SYSTEM: "System message (if any)",
}


def _choose(
    target: str,
    named: Sequence[str],
    known: Sequence[PathInFile],
    pending: PendingUpload,
    *,
    label: str,
    at: "st.delta_generator.DeltaGenerator",
) -> str | None:
    """A place in the file for one target; at first that whose name has these words, and few others."""
    places = [each.path for each in known]
    likely = [path for path in places if all(word in path.lower() for word in named)]
    guess = target if target in places else min(likely, key=len, default=None)
    examples = {each.path: _shortened(each.example) for each in known}
    chosen: str | None = at.selectbox(
        label,
        places,
        index=None if guess is None else places.index(guess),
        format_func=lambda path: f"{path} · {examples[path]}",
        placeholder="Choose a field",
        key=f"map {target} {pending.id}",
    )
    return chosen


def _scores(numbers: Sequence[PathInFile], pending: PendingUpload) -> dict[str, str | None]:
    """Where the eight scores stand."""
    found: dict[str, str | None] = {}
    for maxim in MAXIMS:
        for side, column in zip(SIDES, st.columns(2), strict=True):
            target = f"{side}_{maxim}"
            label = f"{maxim.value.capitalize()} of the {side} response"
            named = (side, maxim.value)
            found[target] = _choose(target, named, numbers, pending, label=label, at=column)
    return found


def _scale(pending: PendingUpload) -> list[str]:
    """What the scores run on, in so many words."""
    low_column, high_column, better_column = st.columns(3, vertical_alignment="bottom")
    low = low_column.number_input("Lowest score", value=0.0, key=f"low {pending.id}")
    high = high_column.number_input("Highest score", value=1.0, key=f"high {pending.id}")
    better = better_column.segmented_control(
        "Which is better?",
        _BETTER,
        default=_BETTER[0],
        format_func=lambda each: f"{each} is better",
        key=f"better {pending.id}",
    )
    try:
        scale = Scale(low, high, better == "higher")
    except DataError as error:
        st.error(plain_markdown(str(error)), icon=":material/error:")
        return []
    st.caption(f"Scores run from {scale.words} (a certain violation).")
    return [] if scale == PROBABILITIES else [scale.written]


def _preview(outcome: LoadedPairs) -> None:
    """The first pairs as they would be stored."""
    st.markdown(
        f"Read as: **{plain_markdown(outcome.read_as)}** · "
        f"{outcome.report.num_usable:,} of {outcome.report.num_rows:,} rows can be used, "
        f"{outcome.report.num_scored:,} scored"
    )
    rows = outcome.table.texts.slice(0, _NUM_SHOWN).to_pylist()
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch")


def _shortened(example: object) -> str:
    text = " ".join(str(example).split())
    return text if len(text) <= 40 else f"{text[:39]}…"
