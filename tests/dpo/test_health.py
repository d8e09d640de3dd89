import math
from dataclasses import replace

import pytest
import torch

from grice_core.dpo.examples import Compute
from grice_core.dpo.health import (
    Trouble,
    chosen_collapse,
    degenerate_start,
    diverged,
    findings,
    lost_retention,
    not_finite,
)
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.reference import reference_logps
from grice_core.dpo.train import StageTrainer
from grice_core.progress import Reporter
from tests.dpo import tiny

GROUP = "retention/stage1"


def trained(num_steps, *, examples=None, **changes):
    """What was measured before and during a real, tiny training run."""
    config, examples = tiny.stage(**changes), examples or tiny.examples(8)
    policy = add_adapter(tiny.base(tiny.gpt2()), config.lora, seed=0)
    compute, records = Compute(torch.device("cpu")), []
    known = reference_logps(policy, examples.pairs, compute)
    trainer = StageTrainer(policy, config, examples, known, compute)
    outcome = trainer.run(num_steps, 0, Reporter(on_step=records.append))
    return outcome.before, records


def watching_the_opposite():
    """Pairs, and an earlier stage's held-out ones that want the contrary."""
    examples = tiny.examples(8, num_heldout=0)
    turned = [replace(pair, chosen=pair.rejected, rejected=pair.chosen) for pair in examples.pairs]
    both = tiny.examples(8, num_heldout=8)
    return replace(
        both,
        pairs=(*examples.pairs, *turned),
        watched={"heldout": both.train, GROUP: both.train + 8},
    )


def rambling_on():
    """Pairs whose rejected response says the chosen one's word once too often."""
    examples = tiny.examples(8)
    word = 5
    pairs = [replace(p, chosen=(word,) * 4 + (0,), rejected=(word,) * 16) for p in examples.pairs]
    return replace(examples, pairs=tuple(pairs))


def step(number, **metrics):
    """A healthy step, but for what is said."""
    healthy = {
        "step": number,
        "loss": 0.2,
        "rewards/accuracies": 0.75,
        "rewards/chosen": -0.1,
        "logps/chosen": -41.0,
        "beta": 0.1,
    }
    return healthy | {name.replace("_", "/"): value for name, value in metrics.items()}


def test_a_healthy_run_is_told_nothing():
    before, records = trained(15, learning_rate=1e-3)
    assert findings(before, records) == []
    assert findings({}, []) == []


def test_only_a_loss_that_is_high_in_training_too_has_diverged():
    before = {"heldout/loss": 0.3}
    high = [step(number, loss=40.0) for number in range(1, 12)]
    assert diverged(before, high) is None  # no one has looked at the held-out pairs
    finding = diverged(before, [*high, step(12, loss=40.0, heldout_loss=35.0)])
    assert finding.step == 12
    assert (
        "since step 1: lower the learning rate. It is 40 on average over 12 steps"
        in finding.message
    )
    by_heart = [step(number, loss=0.01, heldout_loss=35.0) for number in range(1, 50)]
    assert diverged(before, by_heart) is None
    a_jump = [
        *[step(number, loss=0.3) for number in range(1, 40)],
        step(40, loss=60.0, heldout_loss=2),
    ]
    assert diverged(before, a_jump) is None


def test_a_loss_that_has_risen_a_little_has_diverged_if_gradients_explode():
    before, looked_at = {"heldout/loss": 0.3}, {"heldout_loss": 0.9}

    def taken(gradient, **look):
        first = step(1, loss=0.3) | {"grad_norm": 3.0}
        others = [step(n, loss=0.8) | {"grad_norm": gradient} for n in range(2, 20)]
        return [first, *others, step(20, loss=0.8, **look) | {"grad_norm": gradient}]

    finding = diverged(before, taken(3_001.0, **looked_at))
    assert finding.step == 20
    assert finding.message.startswith(
        "the loss has diverged since step 2: lower the learning rate."
    )
    assert diverged(before, taken(2_999.0, **looked_at)) is None
    assert diverged(before, taken(3_001.0, heldout_loss=0.2)) is None


def test_a_number_that_is_none_is_found():
    finding = not_finite([step(1), step(2, heldout_loss=math.nan), step(3, heldout_loss=math.nan)])
    assert (finding.trouble, finding.step) == (Trouble.NOT_FINITE, 2)
    assert finding.message.startswith("heldout/loss is not a finite number at step 2: ")


def test_a_degenerate_start_is_found():
    before, records = trained(8, beta=1000.0, learning_rate=0.05)
    (finding,) = [f for f in findings(before, records) if f.trouble == Trouble.DEGENERATE_START]
    assert 1 < finding.step <= 8
    assert "every pair is won already" in finding.message


def test_a_loss_that_vanishes_later_was_learned():
    won = {"loss": 1e-6, "rewards_accuracies": 1.0}
    healthy = [step(number) for number in range(1, 11)]
    assert degenerate_start([*healthy, step(11, **won)]) is None
    assert degenerate_start([*healthy[:9], step(10, **won)]).step == 10


def test_a_loss_below_zero_is_no_degenerate_start_unless_every_pair_is_won_by_far():
    won = {"loss": -0.2, "rewards_accuracies": 1.0}
    assert degenerate_start([step(1, **won, rewards_margins=4.0)]) is None
    assert degenerate_start([step(1, **won, rewards_margins=9.5)]).step == 1


def test_an_sft_term_hides_no_degenerate_start():
    won = {"loss": 0.30001, "loss_sft": 0.3, "rewards_accuracies": 1.0}
    assert degenerate_start([step(1, **won)]).step == 1


def test_the_sft_term_keeps_chosen_responses_from_collapsing():
    wild = {"examples": rambling_on(), "beta": 0.01, "learning_rate": 0.05}
    assert chosen_collapse(trained(25, **wild)[1]) is not None
    assert chosen_collapse(trained(25, **wild, sft_weight=0.5)[1]) is None


def test_a_collapse_of_the_chosen_responses_is_found():
    before, records = trained(25, examples=rambling_on(), beta=0.01, learning_rate=0.05)
    assert records[-1]["rewards/margins"] > 0  # it does win
    (finding,) = findings(before, records)
    assert finding.trouble == Trouble.CHOSEN_COLLAPSE


def test_a_collapse_is_half_of_the_log_probability():
    # Reference −40 nats each; the policy's −59 have lost less than half of them, −61 more.
    assert chosen_collapse([step(1, logps_chosen=-59.0, rewards_chosen=-1.9)]) is None
    finding = chosen_collapse([step(1, logps_chosen=-61.0, rewards_chosen=-2.1)])
    assert finding.message.startswith(
        "the chosen responses have gone from -40 to -61 nats by step 1"
    )
    assert "Set sft_weight, which trains the chosen responses themselves" in finding.message


def test_a_single_bad_step_is_no_collapse():
    bad = step(25, logps_chosen=-80.0, rewards_chosen=-4.0)
    assert chosen_collapse([*map(step, range(1, 25)), bad]) is None


def test_lost_retention_is_found():
    before, records = trained(10, examples=watching_the_opposite(), eval_steps=5)
    finding = lost_retention(before, records)
    assert finding.step in (5, 10)
    assert finding.message.startswith("this stage undoes stage1: ")
    assert "held-out pairs lean less towards the chosen response" in finding.message


@pytest.mark.parametrize(
    ("accuracy", "chosen", "lost"), [(0.3, -11.0, True), (0.3, -10.4, False), (0.4, -11.0, False)]
)
def test_retention_is_lost_if_most_pairs_turn_and_by_enough(accuracy, chosen, lost):
    def watched(accuracy, chosen):
        logps = {f"{GROUP}/logps/chosen": chosen, f"{GROUP}/logps/rejected": -20.0}
        return {f"{GROUP}/rewards/accuracies": accuracy, **logps}

    record = step(25) | watched(accuracy, chosen)
    finding = lost_retention(watched(0.5, -10.0), [step(24), record])
    assert (finding is not None) == lost


def test_the_stages_own_held_out_pairs_are_no_retention():
    before = {"heldout/rewards/accuracies": 0.5}
    assert lost_retention(before, [step(25) | {"heldout/rewards/accuracies": 0.0}]) is None
