import math
from dataclasses import replace

import pytest
import torch

from grice_core.dpo.examples import Compute
from grice_core.dpo.loss import StageLoss
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.prefix_trees import num_shared_tokens
from grice_core.dpo.preflight import check_learning, preflight
from grice_core.dpo.reference import reference_logps
from grice_core.dpo.runner import PairRunner
from grice_core.errors import PreflightError, TrainingError
from grice_core.objectives import OBJECTIVES, Dpo
from tests.dpo import tiny

CPU = torch.device("cpu")
BETA = 0.1


def fresh(model=None):
    config = tiny.stage()
    return add_adapter(tiny.base(model or tiny.gpt2()), config.lora, seed=0)


def prove(policy, examples, known, compute, **loss):
    loss = StageLoss.of(tiny.stage(**loss))
    return preflight(PairRunner(policy, loss, examples, known, compute), BETA)


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
    known = reference_logps(policy, examples.pairs, compute)
    report = prove(policy, examples, known, compute)
    assert report.max_delta == 0.0
    proven = sorted(range(6), key=lambda index: num_shared_tokens([examples.pairs[index]]))[:4]
    weights = examples.shares[proven].sum(axis=1)
    assert report.expected_loss == pytest.approx(weights.mean() * math.log(2))
    assert report.loss == pytest.approx(report.expected_loss)
    assert report.rows == tuple(examples.pairs[index].row for index in proven)


@pytest.mark.parametrize("loss", tiny.LOSSES, ids=tiny.name_of_loss)
def test_each_objective_is_held_to_its_own_value_at_zero(loss):
    policy, examples, compute = fresh(), tiny.examples(6), Compute(CPU)
    known = reference_logps(policy, examples.pairs, compute)
    report = prove(policy, examples, known, compute, **loss)
    at_zero = 1 / (4 * BETA**2) if loss["loss_type"] == "ipo" else math.log(2)
    weights = examples.shares[examples.shortest(4)].sum(axis=1)
    assert report.expected_loss == pytest.approx(weights.mean() * at_zero)
    assert report.loss == pytest.approx(report.expected_loss)


def test_an_objective_that_is_wrong_about_its_value_at_zero_is_blamed_not_the_reference(
    monkeypatch,
):
    monkeypatch.setitem(OBJECTIVES, "mistaken", Dpo)  # gone again after the test

    class Mistaken(Dpo):
        name = "mistaken"

        def at_zero(self, beta):  # noqa: ARG002
            return 1.0

    policy, examples, compute = fresh(), tiny.examples(6), Compute(CPU)
    known = reference_logps(policy, examples.pairs, compute)
    runner = PairRunner(policy, StageLoss(Mistaken()), examples, known, compute)
    with pytest.raises(PreflightError, match="objective mistaken contradicts itself") as caught:
        preflight(runner, BETA)
    assert "reference is not" not in str(caught.value)
    disturb(policy)
    with pytest.raises(PreflightError, match="the reference is not the model"):
        preflight(runner, BETA)


def test_an_adapter_that_already_changes_something_is_refused():
    policy, examples, compute = fresh(), tiny.examples(6), Compute(CPU)
    known = reference_logps(policy, examples.pairs, compute)
    disturb(policy)
    with pytest.raises(PreflightError, match=r"differ by up to .* nats before the first step"):
        prove(policy, examples, known, compute)


def test_a_reference_that_is_another_model_is_refused():
    examples, compute = tiny.examples(6), Compute(CPU)
    other = fresh(tiny.llama())
    known = reference_logps(other, examples.pairs, compute)
    with pytest.raises(PreflightError, match="chosen responses are off by up to"):
        prove(fresh(), examples, known, compute)


@pytest.mark.parametrize("side", ["chosen", "rejected"])
def test_a_cache_that_lies_about_one_pair_is_refused(side):
    policy, examples, compute = fresh(), tiny.examples(6), Compute(CPU)
    known = reference_logps(policy, examples.pairs, compute)
    wrong = getattr(known, side).clone()
    wrong[examples.shortest(3)[-1]] += 0.01
    with pytest.raises(PreflightError, match=f"{side} responses .* 0.01 nats .* delete the cache"):
        prove(policy, examples, replace(known, **{side: wrong}), compute)


def test_a_model_that_gives_no_numbers_is_refused():
    model, examples, compute = tiny.gpt2(), tiny.examples(6), Compute(CPU)
    with torch.no_grad():
        model.transformer.ln_f.weight[0] = math.nan
    policy = fresh(model)
    known = reference_logps(policy, examples.pairs, compute)
    with pytest.raises(PreflightError, match="nan"):
        prove(policy, examples, known, compute)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_learning_is_seen_in_any_number_format_however_small(dtype):
    policy, examples, compute = fresh(), tiny.examples(6), Compute(CPU, dtype)
    with pytest.raises(TrainingError, match="changed nothing"):
        check_learning(policy, examples, compute)
    disturb(policy, by=1e-5)
    check_learning(policy, examples, compute)
