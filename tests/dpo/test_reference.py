import pytest
import torch

from grice_core.dpo.budget import TokenBudget
from grice_core.dpo.examples import Compute
from grice_core.dpo.logps import pair_logps
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.reference import ReferenceCache, reference_logps, weights_hash
from grice_core.errors import InterruptedRunError
from grice_core.kernels.choice import plain_kernels, uses_plain
from tests.dpo import tiny

CPU = torch.device("cpu")
PAIRS = tiny.encoded_pairs(8)
SMALL = Compute(CPU, budget=TokenBudget(60))


def policy(model=None):
    return add_adapter(tiny.base(model or tiny.gpt2()), tiny.stage().lora, seed=0)


def count_forwards(policy):
    """A list that grows with every forward pass."""
    calls = []
    policy.get_base_model().register_forward_hook(lambda *_: calls.append(1))
    return calls


def cache_in(folder, model=None, compute=SMALL):
    return ReferenceCache.of(folder, weights_hash(model or tiny.gpt2()), compute)


def test_the_reference_is_the_model_without_the_adapter():
    expected = pair_logps(tiny.gpt2(), PAIRS, "separate")
    learned = policy()
    with torch.no_grad():
        for parameter in learned.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1)
    known = reference_logps(learned, PAIRS, SMALL)
    torch.testing.assert_close(known.chosen, expected.chosen.detach(), atol=1e-5, rtol=0)
    torch.testing.assert_close(known.rejected, expected.rejected.detach(), atol=1e-5, rtol=0)
    assert not known.chosen.requires_grad


def test_a_second_run_on_the_same_pairs_computes_nothing(tmp_path):
    model = policy()
    calls = count_forwards(model)
    first = reference_logps(model, PAIRS, SMALL, cache_in(tmp_path))
    assert len(calls) > 1
    calls.clear()
    again = reference_logps(model, PAIRS, SMALL, cache_in(tmp_path))
    assert calls == []
    assert torch.equal(again.chosen, first.chosen)
    assert torch.equal(again.rejected, first.rejected)


def test_only_unknown_pairs_are_computed(tmp_path):
    model, told = policy(), []
    reference_logps(model, PAIRS[:5], SMALL, cache_in(tmp_path))
    known = reference_logps(
        model, PAIRS, SMALL, cache_in(tmp_path), lambda *progress: told.append(progress)
    )
    assert told[-1] == ("reference", 3, 3)
    assert len(known.chosen) == 8


def test_the_same_pair_twice_is_computed_once():
    told = []
    known = reference_logps(
        policy(), [PAIRS[0], PAIRS[0]], SMALL, progress=lambda *progress: told.append(progress)
    )
    assert told == [("reference", 1, 1)]
    assert known.chosen[0] == known.chosen[1]


def test_a_damaged_file_is_computed_again(tmp_path):
    model, cache = policy(), cache_in(tmp_path)
    expected = reference_logps(model, PAIRS, SMALL, cache)
    good = cache.path.read_bytes()
    flipped = bytearray(good)
    flipped[-3] ^= 1  # within the numbers, where only the checksum can notice
    for damage in (b"", good[:20], good[:-1], bytes(flipped)):
        cache.path.write_bytes(damage)
        calls = count_forwards(model)
        known = reference_logps(model, PAIRS, SMALL, cache)
        assert calls
        assert torch.equal(known.chosen, expected.chosen)
        assert cache.path.read_bytes() == good


def test_a_stop_keeps_what_was_computed(tmp_path):
    model, cache = policy(), cache_in(tmp_path)

    def stop(*_):
        raise InterruptedRunError("stopped")

    with pytest.raises(InterruptedRunError):
        reference_logps(model, PAIRS, SMALL, cache, stop)
    assert 0 < len(cache.read()) < 8


def test_other_weights_or_another_way_to_run_them_have_another_file(tmp_path):
    changed = tiny.gpt2()
    with torch.no_grad():
        changed.transformer.h[1].mlp.c_fc.bias[3] += 1e-6
    caches = [
        cache_in(tmp_path),
        cache_in(tmp_path, changed),
        cache_in(tmp_path, compute=Compute(CPU, torch.bfloat16)),
        cache_in(tmp_path, compute=Compute(CPU, passes="separate")),
    ]
    assert len({cache.path for cache in caches}) == 4
    assert cache_in(tmp_path, tiny.gpt2()) == caches[0]


@pytest.mark.skipif(uses_plain(), reason="both are plain")
def test_plain_kernels_have_another_file(tmp_path):
    with plain_kernels():
        plain = cache_in(tmp_path)
    assert plain != cache_in(tmp_path)


def test_a_weights_hash_tells_names_types_shapes_and_values_apart():
    def digest(**tensors):
        module = torch.nn.Module()
        for name, tensor in tensors.items():
            module.register_buffer(name, tensor)
        return weights_hash(module)

    zeros = torch.zeros(4)
    variants = [
        {"a": zeros},
        {"b": zeros},
        {"a": zeros.view(2, 2)},
        {"a": zeros.int()},
        {"a": torch.tensor([0.0, 0.0, 0.0, 1.0])},
        {"a": torch.tensor(0.0)},
    ]
    assert len({digest(**tensors) for tensors in variants}) == len(variants)
    assert digest(a=zeros) == digest(a=torch.zeros(8)[::2])
