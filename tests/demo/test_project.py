import json
from collections import Counter
from pathlib import Path

import pytest

from grice_core.data.load import load_pairs, load_prompts
from grice_core.demo.corpus import new_things
from grice_core.demo.oracle import judge
from grice_core.demo.project import demo_models, write_demo_data
from grice_core.errors import InputError


def test_the_pairs_are_clean_and_unscored(tmp_path: Path):
    data = write_demo_data(tmp_path, seed=0, num_pairs=200)
    loaded = load_pairs(data.pairs)
    assert len(loaded.table) == 200
    assert not loaded.table.scored.any()
    assert not [problem for problem in loaded.report.problems if problem.severity == "error"]


def test_no_pair_is_about_a_thing_of_the_evaluation(tmp_path: Path):
    data = write_demo_data(tmp_path, seed=0, num_pairs=200)
    new = {thing.the for thing in new_things()}
    for pair in json.loads(data.pairs.read_text()):
        assert not any(the in text for text in pair.values() for the in new)


def test_the_evaluation_asks_about_every_new_thing_and_never_the_same(tmp_path: Path):
    data = write_demo_data(tmp_path, seed=0, num_pairs=1)
    prompts = load_prompts(data.prompts).prompts
    assert list(prompts) == list(data.dialogues)
    assert len(set(prompts)) == len(prompts) >= 300
    asked = Counter(dialogue.thing for dialogue in data.dialogues.values())
    assert set(asked) == set(new_things())
    assert max(asked.values()) == 2


def test_the_oracle_knows_the_dialogue_behind_each_prompt(tmp_path: Path):
    data = write_demo_data(tmp_path, seed=0, num_pairs=1)
    for dialogue in data.dialogues.values():
        assert judge(dialogue, dialogue.asked.full) == frozenset()


def test_the_same_seed_writes_the_same_files(tmp_path: Path):
    one, other = (write_demo_data(tmp_path / name, seed=3, num_pairs=20) for name in "ab")
    assert one.pairs.read_bytes() == other.pairs.read_bytes()
    assert one.prompts.read_bytes() == other.prompts.read_bytes()


def test_missing_models_are_named_with_the_command_that_makes_them(tmp_path: Path):
    with pytest.raises(InputError, match=r"base is missing.*grice demo build"):
        demo_models(tmp_path)
