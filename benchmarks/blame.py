"""Are the training pairs that are blamed for broken answers the ones that broke them?

    python -m benchmarks.blame [--seeds 0,1,2] [--samples 4] [--share 0.05] [--json]

On the demo, whose rules judge. Stage 1 is trained; an answer is broken if the plain base's was cooperative and stage 1's
is not, to the same prompt with the same random numbers. Then the stage is trained again, for as many steps, without the
share of its pairs whose gradients are most to blame (`blame_scores`), and without random ones of as many. A broken answer that
is cooperative again is healed; `all` is the cooperative rate of all answers.

The blamed ones do not heal twice as many as random ones do (NOTES.md): so the studio blames no pairs.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import grice_core as grice
from benchmarks.options import add_json, new_parser
from benchmarks.quiet import hush
from grice_core.chat.choice import FormatChoice
from grice_core.data.pairs import BoolArray, FloatArray, IntArray, PairTable
from grice_core.demo.dialogue import Dialogue
from grice_core.demo.oracle import judge
from grice_core.demo.project import NUM_PAIRS, demo_models, write_demo_data
from grice_core.dpo.adapters import Adapter, adapter_of, put_adapter
from grice_core.dpo.encode import EncodedPair, encode_prompts
from grice_core.dpo.logps import pair_logps
from grice_core.dpo.metrics import PairMeans
from grice_core.dpo.schedules import final_beta
from grice_core.dpo.train import StageTrainer
from grice_core.recipes.plan import PlannedStage

_SMALLEST = 1e-12
NUM_RANDOM = 3
"""Draws of pairs that no one blames."""


@dataclass(frozen=True, eq=False)
class World:
    """A seed's pairs, stage and prompts."""

    seed: int
    samples: int
    table: PairTable
    stage: PlannedStage
    prompts: tuple[str, ...]
    dialogues: dict[str, Dialogue]


@dataclass(frozen=True, eq=False)
class Answered:
    """One model's answers: k to each prompt, together."""

    texts: tuple[str, ...]
    cooperative: BoolArray


@dataclass(frozen=True)
class Again:
    """The stage trained once more, without some pairs."""

    num_healed: int
    all: float
    """Cooperative rate of all answers."""


@dataclass(frozen=True)
class Healed:
    """One seed."""

    seed: int
    num_broken: int
    num_left_out: int
    all: float
    """Cooperative rate with all pairs."""
    blamed: Again
    at_random: tuple[Again, ...]


def main() -> None:
    """The command."""
    parser = new_parser(__doc__)
    parser.add_argument("--seeds", default="0,1,2", help="with commas between; else %(default)s")
    parser.add_argument(
        "--samples", type=int, default=4, help="answers per prompt; else %(default)s"
    )
    parser.add_argument(
        "--share", type=float, default=0.05, help="of the pairs that is left out; else %(default)s"
    )
    add_json(parser)
    asked = parser.parse_args()
    hush()
    found = []
    for seed in map(int, asked.seeds.split(",")):
        found.append(_look(_world(seed, asked.samples), asked.share))
        if not asked.json:
            _show(found[-1])
    result = _together(found)
    print(json.dumps(result, indent=2) if asked.json else result)


def _world(seed: int, samples: int) -> World:
    with tempfile.TemporaryDirectory() as folder:
        data = write_demo_data(Path(folder), seed, NUM_PAIRS)
        table = grice.load_pairs(data.pairs).table
        prompts = tuple(grice.load_prompts(data.prompts).prompts)
    table = grice.score(grice.load_detector(str(demo_models().detector)), table)
    stage = grice.plan_stages(grice.load_recipe("demo"), table, seed)[0]
    return World(seed, samples, table, stage, prompts[:300], data.dialogues)


def _look(world: World, share: float) -> Healed:
    before = _answers(world, grice.load_model(str(demo_models().base)).model)
    trainer = _trainer(world, world.stage)
    first = adapter_of(trainer.policy)
    trainer.run(world.stage.num_steps, world.seed)
    last, after = adapter_of(trainer.policy), _answers(world, trainer.policy)
    broken = np.flatnonzero(before.cooperative & ~after.cooperative)
    scores = blame_scores(trainer, (first, last), _contrasts(world, before, after, broken))
    train = trainer.examples.train
    count = round(share * len(train))
    draw = np.random.default_rng(world.seed)
    left_out = [train[np.argsort(-scores)[:count]]]
    left_out += [draw.choice(train, count, replace=False) for _ in range(NUM_RANDOM)]
    blamed, *at_random = [_again_without(world, trainer, pairs, broken) for pairs in left_out]
    rate = float(after.cooperative.mean())
    return Healed(world.seed, len(broken), count, rate, blamed, tuple(at_random))


def _trainer(world: World, stage: PlannedStage) -> StageTrainer:
    base = grice.load_model(str(demo_models().base))
    return grice.stage_trainer(base, world.table, stage, seed=world.seed, precision="fp32")


def _answers(world: World, model: Any) -> Answered:
    tokenizer = grice.load_model(str(demo_models().base)).tokenizer
    sampling = grice.Sampling(0.7, 0.9, 60, world.seed, world.samples)
    texts = grice.generate(model, tokenizer, world.prompts, sampling)
    asked = [prompt for prompt in world.prompts for _ in range(world.samples)]
    good = [not judge(world.dialogues[p], text) for p, text in zip(asked, texts, strict=True)]
    return Answered(tuple(texts), np.array(good))


def _contrasts(
    world: World, before: Answered, after: Answered, broken: IntArray
) -> list[EncodedPair]:
    """The broken answer as the chosen one, the cooperative one as the rejected."""
    tokenizer = grice.load_model(str(demo_models().base)).tokenizer
    form = FormatChoice().of(tokenizer)
    prompts = [world.prompts[place // world.samples] for place in broken]
    encoded = encode_prompts(tokenizer, prompts, form)

    def ids(text: str) -> tuple[int, ...]:
        return (*tokenizer.encode(" " + text, add_special_tokens=False), tokenizer.eos_token_id)

    return [
        EncodedPair(row, prompt, ids(after.texts[place]), ids(before.texts[place]))
        for row, (place, prompt) in enumerate(zip(broken, encoded, strict=True))
    ]


def _again_without(
    world: World, trainer: StageTrainer, left_out: IntArray, broken: IntArray
) -> Again:
    rows = [trainer.examples.pairs[index].row for index in left_out]
    indices = world.stage.train_indices
    kept = indices[~np.isin(world.table.rows[indices], rows)]
    again = _trainer(world, replace(world.stage, train_indices=kept))
    again.run(world.stage.num_steps, world.seed)
    cooperative = _answers(world, again.policy).cooperative
    return Again(int(cooperative[broken].sum()), float(cooperative.mean()))


def blame_scores(
    trainer: StageTrainer,
    adapters: Sequence[Adapter],
    broken: Sequence[EncodedPair],
) -> FloatArray:
    """(n,) per training pair; above 0: a step on its loss makes the broken answers more probable.

    The inner product of two gradients of the adapter: that of the pair's loss, and that of the log-probability of each broken
    answer less that of the answer before it (TracIn, Pruthi et al. 2020), each broken answer counting alike. Summed over
    the adapters, of which the largest score counts 1 in each.

    Args:
        trainer: its adapter is changed.
        adapters: moments of the training, such as the first and the last.
        broken: the broken answer as `chosen`, the one before it as `rejected`.
    """
    train = trainer.examples.train
    scores = np.zeros(len(train))
    for adapter in adapters:
        put_adapter(trainer.policy, adapter)
        trainer.policy.eval()
        towards = torch.zeros(sum(each.numel() for each in trainer.parameters))
        for one in broken:
            gradient = _of_answer(trainer, one)
            towards += gradient / max(float(gradient.norm()), _SMALLEST)
        found = np.zeros(len(train))
        for place, index in enumerate(train.tolist()):
            found[place] = -float(_of_pair(trainer, index) @ towards)
        scores += found / max(float(np.abs(found).max()), _SMALLEST)
    return scores


def _of_answer(trainer: StageTrainer, one: EncodedPair) -> torch.Tensor:
    with trainer.compute.autocast():
        contrast = pair_logps(trainer.policy, [one], "separate").margin.sum()
    return _gradient(trainer, contrast)


def _of_pair(trainer: StageTrainer, index: int) -> torch.Tensor:
    one = np.array([index])
    loss = trainer.runner.losses(one, one, final_beta(trainer.config), PairMeans())
    return _gradient(trainer, loss)


def _gradient(trainer: StageTrainer, value: torch.Tensor) -> torch.Tensor:
    """(parameters of the adapter,) fp32, on the CPU."""
    parts = torch.autograd.grad(value, trainer.parameters)
    return torch.cat([part.flatten().float().cpu() for part in parts])


def _together(found: Sequence[Healed]) -> dict[str, Any]:
    """Shares of all seeds' broken answers, and mean rates."""
    broken = sum(each.num_broken for each in found)
    at_random = sum(float(np.mean([one.num_healed for one in each.at_random])) for each in found)
    return {
        "broken": broken,
        "healed_blamed": sum(each.blamed.num_healed for each in found) / broken,
        "healed_at_random": at_random / broken,
        "all": float(np.mean([each.all for each in found])),
        "all_blamed": float(np.mean([each.blamed.all for each in found])),
        "all_at_random": float(np.mean([one.all for each in found for one in each.at_random])),
    }


def _show(one: Healed) -> None:
    random = ", ".join(f"{each.num_healed} ({each.all:.1%})" for each in one.at_random)
    print(
        f"seed {one.seed}: {one.num_broken} answers broken (all {one.all:.1%}); without {one.num_left_out} blamed "
        f"pairs {one.blamed.num_healed} healed (all {one.blamed.all:.1%}); without as many random ones {random}",
        flush=True,
    )


if __name__ == "__main__":
    main()
