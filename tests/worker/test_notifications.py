"""Notices reach a real server, at least once, whatever it or a worker does meanwhile."""

import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import select, update
from typer.testing import CliRunner

from grice_core.errors import InputError
from grice_core.store import migrate, notices, runs, transitions
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from grice_core.store.tables import Notice
from tests.store.samples import claim_of, submitted_pipeline
from tests.worker.installation import installed
from tests.worker.processes import eventually, forked
from worker.cli import notify
from worker.notifications import Notifier
from worker.settings import WorkerSettings, worker_settings

SECRET = "hush-hush"  # noqa: S105 - of no one


class Webhook:
    """A server that keeps what is posted to it, and may be slow or refuse."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        """What it answers next; 200 when there are no more."""
        self.may_answer = threading.Event()
        self.may_answer.set()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.received.append(json.loads(body))
                hook.may_answer.wait(60)
                self.send_response(hook.statuses.pop(0) if hook.statuses else 200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"json://ann:{SECRET}@127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with closing(Webhook()) as hook:
        yield hook


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A home in which a training has failed with an answer in its error's text."""
    database = migrate.opened(f"sqlite:///{tmp_path / 'grice.db'}")
    artifacts = ArtifactStore(f"file://{tmp_path / 'artifacts'}")
    pipeline_id = submitted_pipeline(database, artifacts)
    claim = claim_of(database, runs.of_pipeline(database, pipeline_id)[0].id)
    transitions.fail(database, claim, "row 3: “An answer of the model” has no score")
    yield database
    database.engine.dispose()


@pytest.fixture
def notifier(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Notifier]]:
    """Makes one that says nothing but into the list `said` of its own."""

    def of(*addresses: str, said: list[str] | None = None, **more: str) -> Notifier:
        monkeypatch.setenv("GRICE_NOTIFY", json.dumps(addresses))
        for name, value in more.items():
            monkeypatch.setenv(name, value)
        worker_settings.cache_clear()
        return Notifier(database, WorkerSettings(), (said if said is not None else []).append)

    yield of
    worker_settings.cache_clear()


def let_it_be_due(database: Database) -> None:
    database.write(lambda session: session.execute(update(Notice).values(due_at=0.0)))


def test_a_failure_is_posted_once_without_texts(
    notifier: Callable[..., Notifier], webhook: Webhook, database: Database
) -> None:
    sender = notifier(webhook.address, GRICE_DASHBOARD_URL="https://studio.example.org/")
    sender.send_due()
    let_it_be_due(database)
    sender.send_due()
    (message,) = webhook.received
    assert message["title"] == "Pipeline 1 failed"
    assert message["message"] == (
        "Run 1 (train stage1).\nhttps://studio.example.org/runs?pipeline=1"
    )
    assert "answer" not in json.dumps(message)


def test_an_address_that_fails_is_tried_again_and_no_other(
    notifier: Callable[..., Notifier], webhook: Webhook, database: Database
) -> None:
    with closing(Webhook()) as other, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and does not listen
        said: list[str] = []
        other.statuses = [503]
        away = f"json://ann:{SECRET}@127.0.0.1:{closed.getsockname()[1]}"
        sender = notifier(webhook.address, other.address, away, f"nonsense://{SECRET}", said=said)
        for _ in range(2):
            let_it_be_due(database)
            sender.send_due()
        assert (len(webhook.received), len(other.received)) == (1, 2)
    assert said == [
        "notification of pipeline 1 (failed) is not sent yet: "
        "address 2 of GRICE_NOTIFY (JSON) answered with status 503; "
        "address 3 of GRICE_NOTIFY (JSON) can't be reached; "
        "address 4 of GRICE_NOTIFY (unknown) is no address that apprise knows; "
        "tried again from 60 s on"
    ]
    row = database.read(lambda session: session.scalars(select(Notice)).one())
    assert sorted(row.reached) == ["0", "1"]
    assert SECRET not in str(vars(row))
    assert SECRET not in repr(sender.settings)


def test_what_is_not_wanted_or_too_old_is_not_sent(
    notifier: Callable[..., Notifier], webhook: Webhook, database: Database
) -> None:
    notifier(webhook.address, GRICE_NOTIFY_EVENTS='["stalled"]').send_due()
    assert notices.counts(database).num_waiting == 0

    again = {"done_at": None, "due_at": 0.0, "created_at": Notice.created_at - 2 * 86_400}
    database.write(lambda session: session.execute(update(Notice).values(**again)))
    notifier(webhook.address, GRICE_NOTIFY_EVENTS="[]").send_due()
    assert notices.counts(database).num_waiting == 0
    assert webhook.received == []


def test_a_worker_killed_while_it_sends_leaves_the_rest_to_another(
    notifier: Callable[..., Notifier], webhook: Webhook, database: Database
) -> None:
    sender = notifier(webhook.address)
    webhook.may_answer.clear()
    database.engine.dispose()
    worker = forked(sender.send_due)
    eventually(lambda: webhook.received, "the message arrives")
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    webhook.may_answer.set()
    assert notices.counts(database).num_waiting == 1
    sender.send_due()
    assert len(webhook.received) == 1  # it is the killed one's for some minutes

    let_it_be_due(database)
    sender.send_due()
    assert [message["title"] for message in webhook.received] == ["Pipeline 1 failed"] * 2
    assert notices.counts(database).num_waiting == 0


def test_addresses_are_tried_by_command(
    notifier: Callable[..., Notifier], webhook: Webhook
) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    notify.register(app)
    notifier(webhook.address)
    assert CliRunner().invoke(app, ["notify"]).output == "address 1 of GRICE_NOTIFY (JSON) has it\n"
    assert webhook.received[0]["title"] == "Test"
    notifier()
    with pytest.raises(InputError, match="no one is notified: set GRICE_NOTIFY"):
        CliRunner().invoke(app, ["notify"], catch_exceptions=False)


@pytest.mark.stack
def test_a_worker_that_dies_between_the_end_and_the_notification_is_made_up_for_by_the_next(
    webhook: Webhook,
) -> None:
    with installed(GRICE_NOTIFY=json.dumps([webhook.address])) as installation:
        installation.start_valkey()
        queue = installation.queue()
        silent = installation.start_worker(env={"GRICE_NOTIFY": "[]"})
        pipeline_id = submitted_pipeline(queue.database, queue.artifacts)
        queue.wake()
        training = runs.of_pipeline(queue.database, pipeline_id)[0]
        eventually(
            lambda: runs.get(queue.database, training.id).state.is_finished(), "the training fails"
        )
        silent.kill()
        silent.wait()
        assert webhook.received == []
        installation.start_worker()
        eventually(lambda: webhook.received, "the next worker says so")
        assert webhook.received[0]["title"] == f"Pipeline {pipeline_id} failed"
