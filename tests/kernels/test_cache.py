import pytest
import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicSlidingWindowLayer

from grice_core.kernels import cache as kernel
from grice_core.kernels.cache import RoomyLayer, can_join, join, kept_order, make_room
from grice_core.kernels.choice import plain_kernels


def read(rows, tokens, seed):
    """A cache of two layers that has read so many tokens of so many rows."""
    generator, found = torch.Generator().manual_seed(seed), DynamicCache()
    for layer in range(2):
        keys, values = torch.randn(2, rows, 3, tokens, 4, generator=generator)
        found.update(keys, values, layer)
    return found


def states(cache):
    return [(layer.keys.clone(), layer.values.clone()) for layer in cache.layers]


def used():
    """Tokens are added, rows leave, move, come twice and come, shorter and longer ones than are there."""
    cache = read(5, 6, seed=0)
    make_room(cache, 5)
    yield cache
    for layer in range(2):
        cache.update(*torch.ones(2, 5, 3, 2, 4), layer)
    yield cache
    for order in ([0, 4, 2], [1, 2], [1, 0], [0, 0, 1]):
        cache.reorder_cache(torch.tensor(order))
        yield cache
    for rows, tokens, width in ((2, 3, 8), (3, 9, 9), (1, 2, 5)):
        join(cache, read(rows, tokens, seed=rows), width)
        yield cache
    for layer in range(2):
        cache.update(*torch.ones(2, 9, 3, 4, 4), layer)
    yield cache


def test_it_holds_what_its_plain_twin_holds(monkeypatch):
    monkeypatch.setattr(kernel, "GROWTH", 3)
    with plain_kernels():
        expected = [states(cache) for cache in used()]
    found = [states(cache) for cache in used()]
    assert len(found) == 10
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_keys_stay_where_they_are_while_there_is_room():
    cache = read(4, 6, seed=0)
    make_room(cache, 6)
    layer = cache.layers[0]
    place = layer.keys.data_ptr()
    cache.update(*torch.ones(2, 4, 3, 1, 4), 0)
    cache.reorder_cache(torch.tensor([0, 3, 2]))
    join(cache, read(3, 2, seed=1), 7)
    assert layer.keys.data_ptr() == place
    assert layer.keys.shape == (6, 3, 7, 4)


def test_rows_join_only_where_a_layer_holds_all_of_their_keys():
    assert can_join(read(1, 1, seed=0))
    assert not can_join(object())
    sliding = DynamicCache()
    sliding.layers = [DynamicSlidingWindowLayer(sliding_window=4)]
    sliding.update(*torch.ones(2, 1, 3, 2, 4), 0)
    assert not can_join(sliding)
    make_room(sliding, 4)
    assert not any(isinstance(layer, RoomyLayer) for layer in sliding.layers)


@pytest.mark.parametrize(
    ("stay", "order"),
    [("yyy", [0, 1, 2]), ("ynynny", [0, 5, 2]), ("nnyy", [2, 3]), ("nn", [])],
)
def test_the_last_rows_take_the_places_of_those_that_go(stay, order):
    assert kept_order([each == "y" for each in stay]) == order
