"""Sets of evaluation prompts that grow by hand; each is a new set, so that old results keep theirs."""

import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.state.open_data import open_pairs
from app.state.studio import Studio
from grice_core.data.prompts import normalise_prompt
from grice_core.errors import InputError, NotFoundError
from grice_core.registry import Keeper
from grice_core.store import data_sets, pipelines
from grice_core.store.tables import DataSet

_ADDED_BY_HAND = re.compile(r" \+ (\d+)$")


@dataclass(frozen=True)
class AddedPrompt:
    """A prompt that was added, and where it is now."""

    prompt: str
    data_set_id: int
    sentence: str


def evaluation_set_of(studio: Studio, pipeline_id: int) -> DataSet:
    """The prompts that a pipeline was judged on, with those that were added to them since.

    Raises:
        NotFoundError: there is no such pipeline, or its evaluation set was removed.
    """
    data_set_id = pipelines.get(studio.database, pipeline_id).eval_data_set_id
    if data_set_id is None:
        raise NotFoundError("the evaluation set of this pipeline is not there any more")
    found = data_sets.get(studio.database, data_set_id)
    root = _root(found.name)
    grown = [
        one
        for one in data_sets.page(studio.database)
        if _root(one.name) == root and _num_added(one.name) > _num_added(found.name)
    ]
    return max(grown, key=lambda one: _num_added(one.name), default=found)


def add_prompt(studio: Studio, held_out: DataSet, prompt: str) -> AddedPrompt:
    """Make a set of these prompts and one more.

    Raises:
        InputError: the prompt is among them already.
    """
    prompts = open_pairs(studio, held_out.artifact_sha256).table.prompts
    if normalise_prompt(prompt) in {normalise_prompt(known) for known in prompts}:
        raise InputError(f"this prompt is in {held_out.name} already")
    name = f"{_root(held_out.name)} + {_num_added(held_out.name) + 1}"
    with tempfile.TemporaryDirectory(dir=studio.scratch) as folder:
        path = Path(folder) / "prompts.json"
        path.write_text(json.dumps([{"prompt": each} for each in (*prompts, prompt)]))
        made = Keeper(studio.database, studio.artifacts).keep_prompts(path, name)
    sentence = f"Added: {name} holds {len(prompts) + 1:,} prompts, this one among them."
    return AddedPrompt(prompt, made.id, sentence)


def _root(name: str) -> str:
    return _ADDED_BY_HAND.sub("", name)


def _num_added(name: str) -> int:
    found = _ADDED_BY_HAND.search(name)
    return int(found[1]) if found else 0
