from dataclasses import dataclass

import numpy as np
import pytest
import torch

from grice_core.dpo.adapters import adapter_of
from grice_core.dpo.budget import TokenBudget
from grice_core.dpo.examples import Compute
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.preflight import preflight
from grice_core.dpo.reference import reference_logps
from grice_core.dpo.schedules import step_batches
from grice_core.dpo.train import StageTrainer
from grice_core.errors import InterruptedRunError, TrainingError
from grice_core.objectives import OBJECTIVES, Dpo, Objective
from grice_core.progress import Reporter
from grice_core.recipes.load import load_recipe
from tests.dpo import slow_reference, tiny

CPU = torch.device("cpu")
NUM_STEPS = 22


def trainer(model, config, examples, **compute):
    policy = add_adapter(tiny.base(model), config.lora, seed=0)
    how = Compute(CPU, **compute)
    known = reference_logps(policy, examples.pairs, how)
    return StageTrainer(policy, config, examples, known, how)


def record_gradients(trainer):
    """The gradients that each optimizer step is given."""
    gradients = []
    original = trainer._optimizer.step

    def step():
        gradients.append([p.grad.clone() for p in trainer.parameters])
        return original()

    trainer._optimizer.step = step
    return gradients


def run(trainer, num_steps=NUM_STEPS, seed=0):
    records = []
    outcome = trainer.run(num_steps, seed, Reporter(on_step=records.append))
    return outcome, records


@pytest.fixture(scope="module", params=[tiny.gpt2, tiny.llama], ids=["gpt2", "llama"])
def by_hand(request):
    """A stage, its model, and the losses and gradients that the slow reference gives for it."""
    # 8 pairs in steps of 3: every third step is the smaller one of 2 pairs.
    examples, config, model = (
        tiny.examples(8),
        tiny.stage(gradient_accumulation_steps=3),
        request.param(),
    )
    policy = add_adapter(tiny.base(model), config.lora, seed=0)
    batches = step_batches(8, config.pairs_per_step, NUM_STEPS, seed=0)
    return examples, config, model, *slow_reference.train(policy, examples, config, batches)


@pytest.mark.parametrize("passes", ["shared", "separate"])
def test_losses_and_gradients_equal_the_slow_reference(by_hand, passes):
    examples, config, model, slow_losses, slow_gradients = by_hand
    fast = trainer(model, config, examples, passes=passes, budget=TokenBudget(64))
    gradients = record_gradients(fast)
    _, records = run(fast)

    np.testing.assert_allclose([r["loss"] for r in records], slow_losses, atol=1e-5)
    assert len(gradients) == NUM_STEPS
    for ours, theirs in zip(gradients, slow_gradients, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("loss", tiny.LOSSES, ids=tiny.name_of_loss)
def test_every_objective_equals_the_slow_reference(loss):
    examples, model = tiny.examples(8), tiny.gpt2()
    config = tiny.stage(gradient_accumulation_steps=3, **loss)
    policy = add_adapter(tiny.base(model), config.lora, seed=0)
    batches = step_batches(8, config.pairs_per_step, NUM_STEPS, seed=0)
    slow_losses, slow_gradients = slow_reference.train(policy, examples, config, batches)
    fast = trainer(model, config, examples, budget=TokenBudget(64))
    gradients = record_gradients(fast)
    _, records = run(fast)

    np.testing.assert_allclose([r["loss"] for r in records], slow_losses, atol=1e-5)
    for ours, theirs in zip(gradients, slow_gradients, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_a_new_loss_is_one_class(monkeypatch):
    monkeypatch.setitem(OBJECTIVES, "hinge", Dpo)  # gone again after the test

    @dataclass(frozen=True)
    class Hinge(Objective):
        name = "hinge"
        title = "SLiC"
        equation = "max(0, 1 − β · Δ)"
        source = "arXiv 2305.10425"

        def losses(self, delta, beta):
            return (1 - beta * delta).clamp(min=0)

        def at_zero(self, beta):  # noqa: ARG002
            return 1.0

    recipe = load_recipe("content-then-manner", ["stage1.loss_type=hinge", "stage1.beta=0.5"])
    examples, config = tiny.examples(4), recipe.stages[0]
    fast = trainer(tiny.gpt2(), config, examples)
    proof = preflight(fast.runner, config.beta)
    weights = examples.shares[examples.train].sum(axis=1)
    assert proof.loss == pytest.approx(weights.mean())
    _, records = run(fast, num_steps=1)
    assert records[0]["loss"] == pytest.approx(weights.mean())


LOSS_OF_LENGTHS = {"loss_type": "ipo", "sft_weight": 0.2}


@pytest.mark.parametrize("loss", [{}, LOSS_OF_LENGTHS], ids=["dpo", "ipo+sft"])
@pytest.mark.parametrize("token_budget", [1, 60, 10_000])
def test_the_result_does_not_depend_on_how_many_pairs_fit_into_a_pass(token_budget, loss):
    examples, config, model = tiny.examples(10), tiny.stage(**loss), tiny.gpt2()
    _, expected = run(trainer(model, config, examples, budget=TokenBudget(128)), num_steps=4)
    _, records = run(
        trainer(model, config, examples, budget=TokenBudget(token_budget)), num_steps=4
    )
    for ours, theirs in zip(records, expected, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-6)
        assert ours["grad_norm"] == pytest.approx(theirs["grad_norm"], abs=1e-5)
    assert records[-1]["heldout/loss"] == pytest.approx(expected[-1]["heldout/loss"], abs=1e-5)


@pytest.mark.parametrize("model", [tiny.gpt2, tiny.llama], ids=["gpt2", "llama"])
def test_the_adapter_is_the_same_whichever_way_pairs_are_run(model):
    config = tiny.stage(learning_rate=5e-5, warmup_steps=0)
    ways = [("shared", 2048), ("shared", 1), ("shared", 70), ("separate", 2048), ("separate", 1)]
    adapters = []
    for passes, tokens in ways:
        fast = trainer(
            model(), config, tiny.examples(10), passes=passes, budget=TokenBudget(tokens)
        )
        run(fast, num_steps=6)
        adapters.append(adapter_of(fast.policy).tensors)
    for other in adapters[1:]:
        for name, tensor in adapters[0].items():
            torch.testing.assert_close(other[name], tensor, atol=1e-5, rtol=0)


def test_training_teaches_the_training_pairs():
    fast = trainer(tiny.gpt2(), tiny.stage(eval_steps=1000), tiny.examples(8))
    _, records = run(fast, num_steps=24)
    assert records[0]["rewards/accuracies"] == 0.5  # Δ = 0: all ties
    assert records[-1]["rewards/accuracies"] > 0.8
    assert records[-1]["loss"] < 0.7 * records[0]["loss"]


def test_the_first_loss_is_the_mean_weight_times_ln_2():
    examples = tiny.examples(4)
    _, records = run(trainer(tiny.gpt2(), tiny.stage(), examples), num_steps=1)
    weights = examples.shares[examples.train].sum(axis=1)
    assert records[0]["loss"] == pytest.approx(weights.mean() * np.log(2))


def test_losses_per_maxim_add_up_to_the_loss_and_name_only_weighted_maxims():
    _, records = run(trainer(tiny.gpt2(), tiny.stage(), tiny.examples(4)), num_steps=3)
    for record in records:
        parts = {name: value for name, value in record.items() if name.startswith("loss/")}
        assert set(parts) == {"loss/quantity", "loss/relation"}
        assert sum(parts.values()) == pytest.approx(record["loss"])


def test_the_same_seed_gives_the_same_losses_bit_for_bit_with_dropout_on():
    config = tiny.stage(lora={"r": 4, "alpha": 8, "dropout": 0.3})
    losses = []
    for _ in range(2):
        _, records = run(trainer(tiny.gpt2(), config, tiny.examples(8)), num_steps=5)
        losses.append([record["loss"] for record in records])
    assert losses[0] == losses[1]


def test_the_bases_own_dropout_stays_off():
    examples = tiny.examples(4)
    with_dropout, without = (
        run(trainer(tiny.gpt2(dropout), tiny.stage(), examples), num_steps=2)[1]
        for dropout in (0.5, 0.0)
    )
    assert [r["loss"] for r in with_dropout] == [r["loss"] for r in without]


def test_lora_dropout_is_on_while_training_and_off_while_measuring():
    config = tiny.stage(lora={"r": 4, "alpha": 8, "dropout": 0.5})
    fast = trainer(tiny.gpt2(), config, tiny.examples(4))
    run(fast, num_steps=3)
    assert fast.measure() == fast.measure()
    dropouts = [m for n, m in fast.policy.named_modules() if n.endswith("lora_dropout.default")]
    fast.take_step(np.arange(4), 0, 3, seed=0)
    assert dropouts
    assert all(module.training for module in dropouts)


def test_held_out_pairs_are_measured_before_and_after():
    outcome, records = run(trainer(tiny.gpt2(), tiny.stage(eval_steps=2), tiny.examples(8)), 5)
    assert outcome.before["heldout/rewards/accuracies"] == 0.5
    assert outcome.before["heldout/rewards/margins"] == pytest.approx(0, abs=1e-5)
    measured = [r["step"] for r in records if "heldout/loss" in r]
    assert measured == [2, 4, 5]
    assert outcome.after["heldout/loss"] == records[-1]["heldout/loss"]


CHOOSING = {"eval_steps": 2, "keep": "best", "weights": {"quantity": 1, "relation": 1}}


def test_the_best_look_is_what_the_policy_has_in_the_end():
    fast = trainer(tiny.gpt2(), tiny.stage(**CHOOSING), tiny.examples(8, num_heldout=20))
    outcome, records = run(fast, num_steps=9)
    choice = outcome.choice
    assert [each.step for each in choice.candidates] == [2, 4, 6, 8, 9]
    assert choice.step < 9  # random held-out pairs: what was best is not simply the last
    assert (outcome.num_steps, choice.num_planned) == (9, 9)
    assert fast.measure() == outcome.after
    assert outcome.after.items() <= records[choice.step - 1].items()
    (best,) = [each for each in choice.candidates if each.step == choice.step]
    assert best.score == max(each.score for each in choice.candidates)


def test_choosing_changes_no_step():
    examples = tiny.examples(8, num_heldout=20)
    _, plain = run(trainer(tiny.gpt2(), tiny.stage(eval_steps=2), examples), num_steps=5)
    _, choosing = run(trainer(tiny.gpt2(), tiny.stage(**CHOOSING), examples), num_steps=5)
    for one, other in zip(plain, choosing, strict=True):
        assert {n: v for n, v in other.items() if n in one} | {"tokens_per_s": 0} == one | {
            "tokens_per_s": 0
        }
        more = other.keys() - one.keys()
        assert {name.rpartition("/")[0] for name in more} <= {"heldout/gains", "heldout/nats"}


def test_a_stage_ends_where_it_undoes_what_it_does_not_train():
    stopping = tiny.stage(**CHOOSING, stop_when_retention_lost=True)
    outcome, records = run(trainer(tiny.gpt2(), stopping, tiny.opposed(16)), num_steps=20)
    assert outcome.num_steps == len(records) == outcome.choice.last_step < 20
    assert outcome.choice.candidates[-1].lost == ("manner",)
    assert "retention is lost on manner" in outcome.choice.said[0]
    others = [each for each in outcome.choice.candidates if not each.lost]
    assert outcome.choice.step in {each.step for each in others or outcome.choice.candidates}
    # Its schedules were made for all 20 steps.
    _, whole = run(trainer(tiny.gpt2(), tiny.stage(**CHOOSING), tiny.opposed(16)), num_steps=20)
    for one, other in zip(records, whole, strict=False):
        assert one["learning_rate"] == other["learning_rate"]
        assert one["loss"] == other["loss"]


def test_a_wild_learning_rate_ends_with_a_sentence_about_it():
    fast = trainer(tiny.gpt2(), tiny.stage(learning_rate=1e30), tiny.examples(8))
    blown_up = r"loss is (NaN|infinite) since step \d+: lower the learning rate"
    with pytest.raises(TrainingError, match=blown_up):
        run(fast)


def test_an_adapter_that_reaches_nothing_is_noticed_after_the_first_step():
    fast = trainer(tiny.gpt2(), tiny.stage(learning_rate=1e-30), tiny.examples(8))
    with pytest.raises(TrainingError, match="changed nothing"):
        run(fast)


def test_a_stop_is_heard_between_steps():
    fast = trainer(tiny.gpt2(), tiny.stage(), tiny.examples(8))
    records = []
    reporter = Reporter(on_step=records.append, should_stop=lambda: len(records) == 3)
    with pytest.raises(InterruptedRunError, match="before step 4 of 10"):
        fast.run(10, 0, reporter)
    assert [r["step"] for r in records] == [1, 2, 3]
