"""Sending notices to the addresses of `GRICE_NOTIFY`, beside a worker's runs and never in their way.

A message says which pipeline, run and step, and the verdict: no prompts, answers or error texts, no names.
"""

import importlib.util
import json
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from grice_core.durations import rough_duration
from grice_core.errors import GriceError
from grice_core.parent import start_child
from grice_core.store import notices
from grice_core.store.database import Database
from grice_core.store.notices import DueNotice
from grice_core.store.states import NoticeEvent
from worker.settings import WorkerSettings

_LOOK_EVERY_S = 5.0
_START_S, _PER_ADDRESS_S = 60.0, 20.0
"""How long sending may take: for the process to start, and for each address."""
_SPARE_S = 60.0
INSTALL = "pip install 'grice-studio[notify]'"

_TITLES = {
    NoticeEvent.SUCCEEDED: "is done",
    NoticeEvent.FAILED: "failed",
    NoticeEvent.STALLED: "stalled",
}
_TYPES = {
    NoticeEvent.SUCCEEDED: "success",
    NoticeEvent.FAILED: "failure",
    NoticeEvent.STALLED: "warning",
}


@dataclass(frozen=True)
class Message:
    """What addresses get."""

    title: str
    body: str
    type: str = "info"
    """apprise's word for its colour: info, success, warning, failure."""


@dataclass(frozen=True)
class Delivery:
    """What became of a message at one address."""

    position: int
    """0-based, in `GRICE_NOTIFY`."""
    service: str
    """Slack, E-Mail …"""
    trouble: str
    """Why it does not have it; empty: it has."""

    def __str__(self) -> str:
        return f"address {self.position + 1} of GRICE_NOTIFY ({self.service}) {self.trouble or 'has it'}"


def message_of(notice: DueNotice, dashboard_url: str | None) -> Message:
    """A notice in words."""
    is_of_sweep = notice.sweep_id is not None and notice.event is not NoticeEvent.STALLED
    kind, number = ("sweep", notice.sweep_id) if is_of_sweep else ("pipeline", notice.pipeline_id)
    title = f"{kind.capitalize()} {number} {_TITLES[notice.event]}"
    run = f"Run {notice.run_id} ({notice.kind.of_stage(notice.stage)})"
    if notice.event is NoticeEvent.SUCCEEDED:
        body = f"Verdict: {notice.verdict}." if notice.verdict else f"{run} was the last one."
    elif notice.num_steps:
        body = f"{run}, {notice.kind.progress(notice.step, notice.num_steps)}."
    else:
        body = f"{run}."
    if dashboard_url:
        page = "sweep" if is_of_sweep else "runs"
        body += f"\n{dashboard_url.rstrip('/')}/{page}?{urlencode({kind: number})}"
    return Message(title, body, _TYPES[notice.event])


def deliver(message: Message, addresses: Mapping[int, str]) -> list[Delivery]:
    """Send a message to addresses, by their position, in a process of its own.

    Returns:
        What became of it at each; one that took too long is left out.
    """
    if importlib.util.find_spec("apprise") is None:
        trouble = f"can't be used: apprise is not installed; {INSTALL}"
        return [Delivery(position, "unknown", trouble) for position in addresses]
    process = start_child(
        ["-m", "worker.send_notice"],
        dict(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a traceback of a library's may hold an address
    )
    asked = json.dumps({**asdict(message), "addresses": dict(addresses)}).encode()
    try:
        answers, _ = process.communicate(asked, timeout=_longest_s(len(addresses)))
    except subprocess.TimeoutExpired:
        process.kill()
        answers, _ = process.communicate()
    return [Delivery(**json.loads(line)) for line in answers.splitlines()]


def _longest_s(num_addresses: int) -> float:
    return _START_S + num_addresses * _PER_ADDRESS_S


def addresses_of(settings: WorkerSettings) -> dict[int, str]:
    """The addresses of `GRICE_NOTIFY`, by their position."""
    return {position: one.get_secret_value() for position, one in enumerate(settings.notify)}


@dataclass(frozen=True)
class Notifier:
    """Sends what is due; any number of workers may have one."""

    database: Database
    settings: WorkerSettings
    say: Callable[[str], None]

    def send_due(self) -> None:
        """Send all that is due now."""
        taken_for_s = _longest_s(len(self.settings.notify)) + _SPARE_S
        while notices.is_any_due(self.database):
            notice = notices.take(self.database, taken_for_s)
            if notice is None:  # another worker was faster
                return
            self._send(notice)

    def _send(self, notice: DueNotice) -> None:
        wanted = self.settings.notify_events or tuple(NoticeEvent)
        if notice.event not in wanted or notice.age_s > notices.FORGOTTEN_AFTER_S:
            notices.close(self.database, notice)
            return
        message = message_of(notice, self.settings.dashboard_url)
        left = addresses_of(self.settings)
        for position in notice.reached & left.keys():
            del left[position]
        troubles = []
        for delivery in deliver(message, dict(left)):
            if delivery.trouble:
                troubles.append(str(delivery))
            else:
                notices.reach(self.database, notice, delivery.position)
                del left[delivery.position]
        if not left:
            notices.close(self.database, notice)
        else:
            self._try_later(notice, troubles)

    def _try_later(self, notice: DueNotice, troubles: list[str]) -> None:
        trouble = "; ".join(troubles) or "an address of GRICE_NOTIFY took too long to answer"
        pause_s = notices.postpone(self.database, notice, trouble)
        what = f"notification of pipeline {notice.pipeline_id} ({notice.event})"
        if notice.age_s + pause_s > notices.FORGOTTEN_AFTER_S:
            notices.close(self.database, notice, trouble)
            self.say(f"{what} is given up: {trouble}")
        elif notice.attempts == 1:  # once, however often it is tried
            self.say(
                f"{what} is not sent yet: {trouble}; tried again from {rough_duration(pause_s)} on"
            )

    def keep_on(self, until: threading.Event) -> threading.Thread:
        """Do it again and again, in a thread, until the event is set."""

        def loop() -> None:
            while not until.wait(_LOOK_EVERY_S):
                try:
                    self.send_due()
                except GriceError as error:
                    self.say(f"notifications: {error}")

        thread = threading.Thread(target=loop, name="notifications", daemon=True)
        thread.start()
        return thread
