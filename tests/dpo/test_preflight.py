import math
from dataclasses import replace

import pytest
import torch

from grice_core.dpo.examples import Compute
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.prefix_trees import num_shared_tokens
from grice_core.dpo.preflight import check_learning, preflight
from grice_core.dpo.reference import reference_logps
from grice_core.errors import PreflightError, TrainingError
from tests.dpo import tiny

CPU = torch.device("cpu")
BETA = 0.1


def fresh(model=None):
    config = tiny.stage()
    return add_adapter(tiny.base(model or tiny.gpt2()), config.lora, seed=0)


def disturb(policy, by=0.01):
    with torch.no_grad():
        for name, parameter in policy.named_parameters():
            if "lora_B" in name:
                parameter.add_(by)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("passes", ["shared", "separate"])
@pytest.mark.parametrize("architecture", [tiny.gpt2, tiny.llama])
def test_a_fresh_adapter_passes_exactly(architecture, passes, dtype):
    policy, examples = fresh(architecture()), tiny.examples(6)
    compute = Compute(CPU, dtype, passes)
    report = preflight(
        policy, examples, reference_logps(policy, examples.pairs, compute), BETA, compute
    )
    assert report.max_delta == 0.0
    proven = sorted(range(6), key=lambda index: num_shared_tokens([examples.pairs[index]]))[:4]
    weights = examples.shares[proven].sum(axis=1)
    assert report.expected_loss == pytest.approx(weights.mean() * math.log(2))
    assert report.loss == pytest.approx(report.expected_loss)
    assert report.rows == tuple(examples.pairs[index].row for index in proven)


def test_an_adapter_that_already_changes_something_is_refused():
    policy, examples, compute = fresh(), tiny.examples(6), Compute(CPU)
    known = reference_logps(policy, examples.pairs, compute)
    disturb(policy)
    with pytest.raises(PreflightError, match=r"differ by up to .* nats before the first step"):
        preflight(policy, examples, known, BETA, compute)


def test_a_reference_that_is_another_model_is_refused():
    examples, compute = tiny.examples(6), Compute(CPU)
    other = fresh(tiny.llama())
    known = reference_logps(other, examples.pairs, compute)
    with pytest.raises(PreflightError, match="chosen responses are off by up to"):
        preflight(fresh(), examples, known, BETA, compute)


@pytest.mark.parametrize("side", ["chosen", "rejected"])
def test_a_cache_that_lies_about_one_pair_is_refused(side):
    policy, examples, compute = fresh(), tiny.examples(6), Compute(CPU)
    known = reference_logps(policy, examples.pairs, compute)
    wrong = getattr(known, side).clone()
    wrong[examples.shortest(3)[-1]] += 0.01
    with pytest.raises(PreflightError, match=f"{side} responses .* 0.01 nats .* delete the cache"):
        preflight(policy, examples, replace(known, **{side: wrong}), BETA, compute)


def test_a_model_that_gives_no_numbers_is_refused():
    model, examples, compute = tiny.gpt2(), tiny.examples(6), Compute(CPU)
    with torch.no_grad():
        model.transformer.ln_f.weight[0] = math.nan
    policy = fresh(model)
    known = reference_logps(policy, examples.pairs, compute)
    with pytest.raises(PreflightError, match="nan"):
        preflight(policy, examples, known, BETA, compute)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_learning_is_seen_in_any_number_format_however_small(dtype):
    policy, examples, compute = fresh(), tiny.examples(6), Compute(CPU, dtype)
    with pytest.raises(TrainingError, match="changed nothing"):
        check_learning(policy, examples, compute)
    disturb(policy, by=1e-5)
    check_learning(policy, examples, compute)
