"""Rounds end when held-out answers no longer get better, or get worse in a way that the judge may not see."""

from dataclasses import replace

import pytest

from grice_core.rounds.stopping import RoundCheck
from tests.evaluation.judged import judged

NUM = 200


def model(num_bad, cut=0):
    """`NUM` answers, of which the first violate a maxim, and the last were cut."""
    found = judged("model", ["m"] * num_bad + ["-"] * (NUM - num_bad))
    return replace(found, cut=frozenset(range(NUM - cut, NUM)))


def end_of(before, after, second=None):
    end = RoundCheck.of(before, after, second).end
    return None if end is None else (end.rule, end.keeps_round)


def test_a_round_that_helps_is_followed_by_another():
    assert end_of(model(60), model(30)) is None


@pytest.mark.parametrize(("num_bad", "keeps"), [(58, True), (60, False), (62, False)])
def test_a_gain_that_is_not_told_from_zero_ends_them(num_bad, keeps):
    """The round is kept if the judge leans its way at all."""
    assert end_of(model(60), model(num_bad)) == ("gain", keeps)


def test_answers_that_do_not_end_outweigh_a_gain():
    assert end_of(model(60), model(20, cut=14)) == ("unfinished", False)


def test_the_second_judge_must_see_the_gain_too():
    blind = model(60), model(60)
    assert end_of(model(60), model(55), blind)[1] is False
    sees = model(60), model(30)
    assert end_of(model(60), model(30), sees) is None


def test_judges_that_agree_less_end_them():
    """Both see a gain, but on answers of which the other says otherwise."""
    before = judged("model", ["m"] * 100 + ["-"] * 100)
    after = judged("model", ["-"] * 170 + ["m"] * 30)
    second_after = judged("model", ["m"] * 30 + ["-"] * 170)
    assert end_of(before, after, (before, second_after)) == ("agreement", False)


def test_the_figures_are_said_and_kept():
    check = RoundCheck.of(model(60), model(30, cut=1))
    assert check.sentence().startswith(
        "on 200 held-out prompts × 1 answers: cooperative +15.0 points ["
    )
    document = check.document()
    assert document["gain"]["before"] == pytest.approx(0.7)
    assert document["unfinished"]["after"] == pytest.approx(0.005)
    assert document["agreement"] is None
