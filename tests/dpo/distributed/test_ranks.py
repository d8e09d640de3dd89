import pytest

from grice_core.dpo.distributed.ranks import Ranks, shares
from grice_core.dpo.encode import EncodedPair
from tests.dpo import tiny


def pair(prompt, length):
    return EncodedPair(1, (prompt,), (2,) * length, (3,) * length)


def test_one_process_has_all_the_work():
    assert Ranks().own(tiny.encoded_pairs(4)) == [0, 1, 2, 3]
    assert Ranks().all_gather("all") == ["all"]


def test_every_pair_has_one_place_whatever_the_number_of_ranks():
    pairs = tiny.encoded_pairs(20)
    for count in (1, 2, 3, 7, 40):
        parts = shares(pairs, count)
        assert len(parts) == count
        assert sorted(position for part in parts for position in part) == list(range(20))


def test_a_prompt_stays_on_one_rank():
    pairs = [pair(1, 4), pair(2, 4), pair(1, 4), pair(3, 4)]
    assert shares(pairs, 2) == [[0, 2, 3], [1]]


def test_shares_are_of_about_as_many_tokens():
    pairs = [pair(number, 10) for number in range(4)] + [pair(9, 40)]
    assert shares(pairs, 2) == [[4], [0, 1, 2, 3]]


def test_shares_are_even_where_pairs_come_by_their_length():
    pairs = [pair(number, length) for number, length in enumerate((10, 15, 20, 25))]
    assert shares(pairs, 2) == [[0, 3], [1, 2]]


@pytest.mark.parametrize("count", [2, 3])
def test_fewer_prompts_than_ranks_leave_some_without_a_pair(count):
    parts = shares([pair(1, 3), pair(1, 5)], count)
    assert sorted(map(len, parts)) == [*[0] * (count - 1), 2]
    assert shares([], count) == [[]] * count
