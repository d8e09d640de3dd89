from collections.abc import Callable

import pytest
import torch

from grice_core.dpo.budget import TokenBudget
from grice_core.dpo.examples import Compute
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.prefix_trees import num_shared_tokens
from grice_core.dpo.reference import reference_logps
from grice_core.dpo.train import StageTrainer
from grice_core.errors import TrainingError
from grice_core.progress import Reporter
from tests.dpo import tiny

EXAMPLES = tiny.examples(8)
LARGEST_PAIR = max(num_shared_tokens([pair]) for pair in EXAMPLES.pairs)


def new_trainer(say: Callable[[str], None] = print) -> StageTrainer:
    config, how = (
        tiny.stage(eval_steps=2),
        Compute(torch.device("cpu"), budget=TokenBudget(say=say)),
    )
    policy = add_adapter(tiny.base(tiny.gpt2()), config.lora, seed=0)
    return StageTrainer(policy, config, EXAMPLES, reference_logps(policy, EXAMPLES.pairs, how), how)


def losses(trainer: StageTrainer) -> list[float]:
    records = []
    trainer.run(4, 0, Reporter(on_step=records.append))
    return [record["loss"] for record in records]


def test_a_run_that_runs_out_of_memory_goes_on_in_smaller_passes_to_the_same_losses():
    said: list[str] = []
    trainer = new_trainer(said.append)
    with tiny.memory_for(trainer.policy.get_base_model(), 60):
        scarce = losses(trainer)

    assert scarce == pytest.approx(losses(new_trainer()), abs=1e-6)
    assert 1 <= trainer.compute.budget.tokens <= 60
    assert all("out of memory in a pass over" in sentence for sentence in said)
    assert 1 <= len(said) <= 4


def test_memory_that_runs_out_after_some_of_the_gradient_was_added_up_changes_nothing():
    trainer = new_trainer(lambda _: None)
    trainer.compute.budget.tokens = 60  # several passes a step
    passes, plain_backward = [], torch.Tensor.backward

    def backward(loss: torch.Tensor) -> None:
        plain_backward(loss)
        passes.append(loss)
        if len(passes) == 2:
            raise torch.OutOfMemoryError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "backward", backward)
        disturbed = losses(trainer)

    assert disturbed == pytest.approx(losses(new_trainer()), abs=1e-6)


def test_a_single_pair_that_does_not_fit_is_named_with_what_to_lower():
    trainer = new_trainer(lambda _: None)
    message = rf"single pair \(row \d+, {LARGEST_PAIR} tokens\): lower max_length or lora.r"
    with (
        tiny.memory_for(trainer.policy.get_base_model(), LARGEST_PAIR - 1),
        pytest.raises(TrainingError, match=message),
    ):
        losses(trainer)


def test_the_reference_is_computed_in_smaller_passes_too_each_pair_once():
    said: list[str] = []
    policy = add_adapter(tiny.base(tiny.gpt2()), tiny.stage().lora, seed=0)
    expected = reference_logps(policy, EXAMPLES.pairs, Compute(torch.device("cpu")))
    told = []
    scarce = Compute(torch.device("cpu"), budget=TokenBudget(say=said.append))
    with tiny.memory_for(policy.get_base_model(), 60):
        known = reference_logps(
            policy, EXAMPLES.pairs, scarce, progress=lambda *args: told.append(args)
        )

    torch.testing.assert_close(known.chosen, expected.chosen)
    torch.testing.assert_close(known.rejected, expected.rejected)
    assert told[-1] == ("reference", 12, 12)
    assert said


def test_memory_that_runs_out_is_an_error_where_passes_can_not_shrink():
    budget = TokenBudget(2048, may_shrink=False)
    with pytest.raises(TrainingError, match=r"lower parallel\.fsdp\.tokens_per_pass"):
        budget.each(EXAMPLES.pairs, run_out_of_memory)


def run_out_of_memory(_: list[int]) -> None:
    raise torch.OutOfMemoryError


def test_each_halving_makes_passes_smaller_than_the_one_that_failed():
    said: list[str] = []
    budget = TokenBudget(2048, said.append)
    sizes = []

    def run(positions: list[int]) -> None:
        sizes.append(len(positions))
        if len(positions) > 1:
            raise torch.OutOfMemoryError

    budget.each(EXAMPLES.pairs, run)

    assert sizes.count(1) == len(EXAMPLES.pairs)
    assert sizes[0] == len(EXAMPLES.pairs)
    assert budget.tokens < LARGEST_PAIR * 2
    assert len(said) == len([size for size in sizes if size > 1])
