"""`grice doctor`: each part found in order and out of order, with what to do about it."""

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata

import pytest

from grice_core.settings import settings
from grice_core.store import migrate
from grice_core.store.engine import connect
from worker.cli.doctor import examine
from worker.settings import worker_settings


@pytest.fixture
def consult(tmp_path, template, monkeypatch):
    """Examines an installation of its own, changed as a test says; gives the findings by part."""
    shutil.copy(template, tmp_path / "grice.db")
    monkeypatch.delenv("REDIS_URL", raising=False)

    def findings(**environment):
        for name, value in {"GRICE_HOME": str(tmp_path), **environment}.items():
            monkeypatch.setenv(name, str(value))
        settings.cache_clear()
        worker_settings.cache_clear()
        return {finding.part: finding for finding in examine()}

    yield findings
    settings.cache_clear()
    worker_settings.cache_clear()


def test_a_whole_installation_has_no_fault(quiet):
    done = quiet.grice("doctor")
    assert done.returncode == 0, done.stdout
    assert "fault" not in done.stdout
    said = " ".join(done.stdout.split())
    for part in ("versions fine", "disk", "database fine", "artifacts fine", "queue fine"):
        assert part in said
    assert f"vm:{quiet.workers[0].pid}".partition(":")[2] in said


def test_programs_are_told_the_same(quiet):
    done = quiet.grice("doctor", "--json")
    found = json.loads(done.stdout)
    assert [finding["part"] for finding in found][:2] == ["versions", "GPU"]
    assert {finding["grade"] for finding in found} <= {"fine", "remark"}
    (gpu,) = [finding for finding in found if finding["part"] == "GPU"]
    assert gpu["grade"] == "fine" or "install its driver" in gpu["remedy"]


def test_every_part_is_looked_at(consult):
    assert list(consult()) == [
        "versions",
        "GPU",
        "disk",
        "database",
        "artifacts",
        "queue",
        "workers",
        "notifications",
        "hub",
    ]


def test_a_package_that_is_missing_or_of_another_version_is_named(consult, monkeypatch):
    needs = metadata.requires

    def more(name):
        return [*needs(name), "no-such-package", "rq<1", "no-other; extra == 'dev'"]

    monkeypatch.setattr(metadata, "requires", more)
    found = consult()["versions"]
    assert found.grade == "fault"
    assert found.sentence.startswith("no-such-package is not installed; rq is 3.")
    assert "no-other" not in found.sentence
    assert "make setup" in found.remedy


def test_a_home_that_can_not_be_written_to_is_a_fault(consult, tmp_path):
    (tmp_path / "file").touch()
    found = consult(GRICE_HOME=tmp_path / "file" / "home")["disk"]
    assert found.grade == "fault"
    assert "can't be written to" in found.sentence
    assert "GRICE_HOME" in found.remedy


def test_a_database_of_an_earlier_version_says_how_it_is_upgraded(consult, tmp_path):
    url = f"sqlite:///{tmp_path / 'old.db'}"
    engine = connect(url)
    migrate.upgrade(engine, "0001")
    engine.dispose()
    found = consult(GRICE_DATABASE_URL=url)["database"]
    assert found.grade == "remark"
    assert f"is at revision 0001; this version needs {migrate.latest_revision()}" in found.sentence
    assert "grice migrate" in found.remedy


def test_a_database_that_does_not_answer_is_a_fault_and_its_password_is_not_told(consult):
    url = "postgresql://grice:secret@127.0.0.1:1/grice"
    found = consult(GRICE_DATABASE_URL=url)
    assert found["database"].grade == "fault"
    assert "GRICE_DATABASE_URL" in found["database"].remedy
    assert "secret" not in " ".join(finding.sentence for finding in found.values())


def test_a_store_that_can_not_be_written_is_a_fault(consult, tmp_path):
    (tmp_path / "file").touch()
    found = consult(GRICE_ARTIFACTS_URL=f"file://{tmp_path}/file/artifacts")["artifacts"]
    assert found.grade == "fault"
    assert "GRICE_ARTIFACTS_URL" in found.remedy


def test_an_embedded_queue_that_does_not_run_is_no_fault_but_one_that_is_named_is(consult):
    found = consult()["queue"]
    assert (found.grade, found.remedy) == ("remark", "`grice up` starts it")
    found = consult(REDIS_URL="redis://127.0.0.1:1/0")["queue"]
    assert found.grade == "fault"
    assert "REDIS_URL" in found.remedy


def test_a_queue_nobody_listens_to_says_how_to_start_a_worker(consult, quiet_server):
    found = consult(REDIS_URL=f"unix://{quiet_server.socket}")
    assert found["queue"].grade == "fine"
    assert found["workers"].grade == "remark"
    assert "python -m worker" in found["workers"].remedy


def test_faults_are_told_by_the_exit_status_too(tmp_path):
    (tmp_path / "file").touch()
    done = subprocess.run(
        [sys.executable, "-c", "from app.cli import main; main()", "doctor"],
        env={**os.environ, "GRICE_HOME": str(tmp_path / "file"), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "only models in folders or the cache" in " ".join(done.stdout.split())
