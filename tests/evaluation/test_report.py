"""The report as one page."""

import re
from pathlib import Path

from grice_core.evaluation.report import MAX_ANSWERS, html_report
from tests.evaluation.judged import judged
from tests.evaluation.pipelines import three_models, view_of

COLOURS = ("#7F7F7F", "#56B4E9", "#D55E00")


def test_says_the_verdict_and_every_rate(tmp_path: Path) -> None:
    view = view_of(tmp_path / "out", *three_models())
    page = html_report(view, "Bridges", COLOURS)
    assert view.verdict.sentence in page
    assert page.count("<h3>") == 3  # baseline → stage1, baseline → stage2, stage1 → stage2
    assert "66.7 %" in page
    assert page.count("<circle") == 5 * 3


def test_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = html_report(view_of(tmp_path / "out", *three_models()), "Bridges", COLOURS)
    assert not re.search(r"<script|<link|<img|https?://|url\(", page)
    assert "default-src 'none'" in page


def test_foreign_text_stays_text(tmp_path: Path) -> None:
    prompts = ["<script>alert(1)</script> $title"]
    models = judged("baseline", ["r"], prompts), judged("stage1", ["-"], prompts)
    page = html_report(view_of(tmp_path / "out", *models), "<b>mine</b>", COLOURS[:2])
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; $title" in page
    assert "<title>&lt;b&gt;mine&lt;/b&gt;</title>" in page


def test_stays_below_five_megabytes(tmp_path: Path) -> None:
    prompts = [f"{i} " + "word " * 5_000 for i in range(MAX_ANSWERS + 1)]
    models = [judged(name, ["r"] * len(prompts), prompts) for name in ("baseline", "stage1")]
    page = html_report(view_of(tmp_path / "out", *models), "Long", COLOURS[:2])
    assert len(page.encode()) < 5_000_000
    assert page.count('class="answers"') == MAX_ANSWERS
