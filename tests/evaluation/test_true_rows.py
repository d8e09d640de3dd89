"""What gold labels correct, in every place that shows it: rows, report, card."""

from pathlib import Path

import pytest

from grice_core.evaluation.corrected_card import corrected_card
from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.overview import PipelineView
from grice_core.evaluation.report import html_report
from grice_core.evaluation.true_rates import TrueFigure, TrueRates
from grice_core.evaluation.true_rows import true_rows
from grice_core.evaluation.verdict import State
from grice_core.evaluation.violations import MEASURES
from tests.evaluation.pipelines import three_models, view_of

NAMES = ["baseline", "stage1", "stage2"]
CARD = "# Card\n\n## Results\n\nVerdict: met.\n\n### Length and diversity\n\nwords\n"


AROUND_ZERO = Interval(-0.3, 0.1)


def by_labels(change: Interval | None = AROUND_ZERO):
    """60 labels of the baseline and the last stage; none of stage 1."""
    rate = TrueFigure(0.125, Interval(0.05, 0.2), 0.0, 1.0, 30)
    of_change = change and TrueFigure(-0.1, change, 0.0, 1.0, 30)
    return TrueRates(
        num_judgements=60,
        rates={name: dict.fromkeys(MEASURES, rate) for name in ("baseline", "stage2")},
        changes=dict.fromkeys(MEASURES, of_change) if of_change else {},
        state=State.UNDECIDED,
    )


TOO_FEW = TrueRates(num_judgements=4, rates={}, changes={}, state=None)


@pytest.fixture
def view(tmp_path: Path) -> PipelineView:
    return view_of(tmp_path / "out", *three_models())


def test_a_row_per_measure_with_a_dash_where_there_are_too_few_labels():
    rows = true_rows(by_labels(), NAMES)
    assert [row.measure for row in rows] == list(MEASURES)
    assert rows[0].words() == [
        ("12.5 %", "[5.0, 20.0]"),
        ("–", ""),
        ("12.5 %", "[5.0, 20.0]"),
        ("−10.0", "[−30.0, +10.0]"),
    ]
    assert true_rows(by_labels(change=None), NAMES)[0].words()[-1] == ("–", "")
    assert true_rows(TOO_FEW, NAMES) == []


def test_a_change_is_coloured_where_its_whole_interval_says_so():
    def colours(change: Interval) -> tuple[str, str]:
        *maxims, cooperative = (row.colour for row in true_rows(by_labels(change), NAMES))
        (of_maxims,) = set(maxims)
        return of_maxims, cooperative

    assert colours(Interval(-0.3, 0.1)) == ("", "")
    assert colours(Interval(-0.3, -0.1)) == ("green", "red")  # less cooperative is worse
    assert colours(Interval(0.1, 0.3)) == ("red", "green")


def test_the_report_says_what_the_verdict_rests_on_and_shows_the_corrected_rates(view):
    page = html_report(view, "Bridges", ["#000"] * 3, by_labels())
    assert f"Verdict: {view.verdict.state} by the detector; with 60 judgements: undecided." in page
    table = page.partition("<h3>Corrected by 60 judgements</h3>")[2].partition("</table>")[0]
    assert table.count("<tr>") == 1 + 5
    assert table.count("12.5 %<small>[5.0, 20.0]</small>") == 2 * 5
    assert table.count("−10.0<small>[−30.0, +10.0]</small>") == 5
    assert "Prediction-powered" in page
    assert "judgements" not in html_report(view, "Bridges", ["#000"] * 3)


def test_the_report_says_when_judgements_are_too_few_to_correct_anything(view):
    page = html_report(view, "Bridges", ["#000"] * 3, TOO_FEW)
    assert "with 4 judgements: too few" in page
    assert "Corrected by" not in page


def test_the_last_stages_card_says_what_the_verdict_rests_on_beside_its_rates(view):
    card = corrected_card(CARD, by_labels(), view.stored, "stage2")
    before, section = card.split("### Corrected by 60 judgements")
    section, after = section.split("### Length and diversity")
    assert before == "# Card\n\n## Results\n\nVerdict: met.\n\n"
    assert after == "\n\nwords\n"
    assert "by the detector; with 60 judgements: undecided." in section
    assert "|  | baseline | stage2 | change |" in section
    assert "| manner | 12.5 % [5.0, 20.0] | 12.5 % [5.0, 20.0] | −10.0 [−30.0, +10.0] |" in section


def test_an_earlier_stages_card_has_its_own_models_rates_and_no_verdict(view):
    card = corrected_card(CARD, by_labels(), view.stored, "stage1")
    assert "|  | baseline |\n|---|---:|\n" in card
    assert "by the detector; with" not in card
    assert corrected_card(CARD, TOO_FEW, view.stored, "stage1") == CARD


def test_a_card_without_lengths_ends_with_what_labels_correct(view):
    card = corrected_card("# Card\n", TOO_FEW, view.stored, "stage2")
    assert card.startswith("# Card\n\n### Corrected by 4 judgements\n\nVerdict: ")
    assert card.endswith("every model.\n")
