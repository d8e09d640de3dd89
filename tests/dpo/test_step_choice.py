"""Which step is kept, by arithmetic on what held-out pairs say."""

import numpy as np
import pytest

from grice_core.dpo.step_choice import FEW, Look, StepChoice, StepRule
from grice_core.maxims import MAXIMS, Maxim
from grice_core.store.json_text import dump_json, load_json
from tests.dpo import tiny

MANNER = tiny.stage(weights={"manner": 1}, keep="best", stop_when_retention_lost=True)
TOLD = 40
"""Pairs that clearly differ on each maxim."""


def look(step, nats=1.0, accuracies=None, **gains):
    """Nothing gained on a maxim that isn't named; where something is lost, most pairs have turned."""
    watched = {}
    for maxim in MAXIMS:
        gain = gains.get(maxim, 0.0)
        accuracy = (accuracies or {}).get(maxim, 0.5 + 0.3 * float(np.sign(gain)))
        watched[f"heldout/gains/{maxim}"] = gain
        watched[f"heldout/accuracies/{maxim}"] = accuracy
        watched[f"heldout/nats/{maxim}"] = nats * float(np.sign(accuracy - 0.5))
    return Look(step, watched)


def rule(config=MANNER, **counts):
    return StepRule.of_counts(
        config, {"heldout": {maxim: counts.get(maxim, TOLD) for maxim in MAXIMS}}
    )


def kept(*looks, **how):
    return rule(**how).choice(looks, looks[-1].step, 100).step


def test_the_step_that_teaches_the_stages_maxims_best_is_kept():
    assert kept(look(10, manner=0.1), look(20, manner=0.3), look(30, manner=0.2)) == 20


STAYED = dict.fromkeys(MAXIMS, 0.5)
"""As many pairs went the one way as the other."""


def test_what_is_lost_on_other_maxims_counts_against_it():
    few_turn = {"accuracies": STAYED}
    # 0.3 − 0.05 − 0.1 against 0.2: none of the maxims has turned around.
    assert (
        kept(look(10, manner=0.2), look(20, manner=0.3, quantity=-0.05, relation=-0.1, **few_turn))
        == 10
    )
    assert kept(look(10, manner=0.2), look(20, manner=0.3, quantity=-0.05, **few_turn)) == 20
    # What is gained on other maxims makes up for nothing …
    assert kept(look(10, manner=0.2), look(20, manner=0.19, quantity=0.4)) == 10
    # … but decides among equals, and so does the earlier step.
    assert kept(look(10, manner=0.2), look(20, manner=0.2, quantity=0.1)) == 20
    assert kept(look(10, manner=0.2), look(20, manner=0.2)) == 10


def test_trained_maxims_count_by_their_weights():
    config = tiny.stage(weights={"quantity": 3, "relation": 1}, keep="best")
    assert kept(look(10, relation=0.4), look(20, quantity=0.15), config=config) == 20
    assert kept(look(10, relation=0.4), look(20, quantity=0.1), config=config) == 10


@pytest.mark.parametrize(
    ("accuracies", "nats", "lost"),
    [
        ({"quantity": 0.3}, 0.6, ["quantity"]),
        ({"quantity": 0.3, "relation": 0.2}, 0.6, ["quantity", "relation"]),
        ({"quantity": 0.42}, 0.6, []),  # most pairs stayed, or turned by chance
        ({"quantity": 0.3}, 0.4, []),  # by next to nothing
        ({"manner": 0.1}, 0.6, []),  # which is learned badly, not lost
    ],
)
def test_retention_is_lost_where_most_pairs_turn_by_enough_and_not_by_chance(
    accuracies, nats, lost
):
    turned = look(10, nats, accuracies)
    assert list(rule().candidate(turned).lost) == lost
    assert rule().has_ended([look(5), turned]) == bool(lost)


def test_few_pairs_that_turn_may_be_chance():
    def found(num_clear, accuracy):
        return rule(quantity=num_clear).candidate(look(10, accuracies={"quantity": accuracy}))

    # Three of ten: 20 points below 50 %, of which chance explains 31.
    assert found(FEW, 0.3).lost == ()
    assert found(FEW, 0.1).lost == (Maxim.QUANTITY,)
    assert found(FEW - 1, 0.0).lost == ()
    assert Maxim.QUANTITY not in found(FEW - 1, 0.0).gains


def test_a_step_that_lost_retention_is_kept_only_if_all_did():
    lost, retained = look(20, manner=0.6, quantity=-0.1), look(10, manner=0.01)
    assert kept(retained, lost) == 10
    choice = rule().choice([lost, look(30, manner=0.6, quantity=-0.2)], 30, 100)
    assert choice.step == 20
    assert choice.said[-1].endswith("; all of them had lost retention")


def test_no_candidate_beats_the_one_that_is_kept_on_all_maxims():
    draw = np.random.default_rng(0)
    for _ in range(50):
        looks = [
            look(step, 0.1, **dict(zip(MAXIMS, draw.integers(-1, 5, 4) / 10, strict=True)))
            for step in range(10, 60, 10)
        ]
        choice = rule().choice(looks, 50, 100)
        front = {each.step for each in choice.candidates if each.on_front}
        assert choice.step in front


def test_groups_of_held_out_pairs_count_by_their_pairs():
    means = {"heldout": 0.4, "retention/stage1": 0.0}
    watched = {
        f"{group}/{name}/{maxim}": value
        for group, value in means.items()
        for name in ("accuracies", "gains", "nats")
        for maxim in MAXIMS
    }
    counts = {"heldout": dict.fromkeys(MAXIMS, 30), "retention/stage1": dict.fromkeys(MAXIMS, 10)}
    found = StepRule.of_counts(MANNER, counts).candidate(Look(10, watched))
    assert found.gains[Maxim.MANNER] == found.accuracies[Maxim.MANNER] == pytest.approx(0.3)
    assert found.score == pytest.approx(0.3)


def test_pairs_are_counted_where_their_data_margin_is_clear():
    examples = tiny.examples(4, num_heldout=20)
    examples.margins[4:, 3] = [0.1, 0.11, -0.11, -0.1] * 5
    assert StepRule.of(MANNER, examples).num_clear[Maxim.MANNER] == 10


def test_the_last_step_is_kept_where_no_pairs_say_which():
    choice = rule(manner=FEW - 1).choice([look(10, manner=0.4), look(20)], 20, 20)
    assert choice.step == 20
    assert choice.said == (
        "step 20 is kept, the last one: fewer than 10 held-out pairs differ clearly on manner, too few to "
        "choose by",
    )


def test_it_says_why_a_stage_was_stopped_and_what_was_kept():
    turned = {Maxim.MANNER: 0.8, Maxim.QUANTITY: 0.25}
    looks = [look(10, manner=0.2), look(20, 0.8, turned, manner=0.3, quantity=-0.1)]
    choice = rule(quality=0).choice(looks, 20, 44)
    assert choice.is_stopped
    assert choice.said == (
        "stopped after step 20, since retention is lost on quantity (75 % of 40 held-out pairs lean less towards "
        "the better response than before the stage, by 0.8 nats on average)",
        "step 10 of 44 is kept, the best of 2 looks at held-out pairs (moved the data's way: quantity 50.0 % of "
        "40, relation 50.0 % of 40, manner 80.0 % of 40)",
    )


def test_a_choice_survives_json():
    choice = rule().choice([look(10, manner=0.2), look(20, quantity=-0.1)], 20, 44)
    # The database's writer refuses keys that only look like text.
    assert StepChoice.read(load_json(dump_json(choice.document()))) == choice
