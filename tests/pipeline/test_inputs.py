"""What the runs of a pipeline work on has the messages that the user's files have."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grice_core.data.load import load_pairs
from grice_core.pipeline.parts import PipelineParts
from grice_core.recipes.load import load_recipe
from tests.pipeline.world import PROMPTS, QUICK, config, pair


def turns(*texts: str) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[i % 2], "content": text} for i, text in enumerate(texts)]


@pytest.fixture
def inputs_of_conversations(world: Path, tmp_path: Path) -> Any:
    """Parts of a pipeline on unscored pairs, of which all but the first are conversations."""
    draw = random.Random(0)
    pairs = [pair(number, draw) for number in range(48)]
    rows = [{name: one[name] for name in ("prompt", "chosen", "rejected")} for one in pairs]
    rows[1:] = [
        {side: turns("hello", "yes.", row["prompt"], row[side]) for side in ("chosen", "rejected")}
        for row in rows[1:]
    ]
    (tmp_path / "pairs.json").write_text(json.dumps(rows))
    prompts = [{"prompt": turns("hello", "yes.", prompt)} for prompt in PROMPTS]
    (tmp_path / "eval.json").write_text(json.dumps([*prompts, {"prompt": "plain"}]))
    recipe = load_recipe("joint", ["control_for=null", "stage1.filter=[]", "stage1.epochs=1"])
    (tmp_path / "out").mkdir()
    return lambda: PipelineParts(
        config(
            world,
            tmp_path / "out",
            data=tmp_path / "pairs.json",
            eval=tmp_path / "eval.json",
            recipe=recipe,
        )
    )


def test_scored_conversations_stay_conversations(inputs_of_conversations, tmp_path):
    table = inputs_of_conversations().inputs.table

    unscored = load_pairs(tmp_path / "pairs.json").table
    written = load_pairs(tmp_path / "out" / "scored_pairs.json").table
    again = inputs_of_conversations().inputs.table
    assert table.conversations == unscored.conversations
    assert table.conversations[0] is None
    assert written.fingerprint == table.fingerprint == again.fingerprint
    assert not np.isnan(again.margins).any()


def test_prompts_are_selected_with_their_messages(inputs_of_conversations):
    selection = inputs_of_conversations().inputs.selection

    by_text = dict(zip(selection.prompts, selection.messages, strict=True))
    assert by_text["plain"] is None
    for prompt in PROMPTS:
        text = f"[user]: hello\n[assistant]: yes.\n[user]: {prompt}"
        assert by_text[text] == tuple(turns("hello", "yes.", prompt))


def test_prompts_can_be_held_out_of_the_pairs_themselves(world: Path, tmp_path: Path) -> None:
    rows = json.loads((world / "pairs.json").read_text())
    del rows[0]["prompt"]  # an unusable row does not stand in the way
    data = tmp_path / "pairs.json"
    data.write_text(json.dumps(rows))
    (tmp_path / "out").mkdir()
    asked = config(world, tmp_path / "out", data=data, eval=data, leakage="hold-out")

    inputs = PipelineParts(asked).inputs

    trained = {inputs.table.prompts[i] for stage in inputs.stages for i in stage.train_indices}
    assert len(inputs.selection.prompts) == 5
    assert trained
    assert not trained & set(inputs.selection.prompts)
    assert inputs.num_leaking_pairs >= 5


def test_prompts_that_a_base_has_no_room_for_are_cut_when_it_is_tried(
    world: Path, tmp_path: Path
) -> None:
    prompts = tmp_path / "long.json"
    prompts.write_text(
        json.dumps([{"prompt": f"where do {'big ' * 2_000}cats sleep? {n}"} for n in range(3)])
    )
    (tmp_path / "out").mkdir()
    parts = PipelineParts(config(world, tmp_path / "out", eval=prompts))

    parts.prepare()

    assert parts.record.content["inputs"]["base"]["trial"]["decoding"] == "refilled"


@pytest.mark.parametrize(("rank", "num_tried"), [(16, 1), (4, 2)])
def test_an_adapter_that_several_stages_have_is_tried_once(
    rank: int, num_tried: int, world: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    recipe = load_recipe("content-then-manner", (*QUICK, f"stage2.lora.r={rank}"))
    parts = PipelineParts(config(world, tmp_path / "out", recipe=recipe, precision="fp32"))

    _, trial = parts.try_base(parts.inputs)

    assert [choice.passes for choice in trial.passes] == ["shared", "shared"]
    assert len({id(choice) for choice in trial.passes}) == num_tried
    assert len({reach.share for reach in trial.reach}) == 1
