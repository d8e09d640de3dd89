"""What a user gave is kept once, and put back when it was lost."""

from grice_core.pipeline.keeping import Keeper
from grice_core.store import data_sets
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.engine import connect
from grice_core.store.migrate import upgrade


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
