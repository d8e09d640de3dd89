"""The best of a prompt's answers against the worst, on the maxims that the stage trains."""

import numpy as np
import pytest

from grice_core.recipes.samples import SampleSettings
from grice_core.rounds.pairing import ALIKE, SIDE_EFFECT, UNFINISHED, JudgedAnswers, choose_pairs

ALL = np.array([1.0, 1.0, 1.0, 1.0])
MANNER = np.array([0.0, 0.0, 0.0, 1.0])
SETTINGS = SampleSettings(k=3, min_gain=0.1, max_loss=0.1)

GOOD = (0.1, 0.1, 0.1, 0.1)
BAD = (0.9, 0.1, 0.9, 0.1)
WORST = (0.9, 0.9, 0.9, 0.9)


def choose(answers, weights=ALL, finished=None, empty=None):
    scores = np.array(answers)
    ended = np.ones(scores.shape[:2], dtype=bool) if finished is None else np.array(finished)
    wordless = np.zeros_like(ended) if empty is None else np.array(empty)
    return choose_pairs(JudgedAnswers(scores, ended, wordless), weights, SETTINGS)


def test_the_best_is_chosen_and_the_worst_rejected():
    found = choose([[BAD, WORST, GOOD], [GOOD, BAD, BAD]])
    assert found.prompts.tolist() == [0, 1]
    assert found.chosen.tolist() == [2, 0]
    assert found.rejected.tolist() == [1, 1]


def test_only_the_maxims_of_the_stage_say_which_is_best():
    plain, wordy = (0.1, 0.1, 0.1, 0.2), (0.1, 0.1, 0.1, 0.8)
    found = choose([[wordy, plain, GOOD]], MANNER)
    assert (found.chosen[0], found.rejected[0]) == (2, 0)


def test_better_on_manner_must_not_be_worse_on_the_rest():
    """The clearest answer is beside the point, so the next clearest is chosen."""
    clear_but_beside = (0.1, 0.1, 0.9, 0.0)
    clear, muddled = (0.1, 0.1, 0.1, 0.3), (0.1, 0.1, 0.15, 0.9)
    found = choose([[clear_but_beside, clear, muddled]], MANNER)
    assert (found.chosen[0], found.rejected[0]) == (1, 2)


def test_an_unfinished_answer_is_never_chosen():
    found = choose([[GOOD, BAD, WORST]], finished=[[False, True, True]])
    assert (found.chosen[0], found.rejected[0]) == (1, 2)


def test_an_unfinished_answer_may_be_rejected():
    """Else nothing would be learned against answers that don't end."""
    found = choose([[GOOD, BAD, WORST]], finished=[[True, True, False]])
    assert (found.chosen[0], found.rejected[0]) == (0, 2)


@pytest.mark.parametrize(("empty", "pair"), [(0, (1, 2)), (2, (0, 1))])
def test_an_answer_without_a_word_stands_in_no_pair(empty, pair):
    found = choose([[GOOD, BAD, WORST]], empty=[[number == empty for number in range(3)]])
    assert (found.chosen[0], found.rejected[0]) == pair


def test_every_prompt_without_a_pair_has_one_reason():
    found = choose(
        [
            [GOOD, WORST, WORST],  # a pair
            [GOOD, WORST, WORST],  # none of which is finished
            [GOOD, GOOD, GOOD],
            [(0.9, 0.1, 0.1, 0.1), (0.1, 0.1, 0.1, 0.9), (0.9, 0.1, 0.1, 0.1)],
        ],
        MANNER,
        finished=[[True] * 3, [False] * 3, [True] * 3, [True] * 3],
    )
    assert found.prompts.tolist() == [0]
    assert found.dropped == {UNFINISHED: 1, ALIKE: 1, SIDE_EFFECT: 1}


def test_many_prompts_are_paired_as_one_by_one():
    draw = np.random.default_rng(0)
    scores = draw.random((500, 24, 4))
    finished = draw.random((500, 24)) < 0.5
    found = choose(scores, MANNER, finished)
    singles = [choose(scores[i : i + 1], MANNER, finished[i : i + 1]) for i in range(500)]
    assert found.chosen.tolist() == [int(one.chosen[0]) for one in singles if len(one.chosen)]
    assert found.rejected.tolist() == [int(one.rejected[0]) for one in singles if len(one.rejected)]
