"""An overview of pipelines for the terminal."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from grice_core.evaluation.comparison import CorrectedChange
from grice_core.evaluation.fooled import Fooled, JudgesCompared, p_words, share_words
from grice_core.evaluation.numbers import percent
from grice_core.evaluation.overview import Overview, PipelineView
from grice_core.evaluation.preference_shift import PreferenceShift
from grice_core.evaluation.retention import Retention
from grice_core.evaluation.second_judge import SecondOpinion
from grice_core.evaluation.table import (
    change_cells,
    change_style,
    comparison_rows,
    rates_table,
    render_comparison,
)
from grice_core.evaluation.text_exports import render_texts, render_texts_between
from grice_core.formatting import signed

if TYPE_CHECKING:
    from rich.console import Group, JustifyMethod, RenderableType
    from rich.table import Table
    from rich.text import Text

COLUMNS = (
    ("", 13),
    ("change", 6),
    ("[95 %]", 16),
    ("p", 6),
    ("fixed", 5),
    ("broken", 6),
    ("still bad", 9),
    ("fine", 5),
    ("seen", 5),
)
NOTE = (
    "p: Holm-corrected. seen: the smallest true change that this many prompts show 4 times in 5. "
    "The verdict asks for all its criteria at once, so it goes by the intervals as they are."
)
AGREEMENT_NOTE = (
    "p: that the second judge faults a larger share than of the baseline's (one-sided; Holm-corrected over all "
    "stages and measures). A real improvement makes this share fall."
)


def render_overview(found: Overview) -> "Group":
    """Each pipeline's verdict, table, changes and retention, then the pipelines against each other."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for view in found.pipelines:
        parts += [*_pipeline(view), Text()]
    if found.between:
        parts += [
            Text("Pipelines against each other", "bold"),
            changes_blocks(found.between),
            Text(),
        ]
        for texts in found.texts_between:
            parts += [render_texts_between(texts), Text()]
    return Group(*parts, Text(NOTE, "dim"))


def _pipeline(view: PipelineView) -> list["RenderableType"]:
    from rich.text import Text

    stored = view.stored
    remarks = [
        *retention_sentences(view.retention),
        *map(shift_sentence, view.stored.preference_shifts),
        *(f"! {warning}" for warning in stored.document["warnings"]),
    ]
    second: list[RenderableType] = []
    if stored.second is not None:
        second = [Text(), render_second_judge(stored.second, view.judges)]
    return [
        Text(f"{stored.name} · {stored.recipe} · seed {stored.seed}", "dim"),
        render_comparison(stored.models, view.verdict, view.changes),
        *second,
        Text(),
        changes_blocks(view.changes),
        Text(),
        render_texts(view.texts),
        *([Text()] if remarks else []),
        *(Text(remark) for remark in remarks),
    ]


def render_second_judge(second: SecondOpinion, judges: Sequence[JudgesCompared]) -> "Group":
    """Where the training judge was fooled, the second judge's rates, and how far the two agree."""
    from rich.console import Group
    from rich.text import Text

    rows = comparison_rows(second.models, [each.by_second_judge for each in judges])
    styles = {Fooled.ONLY: "bold red", Fooled.PARTLY: "yellow"}
    alarms = [
        Text(f"✗ {each.sentence()}", styles[each.fooled])
        for each in judges
        if each.fooled is not Fooled.NO
    ]
    return Group(
        *alarms,
        Text(
            f"By the second judge: {second.origin}, fingerprint {second.fingerprint[:16]}", "bold"
        ),
        rates_table([model.name for model in second.models], rows),
        *_judges_tables(judges),
        Text(AGREEMENT_NOTE, "dim"),
        *(Text(f"! {warning}") for warning in second.warnings),
    )


def _judges_tables(judges: Sequence[JudgesCompared]) -> Iterator["RenderableType"]:
    """How often the judges agree, and what the second faults of what the first passes."""
    from rich.table import Table
    from rich.text import Text

    names = [judges[0].before, *dict.fromkeys(each.after for each in judges)]
    measures = dict.fromkeys(each.measure for each in judges)
    of = {name: [each for each in judges if each.measure == name] for name in measures}
    for title, cells_of in (
        ("The two judges agree on", _agreed_cells),
        ("Of the answers that the training judge passes, the second judge faults", _faulted_cells),
    ):
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column("", no_wrap=True)
        for name in (*names, "p" if cells_of is _faulted_cells else ""):
            table.add_column(name, justify="right", no_wrap=True)
        for measure in measures:
            table.add_row(measure, *cells_of(of[measure]))
        yield Text(title, "bold")
        yield table


def _agreed_cells(of_measure: Sequence[JudgesCompared]) -> list[str]:
    """Of each model."""
    later = [each.agreement_after for each in of_measure]
    return [percent(each.rate) for each in (of_measure[0].agreement_before, *later)]


def _faulted_cells(of_measure: Sequence[JudgesCompared]) -> list[str]:
    """Of each model, then the least p-value of the stages."""
    later = [each.passed_after for each in of_measure]
    shares = [share_words(each) for each in (of_measure[0].passed_before, *later)]
    return [*shares, p_words(min(each.p_holm for each in of_measure))]


def changes_blocks(changes: Sequence[CorrectedChange]) -> "Group":
    """One block per pair of models, one line per measure; blocks are aligned with each other."""
    from rich.console import Group
    from rich.text import Text

    blocks = groupby(changes, lambda found: (found.change.before, found.change.after))
    parts: list[RenderableType] = []
    for (before, after), block in blocks:
        parts += [Text(f"{before} → {after}", "bold"), _block(block)]
    return Group(*parts)


def _block(block: Iterable[CorrectedChange]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for title, width in COLUMNS:
        justify: JustifyMethod = "right" if title else "left"
        table.add_column(Text(title, "dim"), justify=justify, no_wrap=True, min_width=width)
    for found in block:
        table.add_row(*_cells(found))
    return table


def retention_sentences(found: Sequence[Retention]) -> list[str]:
    """One sentence per stage that could lose what stages before it had gained."""
    sentences = []
    for (before, after), block in groupby(found, lambda r: (r.before, r.after)):
        parts = [
            f"{retained.measure} {retained.kept} of {retained.gained} ({percent(retained.share)})"
            for retained in block
            if retained.share is not None
        ]
        gains = "; ".join(parts) if parts else f"{before} had fixed nothing that could be lost"
        sentences.append(f"Fixed by {before} and still fine after {after}: {gains}.")
    return sentences


def shift_sentence(pairs: PreferenceShift) -> str:
    """The preference shift on a stage's training pairs, or what is left of it after a later stage, in one sentence."""
    parts = [
        f"{maxim} {signed(rho)}" for maxim, rho in pairs.correlations().items() if rho is not None
    ]
    correlations = f"; rank correlation of data margin and reward margin: {', '.join(parts)}"
    share, num_pairs = percent(pairs.accuracy), f"{len(pairs.rows):,}"
    moved = (
        f"{pairs.stage} moved towards the chosen response in {share} of {num_pairs} training pairs"
        if pairs.after == pairs.stage
        else f"After {pairs.after}, {share} of the {num_pairs} training pairs of {pairs.stage} lean more "
        "towards the chosen response than before that stage"
    )
    return f"{moved}{correlations if parts else ''}."


def _cells(found: CorrectedChange) -> list["str | Text"]:
    from rich.text import Text

    moved = found.change.transitions
    counts = (moved.fixed, moved.broken, moved.still_violated, moved.still_fine)
    smallest = "–" if found.detectable is None else f"{100 * found.detectable:.1f}"
    p_value = "<0.001" if found.p_holm < 0.001 else f"{found.p_holm:.3f}"
    return [
        f"  {found.change.measure}",
        *change_cells(found),
        Text(p_value, change_style(found)),
        *(f"{count:,}" for count in counts),
        smallest,
    ]
