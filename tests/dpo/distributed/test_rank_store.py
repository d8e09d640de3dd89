import socket
from dataclasses import replace

import pytest
from torch.distributed import DistError

from grice_core.dpo.distributed.rank_store import GONE_AFTER_S, Pulse, RankStore


@pytest.fixture
def ranks():
    first = RankStore.on_this_machine(2)
    return first, RankStore(replace(first.place, index=1))


def test_what_one_rank_says_the_others_hear_however_long_it_is(ranks):
    first, other = ranks
    assert not other.has("work")
    said = {"long": b"x" * (9 << 20), "empty": None}
    first.put("work", said)
    while not other.has("work"):
        pass
    assert other.get("work") == said
    other.forget("work")
    assert not other.has("work")


def test_no_other_machine_reaches_the_store_of_our_own_processes(ranks):
    port = ranks[0].place.port
    with socket.create_connection(("127.0.0.1", port)):
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port))


def test_a_rank_notices_that_the_first_one_is_gone():
    first = RankStore.on_this_machine(2)
    other = RankStore(replace(first.place, index=1))
    del first
    with pytest.raises(DistError):
        other.has("work")


def test_heartbeats_are_counted_while_a_rank_is_at_work(ranks):
    first, other = ranks
    assert first.num_beats(1) == 0
    with other.beating():
        while first.num_beats(1) == 0:
            pass
    assert first.num_beats(0) == 0


def test_a_rank_is_gone_when_its_heart_has_stood_still_for_long():
    pulse = Pulse()
    assert not pulse.is_gone(0, now=1000.0)  # not begun
    assert not pulse.is_gone(1, now=2000.0)
    assert not pulse.is_gone(1, now=2000.0 + GONE_AFTER_S)
    assert pulse.is_gone(1, now=2001.0 + GONE_AFTER_S)
    assert not pulse.is_gone(2, now=2001.0 + GONE_AFTER_S)
