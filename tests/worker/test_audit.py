"""`grice audit`: who changed what, as a table, JSON or CSV."""

import getpass
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from grice_core.settings import settings
from grice_core.store import migrate, queue_lines, recipes
from grice_core.store.actors import Actor, Role
from worker.cli import audit

ANN = Actor("ann@example.org", Role.MEMBER, "dashboard, 10.0.0.7")


@pytest.fixture
def grice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[typer.Typer]:
    """The command in front of a home in which two people changed something."""
    monkeypatch.setenv("GRICE_HOME", str(tmp_path))
    settings.cache_clear()
    database = migrate.opened(settings().database_url)
    recipes.save(database.acting_as(ANN), "=1+1", {"stages": []})
    queue_lines.pause(database)
    app = typer.Typer()
    app.callback()(lambda: None)
    audit.register(app)
    yield app
    settings.cache_clear()


def test_the_log_by_command(grice: typer.Typer) -> None:
    said = CliRunner().invoke(grice, ["audit", "--json"]).stdout
    paused, saved = json.loads(said)
    assert (paused["who"], paused["action"], paused["role"]) == (
        getpass.getuser(),
        "pause queue",
        "admin",
    )
    assert " on " in paused["from"]
    assert (saved["who"], saved["kind"], saved["id"]) == (ANN.name, "recipe", 1)

    of_ann = CliRunner().invoke(grice, ["audit", "--csv", "--who", ANN.name, "--since", "1d"])
    header, line = of_ann.stdout.splitlines()
    assert header == "time,who,role,action,kind,id,name,from"
    assert line.endswith('member,save recipe,recipe,1,\'=1+1,"dashboard, 10.0.0.7"')
    assert "Nothing" in CliRunner().invoke(grice, ["audit", "--since", "2999-01-01"]).stdout
    assert ANN.name[:5] in CliRunner().invoke(grice, ["audit"]).stdout
