"""A whole pipeline's inputs, tiny: pairs, prompts, a base model and a detector."""

import json
import random
from pathlib import Path
from typing import Any

from grice_core.maxims import MAXIMS
from grice_core.pipeline.config import PipelineConfig
from grice_core.recipes.config import Recipe
from grice_core.recipes.load import load_recipe, parse_recipe
from tests.chat import made
from tests.detector.tiny import write_heads
from tests.dpo import tiny

QUICK = (
    "stage1.epochs=1",
    "stage2.epochs=1",
    "stage1.learning_rate=1e-3",
    "stage2.learning_rate=1e-3",
    "stage1.eval_steps=5",
    "evaluation.max_new_tokens=6",
    "evaluation.num_prompts=5",
)
PROMPTS = [
    f"where do {animal} sleep?" for animal in ["cats", "dogs", "hens", "pigs", "cows", "bees"]
]


OWN = """
name: own
holdout_share: 0.3
stages:
  - name: stage1
    title: content
    filter: [{kind: sum, name: content, maxims: [quantity, relation], above: 0.1}]
    weights: {quantity: 1, relation: 1}
    learning_rate: 1.0e-3
    beta: 0.05
    epochs: 1
  - name: round
    title: own
    from: model
    rounds: 2
    samples: {k: 3, max_new_tokens: 60, num_prompts: 10, min_gain: 1.0e-6, max_loss: 1}
    weights: {manner: 1}
    learning_rate: 1.0e-3
    beta: 0.05
    epochs: 1
evaluation: {num_prompts: 5, max_new_tokens: 6}
"""
"""A stage on the data's pairs, then two rounds of the model's own."""


def pair(number: int, draw: random.Random) -> dict[str, Any]:
    """Every second pair is clear on content, the others on manner."""
    content = number % 2 == 0
    better = dict.fromkeys(MAXIMS, 0.1)
    worse = better | ({"quantity": 0.9, "relation": 0.7} if content else {"manner": 0.8})
    return {
        "prompt": f"{draw.choice('abcdefgh')} {draw.choice('abcdefgh')}? {number % 20}",
        "chosen": "they sleep in the sun.",
        "rejected": "yes." if content else f"sun the in {draw.choice('xyz')} sleep.",
        "chosen_scores": better,
        "rejected_scores": worse,
    }


def write_pairs(path: Path, num_pairs: int = 48, scored: bool = True) -> Path:
    draw = random.Random(0)
    pairs = [pair(number, draw) for number in range(num_pairs)]
    if not scored:
        for one in pairs:
            del one["chosen_scores"], one["rejected_scores"]
    return write_pairs_as(path, pairs)


def write_pairs_as(path: Path, pairs: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps(pairs))
    return path


def write_prompts(path: Path, prompts: list[str]) -> Path:
    path.write_text(json.dumps([{"prompt": prompt} for prompt in prompts]))
    return path


def write_base(folder: Path) -> Path:
    tiny.gpt2().save_pretrained(folder)
    tiny.tokenizer().save_pretrained(folder)
    return folder


def write_chat_base(folder: Path, template: str) -> Path:
    """A base with a chat template, which sees one token per byte."""
    tokenizer = made.tokenizer(template)
    sizes = {"vocab_size": len(tokenizer), "max_position_embeddings": 512}
    tiny.architecture("llama", **sizes).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_world(folder: Path) -> Path:
    """A folder with pairs.json, eval.json, base and detector."""
    folder.mkdir(parents=True, exist_ok=True)
    data = write_pairs(folder / "pairs.json")
    # One evaluation prompt also stands in the data, twice in the file.
    leaking = json.loads(data.read_text())[0]["prompt"]
    write_prompts(folder / "eval.json", [*PROMPTS, leaking, leaking, PROMPTS[0]])
    write_base(folder / "base")
    write_heads(folder / "detector")
    return folder


def quick(recipe: str) -> Recipe:
    """A built-in recipe, over in a second or two."""
    overrides = [o for o in QUICK if recipe != "joint" or not o.startswith(("stage2", "stage1.ep"))]
    return load_recipe(recipe, overrides)


def own(*overrides: str) -> Recipe:
    """The recipe `OWN`."""
    return parse_recipe(OWN, "own", overrides)


def config(world: Path, out: Path, **changes: Any) -> PipelineConfig:
    settings: dict[str, Any] = {
        "data": world / "pairs.json",
        "eval": world / "eval.json",
        "base": str(world / "base"),
        "detector": str(world / "detector"),
        "recipe": quick("content-then-manner"),
        "out": out,
        "device": "cpu",
    }
    return PipelineConfig(**(settings | changes))
