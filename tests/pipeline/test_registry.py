"""What a user gave is kept once, and put back when it was lost."""

import hashlib
from dataclasses import replace
from pathlib import Path

from pyarrow import parquet

from grice_core.data.layouts.mapping import FieldMap
from grice_core.data.layouts.opening import Reading
from grice_core.data.load import load_pairs, load_prompts
from grice_core.pipeline.sources import StoredPairs, UserFile, open_pairs, open_prompts
from grice_core.progress import silent
from grice_core.registry import FILE_SHA256, Keeper
from grice_core.store import data_sets
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.engine import connect
from grice_core.store.migrate import upgrade
from grice_core.store.tables import DataSet
from tests.data.conversations import ASKED, FOUND, SYSTEM, TOOLS, USER, conversational_rows
from tests.data.files import json_file
from worker.intake import Intake
from worker.requests import DetectorRequest


def keeper_in(folder, artifacts="artifacts"):
    engine = connect(f"sqlite:///{folder}/grice.db")
    upgrade(engine)
    return Keeper(Database(engine), ArtifactStore(f"file://{folder}/{artifacts}"))


def test_pairs_that_were_lost_are_put_back_by_the_same_file(world, tmp_path):
    keeper = keeper_in(tmp_path)
    first = keeper.keep_pairs(world / "pairs.json", "pairs.json")
    keeper.artifacts.objects.delete(f"objects/{first.artifact_sha256[:2]}/{first.artifact_sha256}")
    again = keeper.keep_pairs(world / "pairs.json", "pairs.json")
    assert (again.id, again.artifact_sha256) == (first.id, first.artifact_sha256)
    assert keeper.artifacts.contains(first.artifact_sha256)


def test_a_database_that_was_moved_to_another_store_takes_the_same_file_anew(world, tmp_path):
    first = keeper_in(tmp_path).keep_pairs(world / "pairs.json", "pairs.json")
    elsewhere = keeper_in(tmp_path, "elsewhere")
    again = elsewhere.keep_pairs(world / "pairs.json", "pairs.json")
    assert again.id == first.id
    assert elsewhere.artifacts.contains(again.artifact_sha256)


def test_pairs_that_are_written_otherwise_than_those_that_were_lost_take_their_place(
    world, tmp_path
):
    keeper = keeper_in(tmp_path)
    stored = keeper.keep_pairs(world / "pairs.json", "pairs.json")
    written_by_an_older_library = keeper.artifacts.put_bytes(b"the same pairs, in other bytes")
    data_sets.replace_pairs(keeper.database, stored.id, written_by_an_older_library)
    lost = written_by_an_older_library.sha256
    keeper.artifacts.objects.delete(f"objects/{lost[:2]}/{lost}")
    again = keeper.keep_pairs(world / "pairs.json", "pairs.json")
    assert (again.id, again.artifact_sha256) == (stored.id, stored.artifact_sha256)


def stored(keeper: Keeper, kept: DataSet, folder: Path) -> StoredPairs:
    """A data set as a worker elsewhere gets it."""
    path = folder / "fetched.parquet"
    keeper.artifacts.fetch_file(kept.artifact_sha256, path)
    return StoredPairs(path, kept.name, kept.sha256, kept.num_rows)


def test_conversations_are_what_a_worker_gets(tmp_path):
    keeper = keeper_in(tmp_path)
    path = json_file(tmp_path, *conversational_rows())
    table = load_pairs(path).table

    source = stored(keeper, keeper.keep_pairs(path, "pairs.json"), tmp_path)

    assert open_pairs(source, silent).table.conversations == table.conversations
    assert open_prompts(source).messages == load_prompts(path).messages
    assert open_prompts(source).tools == load_prompts(path).tools


def test_prompts_without_responses_keep_their_messages_and_tools(tmp_path):
    keeper = keeper_in(tmp_path)
    rows = [
        {"prompt": [SYSTEM, USER]},
        {"prompt": "plain"},
        {"prompt": [USER, ASKED, FOUND], "tools": TOOLS},
    ]
    path = json_file(tmp_path, *rows)

    prompts = open_prompts(stored(keeper, keeper.keep_prompts(path, "eval.json"), tmp_path))

    assert prompts.prompts == load_prompts(path).prompts
    assert prompts.messages == [(SYSTEM, USER), None, (USER, ASKED, FOUND)]
    assert prompts.tools == [(), (), tuple(TOOLS)]


def test_plain_prompts_are_kept_as_ever(tmp_path):
    keeper = keeper_in(tmp_path)
    path = json_file(tmp_path, {"prompt": "plain"}, {"prompt": "plainer"})

    kept = keeper.keep_prompts(path, "eval.json")
    source = stored(keeper, kept, tmp_path)

    assert (
        kept.sha256
        == hashlib.sha256(f"prompts of {load_prompts(path).sha256}".encode()).hexdigest()
    )
    assert "original_messages" not in parquet.read_schema(source.path).names
    assert open_prompts(source).prompts == ["plain", "plainer"]
    assert open_prompts(source).messages == [None, None]


def test_prompts_that_an_earlier_version_kept_as_text_are_not_taken_for_conversations(tmp_path):
    keeper = keeper_in(tmp_path)
    path = json_file(tmp_path, {"prompt": [SYSTEM, USER]})
    texts = load_prompts(path)
    earlier = keeper._keep_prompts_alone(replace(texts, messages=[None]), "eval.json")

    again = keeper.keep_prompts(path, "eval.json")

    assert open_prompts(stored(keeper, earlier, tmp_path)).prompts == texts.prompts
    assert again.id != earlier.id
    assert open_prompts(stored(keeper, again, tmp_path)).messages == [(SYSTEM, USER)]
    assert keeper.keep_prompts(path, "eval.json").id == again.id


MAPPED = Reading(field_map=FieldMap.parse(["prompt=ask,chosen=out.0,rejected=out.1"]))


def test_a_file_is_read_later_as_it_was_kept(tmp_path):
    keeper = keeper_in(tmp_path)
    path = json_file(tmp_path, {"ask": "When?", "out": ["At nine.", "Boats float."]})

    kept = keeper.keep_pairs(path, "own.json", reading=MAPPED)
    again = keeper.keep_pairs(path, "own.json")
    other_way = Reading(field_map=FieldMap.parse(["prompt=ask,chosen=out.1,rejected=out.0"]))
    swapped = keeper.keep_pairs(path, "own.json", reading=other_way)

    assert again.id == kept.id != swapped.id
    assert Reading.of(kept.report["reading"]) == MAPPED
    assert kept.report["read_as"].startswith("your mapping: prompt from ask")
    (found,) = open_pairs(stored(keeper, swapped, tmp_path), silent).table.chosen
    assert found == "Boats float."


def test_what_a_worker_opens_is_what_the_command_reads(tmp_path):
    keeper = keeper_in(tmp_path)
    path = json_file(tmp_path, {"ask": "When?", "out": ["At nine.", "Boats float."]})
    kept = keeper.keep_pairs(path, "own.json", reading=MAPPED)

    here = open_pairs(UserFile(path, MAPPED), silent)
    there = open_pairs(stored(keeper, kept, tmp_path), silent)

    assert here.table.fingerprint == there.table.fingerprint
    assert kept.report[FILE_SHA256] == here.sha256


def test_pairs_that_a_detector_is_distilled_from_are_stored_as_they_are_read(tmp_path):
    keeper = keeper_in(tmp_path)
    path = json_file(tmp_path, {"ask": "When?", "out": ["At nine.", "Boats float."]})
    request = DetectorRequest("distill", UserFile(path, MAPPED), "some/encoder", "own")

    spec = Intake(keeper.database, keeper.artifacts).detector_spec(request)

    (tmp_path / spec.data.name).write_bytes(keeper.artifacts.read(spec.data.sha256))
    assert load_pairs(tmp_path / spec.data.name).table.chosen == ["At nine."]
