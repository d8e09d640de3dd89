"""docs/python.md, run from top to bottom as a notebook would."""

import re
from pathlib import Path
from typing import Any

import pytest

from grice_core.settings import settings

PAGE = Path(__file__).parents[1] / "docs" / "python.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page writes."""
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def notebook(folder: Path) -> dict[str, Any]:
    """What the page's names stand for when all of it has run."""
    page = PAGE.read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("GRICE_HOME", str(folder / "home"))
        settings.cache_clear()
        for block in re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
            exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 - our own page
    settings.cache_clear()
    return names


def test_the_page_ends_in_a_paired_interval_around_each_change(notebook: dict[str, Any]) -> None:
    changes = notebook["changes"]
    assert set(zip(changes["before"], changes["after"], strict=True)) == {
        ("baseline", "stage1"),
        ("baseline", "stage2"),
        ("stage1", "stage2"),
    }
    assert (changes["low"] <= changes["change"]).all()
    assert (changes["change"] <= changes["high"]).all()
    # Six steps are enough to see something.
    assert (changes.query("measure == 'cooperative' and after == 'stage1'")["low"] > 0).all()


def test_a_stage_by_hand_lowers_the_loss_of_pairs_that_it_does_not_train_on(
    notebook: dict[str, Any],
) -> None:
    outcome = notebook["outcome"]
    assert outcome.num_steps == 3
    assert outcome.after["heldout/loss"] < outcome.before["heldout/loss"]


def test_frames_hold_what_the_files_hold(notebook: dict[str, Any], folder: Path) -> None:
    frames, models = notebook["grice"].frames, notebook["evaluation"].models
    unscored, scored = frames.pairs(notebook["pairs"].table), frames.pairs(notebook["table"])
    assert len(scored) == len(unscored) == 120
    assert unscored["margin_manner"].isna().all()
    margins = scored["rejected_manner"] - scored["chosen_manner"]
    assert (scored["margin_manner"] == margins).all()
    assert list(frames.history(folder / "out" / "stage1").index) == [1, 2, 3, 4, 5, 6]
    assert len(frames.responses(models)) == 3 * 40
    rates = frames.rates(models)
    assert (rates["count"] / rates["num_responses"] == rates["rate"]).all()
    assert rates["rate"].between(rates["low"], rates["high"]).all()


def test_frames_of_stages_count_every_pair_once(notebook: dict[str, Any]) -> None:
    frames, stages = notebook["grice"].frames, notebook["stages"]
    counts = frames.stages(stages)
    assert (counts[["train", "heldout", "dropped"]].sum(axis="columns") == 120).all()
    dropped = frames.drop_reasons(stages).groupby("stage")["pairs"].sum()
    assert list(dropped) == list(counts["dropped"])
