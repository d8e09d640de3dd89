"""Sampled pairs say where they come from, in whatever file they stand."""

from dataclasses import replace

import pyarrow as pa
import pytest

from grice_core.data.columnar import write_pairs
from grice_core.data.export import write_json, write_jsonl
from grice_core.data.load import load_pairs
from grice_core.rounds.provenance import Origin, name_of_model, origins_of
from tests.data.tables import table_of

PAIRS = table_of([(0.5, 0.0, 0.0, 0.0)] * 3)
ORIGIN = Origin("base + stage1", "a" * 64, "b" * 64)


@pytest.mark.parametrize(
    ("write", "name"),
    [(write_json, "own.json"), (write_jsonl, "own.jsonl"), (write_pairs, "own.parquet")],
)
def test_each_way_of_sampling_is_a_sentence(tmp_path, write, name):
    columns = ORIGIN.columns(["best of 4", "best of 4", "best of 8"])
    write(tmp_path / name, replace(PAIRS, extras=pa.table(columns)))
    assert sorted(origins_of(load_pairs(tmp_path / name).table)) == [
        f"{count} pairs sampled from base + stage1 (weights {'a' * 12}), judged by the detector {'b' * 12}: "
        f"best of {k}"
        for count, k in ((1, 8), (2, 4))
    ]


def test_other_pairs_have_no_origin():
    assert origins_of(PAIRS) == []
    mine = {name: [{"any": 1}] * 3 for name in ORIGIN.columns([])}
    assert origins_of(replace(PAIRS, extras=pa.table(mine))) == []


def test_a_model_is_called_by_its_hub_id_or_its_folder(tmp_path):
    assert name_of_model("someone/gpt2", ["stage1", "round1"]) == "someone/gpt2 + stage1 + round1"
    assert name_of_model(str(tmp_path), []) == tmp_path.name
