"""Upgrades: from every earlier revision, with rows; failed, doubled, at the same time."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
    Boolean,
    Connection,
    Double,
    Engine,
    Integer,
    MetaData,
    Table,
    insert,
    inspect,
    select,
)

from grice_core.errors import StoreError
from grice_core.store.database import Database
from grice_core.store.engine import connect
from grice_core.store.migrate import (
    MIGRATIONS,
    bring_up_to_date,
    check,
    latest_revision,
    prepare,
    revision,
    upgrade,
)
from grice_core.store.tables import Base, Pipeline

REVISIONS = [script.revision for script in ScriptDirectory(MIGRATIONS).walk_revisions()][::-1]

BROKEN = """
from alembic import op
import sqlalchemy as sa

revision = "broken"
down_revision = "{head}"

def upgrade():
    op.create_table("stray", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("INSERT INTO no_such_table VALUES (1)")
"""

REBUILT = """
from alembic import op
import sqlalchemy as sa

revision = "rebuilt"
down_revision = "{head}"

def upgrade():
    with op.batch_alter_table("runs", recreate="{recreate}") as runs:
        runs.add_column(sa.Column("note", sa.Text()))
"""


def further(folder: Path, source: str, **words: str) -> Path:
    """The migrations, and one more revision on top."""
    migrations = folder / "migrations"
    shutil.copytree(MIGRATIONS, migrations, ignore=shutil.ignore_patterns("__pycache__"))
    text = source.format(head=REVISIONS[-1], **words)
    (migrations / "versions" / "further.py").write_text(text)
    return migrations


def fill(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Put one row into every table there is, and say what is in them."""
    metadata = MetaData()
    metadata.reflect(connection)
    tables = [table for table in metadata.sorted_tables if table.name != "alembic_version"]
    for table in tables:
        connection.execute(insert(table).values(dict(made_up(table))))
    return {
        table.name: [tuple(row) for row in connection.execute(select(table))] for table in tables
    }


def made_up(table: Table) -> Iterator[tuple[str, Any]]:
    """A value for each column, the same in every table, so that rows can refer to each other."""
    for column in table.columns:
        match column.type:
            case Boolean():
                yield column.name, True
            case JSON():
                yield column.name, {"a": 1}
            case Integer() | Double():
                yield column.name, 1
            case _:
                yield column.name, "a"


def rows_now(connection: Connection, before: dict[str, list[tuple[Any, ...]]]) -> dict[str, Any]:
    """The rows of the same tables, as wide as they were."""
    metadata = MetaData()
    metadata.reflect(connection)
    return {
        name: [
            tuple(row)[: len(rows[0])] for row in connection.execute(select(metadata.tables[name]))
        ]
        for name, rows in before.items()
    }


def test_an_empty_database_gets_exactly_the_tables_of_the_models(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    assert revision(empty_engine) == latest_revision() == REVISIONS[-1]
    with empty_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


@pytest.mark.parametrize("earlier", REVISIONS)
def test_rows_survive_an_upgrade_from_every_revision(empty_engine: Engine, earlier: str) -> None:
    upgrade(empty_engine, earlier)
    with empty_engine.begin() as connection:
        before = fill(connection)
    upgrade(empty_engine)
    assert revision(empty_engine) == REVISIONS[-1]
    with empty_engine.connect() as connection:
        assert before
        assert rows_now(connection, before) == before


def test_upgrading_twice_changes_nothing(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    with empty_engine.begin() as connection:
        before = fill(connection)
    upgrade(empty_engine)
    with empty_engine.connect() as connection:
        assert rows_now(connection, before) == before


def test_a_failed_upgrade_leaves_everything_as_it_was(empty_engine: Engine, tmp_path: Path) -> None:
    upgrade(empty_engine, REVISIONS[0])
    with empty_engine.begin() as connection:
        before = fill(connection)
    with pytest.raises(StoreError, match="no_such_table"):
        upgrade(empty_engine, migrations=further(tmp_path, BROKEN))
    assert revision(empty_engine) == REVISIONS[0]
    with empty_engine.connect() as connection:
        assert "stray" not in inspect(connection).get_table_names()
        assert rows_now(connection, before) == before
    upgrade(empty_engine)


def test_rebuilding_a_table_keeps_the_rows_that_hang_on_it(
    empty_engine: Engine, tmp_path: Path
) -> None:
    on_sqlite = empty_engine.dialect.name == "sqlite"
    upgrade(empty_engine)
    with empty_engine.begin() as connection:
        before = fill(connection)
    recreate = "always" if on_sqlite else "never"
    upgrade(empty_engine, migrations=further(tmp_path, REBUILT, recreate=recreate))
    with empty_engine.connect() as connection:
        assert before["metrics"]
        assert rows_now(connection, before) == before
        if on_sqlite:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_several_processes_may_upgrade_at_once(empty_url: str) -> None:
    engines = [connect(empty_url) for _ in range(4)]
    with ThreadPoolExecutor(len(engines)) as threads:
        list(threads.map(upgrade, engines))
    assert {revision(engine) for engine in engines} == {REVISIONS[-1]}
    for engine in engines:
        engine.dispose()


def test_a_database_of_a_newer_version_is_left_alone(empty_engine: Engine, tmp_path: Path) -> None:
    migrations = further(tmp_path, REBUILT, recreate="auto")
    upgrade(empty_engine, migrations=migrations)
    with pytest.raises(StoreError, match="if a newer Grice Studio made it, use that"):
        upgrade(empty_engine)
    assert revision(empty_engine) == "rebuilt"


def test_preparing_an_empty_database_makes_all_its_tables(empty_engine: Engine) -> None:
    prepare(Database(empty_engine))
    assert revision(empty_engine) == REVISIONS[-1]
    prepare(Database(empty_engine))
    check(Database(empty_engine))


@pytest.mark.parametrize("look", [prepare, check])
def test_tables_of_an_earlier_version_are_not_used_and_not_upgraded_in_passing(
    empty_engine: Engine, look: Callable[[Database], None]
) -> None:
    upgrade(empty_engine, REVISIONS[0])
    with pytest.raises(StoreError, match="run `grice migrate`"):
        look(Database(empty_engine))
    assert revision(empty_engine) == REVISIONS[0]


@pytest.mark.parametrize("look", [prepare, check])
def test_tables_of_a_newer_version_are_not_used(
    empty_engine: Engine, look: Callable[[Database], None]
) -> None:
    upgrade(empty_engine)
    with empty_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"revision 9999, which .* doesn't know"):
        look(Database(empty_engine))
    with pytest.raises(StoreError, match="a newer one has upgraded it; use that"):
        bring_up_to_date(empty_engine, print, is_backed_up=True)


def test_nothing_is_upgraded_without_a_copy_or_a_word(empty_engine: Engine, tmp_path: Path) -> None:
    said: list[str] = []
    upgrade(empty_engine, REVISIONS[0])
    with empty_engine.begin() as connection:
        before = fill(connection)
    if empty_engine.dialect.name == "postgresql":
        with pytest.raises(StoreError, match=r"make a backup .* `grice migrate --backed-up`"):
            bring_up_to_date(empty_engine, said.append)
        assert revision(empty_engine) == REVISIONS[0]
        bring_up_to_date(empty_engine, said.append, is_backed_up=True)
    else:
        bring_up_to_date(empty_engine, said.append)
        copy = tmp_path / f"empty.db.at-{REVISIONS[0]}"
        assert str(copy) in said[0]
        kept = connect(f"sqlite:///{copy}")
        with kept.connect() as connection:
            assert rows_now(connection, before) == before
        assert revision(kept) == REVISIONS[0]
        kept.dispose()
    assert revision(empty_engine) == REVISIONS[-1]


def test_a_statement_about_a_column_that_is_not_there_yet_says_what_to_do(
    empty_engine: Engine,
) -> None:
    upgrade(empty_engine, REVISIONS[0])
    with pytest.raises(StoreError, match="run `grice migrate`"):
        Database(empty_engine).read(lambda session: session.scalars(select(Pipeline)).all())
