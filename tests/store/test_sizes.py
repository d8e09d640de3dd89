"""How much room everything takes."""

from grice_core.store import recipes, sizes
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.references import Collected


def test_a_database_grows(database: Database) -> None:
    before = sizes.database_bytes(database)
    assert before > 10_000
    for number in range(40):
        recipes.save(database, f"recipe {number}", {"text": f"{number}" * 20_000})
    # Postgres compresses such texts, and grows by pages all the same.
    assert sizes.database_bytes(database) > before


def test_stored_files_are_counted_once(artifacts: ArtifactStore) -> None:
    assert sizes.stored_files(artifacts) == Collected(0, 0)
    artifacts.put_bytes(b"hello")
    artifacts.put_bytes(b"hello")
    artifacts.put_bytes(b"worlds")
    assert sizes.stored_files(artifacts) == Collected(2, 11)
