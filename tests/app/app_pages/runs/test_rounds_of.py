"""Rounds as the page Runs shows them."""

import pytest

from app.app_pages.runs.round_figures import changes_figure, yield_figure
from app.app_pages.runs.rounds_of import Round, change_rows, rounds_of
from grice_core.recipes.load import load_recipe
from grice_core.store.tables import JsonObject, Run


def change(before: float, after: float, low: float, high: float) -> JsonObject:
    return {"before": before, "after": after, "interval": {"low": low, "high": high}}


SPEC: JsonObject = {
    "recipe": load_recipe("content-then-manner-own").model_dump(mode="json"),
    "seed": 0,
}
NOTED: JsonObject = {
    "sampled": {"num_prompts": 20, "num_pairs": 15, "dropped": {"answers too alike": 5}},
    "kept": {"num_train": 12, "num_heldout": 3, "dropped": {"manner": 2}},
    "check": {
        "num_prompts": 154,
        "samples_per_prompt": 8,
        "gain": change(0.7, 0.75, 0.02, 0.08),
        "second_gain": None,
        "agreement": None,
        "unfinished": change(0.01, 0.04, 0.01, 0.05),
    },
    "ended_by": {"rule": "unfinished", "sentence": "unfinished answers grow by +3.0"},
    "in_effect": False,
    "said": ["15 pairs", "the rounds end"],
}


def test_only_runs_that_are_rounds_count() -> None:
    chain = [
        Run(id=1, stage=None, result={"stages": []}),
        Run(id=2, stage="stage1", result=None),
        Run(id=3, stage="round1", result={"round": NOTED}, spec=SPEC),
    ]
    (found,) = rounds_of(chain)
    assert (found.run_id, found.title, found.place) == (3, "Round 1", "Round 1 of 3")


def test_more_unfinished_answers_are_bad_and_what_was_not_measured_is_left_out() -> None:
    assert [(row.measure, row.tone) for row in change_rows(NOTED)] == [
        ("cooperative", "good"),
        ("unfinished answers", "bad"),
    ]
    assert change_rows({"check": None}) == change_rows({}) == []


@pytest.mark.parametrize(
    ("noted", "end"),
    [
        (
            NOTED,
            "The rounds end here, and this one is left out: unfinished answers grow by +3.0",
        ),
        (NOTED | {"in_effect": True, "ended_by": None}, None),
        (
            {"in_effect": False, "said": ["not begun, since round1 ended the rounds: so"]},
            "not begun, since round1 ended the rounds: so",
        ),
        ({"said": ["15 pairs"]}, None),
    ],
)
def test_why_no_other_round_follows(noted: JsonObject, end: str | None) -> None:
    assert Round(3, "round1", noted, 1, 3).end == end


def test_the_last_round_that_the_recipe_asks_for_is_followed_by_none() -> None:
    last = Round(3, "round3", NOTED | {"in_effect": True, "ended_by": None}, 3, 3)
    assert last.end == "This round helped and counts. It is the last that the recipe asks for"


def test_the_pictures_show_every_prompt_and_every_change() -> None:
    rounds = [
        Round(3, "round1", NOTED, 1, 2),
        Round(4, "round2", NOTED | {"in_effect": True}, 2, 2),
    ]
    bars = yield_figure(rounds).data
    assert [bar.name for bar in bars] == ["a pair", "answers too alike"]
    assert [sum(bar.x[place] for bar in bars) for place in (0, 1)] == [20, 20]
    left_out, counts = changes_figure(rounds).data
    assert list(left_out.x) == pytest.approx([5.0, 3.0])
    assert (left_out.marker.symbol, counts.marker.symbol) == ("circle-open", "circle")
