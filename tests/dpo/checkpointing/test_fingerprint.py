from dataclasses import replace

import torch

from grice_core.dpo.budget import TokenBudget
from grice_core.dpo.checkpointing.fingerprint import differences, fingerprint
from grice_core.dpo.examples import Compute
from tests.dpo import tiny

COMPUTE = Compute(torch.device("cpu"))
EXAMPLES = tiny.examples(6)


def of(examples=EXAMPLES, compute=COMPUTE, base="b", **changes):
    return fingerprint(tiny.stage(**changes), examples, compute, base, seed=0)


def test_nothing_changed_is_no_difference():
    assert differences(of(), of(examples=tiny.examples(6))) == []


def test_settings_are_named_with_both_values_and_their_full_name():
    other = of(learning_rate=3e-5, lora={"r": 8, "alpha": 8, "dropout": 0.0})
    assert differences(of(), other) == [
        "learning_rate was 0.005 and is 3e-05",
        "lora.r was 4 and is 8",
    ]
    ramp = of(beta={"start": 0.1, "end": 0.2})
    assert differences(of(), ramp) == ["beta changed"]


def test_the_base_model_and_the_number_format_must_be_the_same():
    assert differences(of(), of(base="c")) == ["base model changed"]
    bf16 = of(compute=Compute(torch.device("cpu"), torch.bfloat16))
    assert differences(of(), bf16) == ["precision was float32 and is bfloat16"]


def test_every_part_of_the_pairs_counts():
    first = replace(EXAMPLES.pairs[0], chosen=(3, 0))
    others = [
        replace(EXAMPLES, pairs=(first, *EXAMPLES.pairs[1:])),
        replace(EXAMPLES, margins=EXAMPLES.margins + 1e-9),
        replace(EXAMPLES, shares=EXAMPLES.shares * 2),
        replace(EXAMPLES, train=EXAMPLES.train[::-1]),
        replace(EXAMPLES, watched={"heldout": EXAMPLES.train}),
        replace(EXAMPLES, watched={"retention/stage1": EXAMPLES.watched["heldout"]}),
    ]
    for examples in others:
        assert differences(of(), of(examples=examples)) == ["pairs changed"]


def test_packing_may_differ():
    packed = Compute(torch.device("cpu"), passes="separate", budget=TokenBudget(64))
    assert differences(of(), of(compute=packed)) == []
