"""What is said of answers beside their rates, and how it is shown."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from grice_core import frames
from grice_core.evaluation.answers import AnswerJournal
from grice_core.evaluation.exports import comparison_latex
from grice_core.evaluation.report import html_report
from grice_core.evaluation.results import generations_jsonl
from grice_core.evaluation.stored import read_evaluation
from grice_core.evaluation.text_exports import (
    TEXT_CSV_COLUMNS,
    render_texts,
    texts_csv,
    texts_latex,
    texts_markdown,
)
from grice_core.evaluation.text_rows import change_rows, figure_rows, text_notes
from grice_core.evaluation.texts import TextMeasure, compare_texts, texts_between
from grice_core.evaluation.violations import EvaluatedModel
from tests.evaluation.folders import evaluated_folder
from tests.evaluation.judged import judged
from tests.evaluation.pipelines import view_of

NUM = 40
LONG = [f"the old bridge number {i} was built of steel and of stone" for i in range(NUM)]
BRIEF = [f"bridge {i}" for i in range(NUM)]
LOOP = [f"number {i} is old is old is old" for i in range(NUM // 2)]


def model(name: str, responses: list[str], violations: list[str], cut: int = 0) -> EvaluatedModel:
    made = judged(name, violations)
    tokens = np.array([len(text.split()) + 1 for text in responses])
    return replace(made, responses=responses, cut=frozenset(range(cut)), tokens=tokens)


@pytest.fixture(scope="module")
def models() -> tuple[EvaluatedModel, ...]:
    """Long answers; half of them in loops, of which ten are cut; brief ones, of which four are empty."""
    return (
        model("baseline", LONG, ["q"] * 20 + ["-"] * 20),
        model("stage1", LOOP + LONG[NUM // 2 :], ["q"] * 10 + ["-"] * 30, cut=10),
        model("stage2", [""] * 4 + BRIEF[4:], ["-"] * NUM),
    )


def values(found, measure: TextMeasure) -> list[float]:
    return [figure.value for figure in found.figures[measure]]


def test_each_model_is_measured(models: tuple[EvaluatedModel, ...]) -> None:
    found = compare_texts(models)
    assert values(found, TextMeasure.WORDS) == [12.0, 10.0, 1.8]
    assert values(found, TextMeasure.TOKENS) == [13.0, 11.0, 2.8]
    assert values(found, TextMeasure.ENDED) == [1.0, 0.75, 1.0]
    assert values(found, TextMeasure.EMPTY) == [0.0, 0.0, 0.1]
    assert values(found, TextMeasure.REPETITIVE) == [0.0, 0.5, 0.0]
    assert values(found, TextMeasure.DISTINCT_1) == sorted(values(found, TextMeasure.DISTINCT_1))


def test_changes_are_paired_from_the_baseline_and_from_the_stage_before(
    models: tuple[EvaluatedModel, ...],
) -> None:
    found = compare_texts(models)
    assert [(of.before, of.after) for of in found.changes] == [
        ("baseline", "stage1"),
        ("baseline", "stage2"),
        ("stage1", "stage2"),
    ]
    first = found.changes[0]
    assert first.changes[TextMeasure.WORDS].value == -2.0
    assert first.quantity.value == -0.25
    # All differences are −4 or 0, twenty times each.
    error = np.std([-4.0, 0.0] * 20, ddof=1) / np.sqrt(40)
    interval = first.changes[TextMeasure.WORDS].interval
    assert interval is not None
    assert interval.high - interval.low == pytest.approx(2 * 2.0227 * error, rel=1e-4)
    assert found.changes[1].quantity_at_equal_length.change is None  # none as long as before


def test_distinct_n_is_compared_at_as_many_words_from_every_model(
    models: tuple[EvaluatedModel, ...],
) -> None:
    found = compare_texts(models)
    fewest = 2 * (NUM - 4)  # of stage 2; without a prompt two less
    assert found.num_drawn == {TextMeasure.DISTINCT_1: fewest - 2}  # and too few pairs of words
    assert "Distinct-n: different ones among 70 words" in " ".join(text_notes(found))
    empty = model("stage1", [""] * NUM, ["-"] * NUM)
    assert "Too few words to compare" in " ".join(text_notes(compare_texts([models[0], empty])))


def test_what_an_older_version_did_not_count_is_said_to_be_missing() -> None:
    old = [judged("baseline", ["-"] * 3), judged("stage1", ["-"] * 3)]
    found = compare_texts(old)
    assert found.unknown == [TextMeasure.TOKENS, TextMeasure.ENDED]
    assert "tokens per answer" not in [row.title for row in figure_rows(found)]
    assert "Not known: tokens per answer and ended by end-of-text" in " ".join(text_notes(found))


def test_one_prompt_has_figures_without_intervals_of_means() -> None:
    found = compare_texts([judged("baseline", ["-"]), judged("stage1", ["q"])])
    words = figure_rows(found)[0]
    assert [(cell.text, cell.interval) for cell in words.cells] == [("2.0", ""), ("2.0", "")]


def test_pipelines_are_compared_on_the_prompts_that_both_answered() -> None:
    one = judged("stage2", ["-"] * 4, ["a", "b", "c", "d"])
    other = judged("stage1", ["q"] * 3, ["d", "x", "b"])
    found = texts_between(("first", one), ("second", other))
    assert (found.models, found.num_prompts) == (("first: stage2", "second: stage1"), 2)


def test_tokens_are_known_after_an_interruption_and_in_the_files(
    tmp_path: Path, models: tuple[EvaluatedModel, ...]
) -> None:
    with AnswerJournal(tmp_path / "answers", "key") as journal:
        journal.of("stage1").keep_responses({0: "a", 1: "b c"}, tokens={0: 1, 1: 2})
    with AnswerJournal(tmp_path / "answers", "key") as journal:
        assert journal.of("stage1").tokens == {0: 1, 1: 2}
    stored = read_evaluation(evaluated_folder(tmp_path / "out", *models))
    assert [of.tokens.tolist() for of in stored.models] == [of.tokens.tolist() for of in models]
    assert stored.document["texts"]["figures"]["words"][0]["value"] == 12.0
    assert '"tokens"' not in generations_jsonl([judged("baseline", ["-"])])


@pytest.mark.parametrize("width", [80, 140])
def test_the_terminal_shows_all_of_it(models: tuple[EvaluatedModel, ...], width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(render_texts(compare_texts(models)))
    shown = " ".join(console.export_text().split())
    for told in (
        "ended by end-of-text",
        "−25.0",
        "[−38.1, −9.5]",
        "stage1 →",
        "−10.2",
    ):
        assert told in shown
    assert "…" not in shown


def test_csv_and_frame_have_a_line_per_figure_and_change(
    models: tuple[EvaluatedModel, ...],
) -> None:
    found = compare_texts(models)
    lines = list(csv.DictReader(io.StringIO(texts_csv(found))))
    assert tuple(lines[0]) == TEXT_CSV_COLUMNS
    frame = frames.texts(models)
    assert len(frame) == len(lines)
    at_equal = frame[frame.measure == "quantity at equal length"]
    assert at_equal[["before", "model"]].to_numpy().tolist() == [["baseline", "stage1"]]
    assert frame[frame.measure == "words"].value.tolist()[:3] == [12.0, 10.0, 1.8]


def test_documents_have_the_same_rows(tmp_path: Path, models: tuple[EvaluatedModel, ...]) -> None:
    view = view_of(tmp_path / "out", *models)
    titles = [row.title for row in (*figure_rows(view.texts), *change_rows(view.texts))]
    markdown, page = texts_markdown(view.texts), html_report(view, "Bridges", ("#000",) * 3)
    for title in titles:
        assert f"| {title} | " in markdown
        assert f"<td>{title}</td>" in page
    assert {line.count("|") for line in markdown.splitlines() if line.startswith("|")} == {5}


def test_latex_is_escaped_and_has_cells_as_columns(
    tmp_path: Path, models: tuple[EvaluatedModel, ...]
) -> None:
    view = view_of(tmp_path / "out", *models)
    text = texts_latex(view.texts)
    assert text.count("\\begin{tabular}{lrrr}") == 2
    assert r"baseline $\to$ stage1" in text
    assert not set("−→…–") & set(text)
    assert text.count("{") == text.count("}")
    assert comparison_latex(view).count("\\midrule") == 2
