"""`grice doctor`: is everything there that is needed, and how is it fixed if not."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import typer

from grice_core.cli.terminal import stdout

_STYLES = {"fine": "green", "remark": "yellow", "fault": "red"}
_OURS = "grice-studio"
_NAMED = (_OURS, "torch", "transformers", "peft", "rq", "streamlit")
_GIB = 2**30
_LITTLE_SPACE_GIB = 5
_LEAST_SPACE = 2**20
"""Bytes without which nothing can be kept at all."""


@dataclass(frozen=True)
class Finding:
    """What was found about one part, and how to fix it."""

    part: str
    grade: Literal["fine", "remark", "fault"]
    sentence: str
    remedy: str = ""


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check the installation: versions, GPU, disk, database, queue, workers, hub."""
    found = list(examine())
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found], ensure_ascii=False))
    else:
        _print(found)
    if any(finding.grade == "fault" for finding in found):
        raise typer.Exit(1)


def _print(found: Iterable[Finding]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in found:
        remedy = f"\n→ {finding.remedy}" if finding.remedy else ""
        style = _STYLES[finding.grade]
        table.add_row(finding.part, f"[{style}]{finding.grade}[/]", finding.sentence + remedy)
    stdout().print(table)


def examine() -> Iterator[Finding]:
    """Look at every part, one after the other."""
    for look in (
        _versions,
        _gpu,
        _disk,
        _database,
        _artifacts,
        _queue,
        _workers,
        _notifications,
        _hub,
    ):
        yield look()


def _versions() -> Finding:
    import platform
    from importlib.metadata import requires, version

    unmet = [problem for need in requires(_OURS) or () if (problem := _unmet(need))]
    if unmet:
        return Finding("versions", "fault", "; ".join(unmet), "`make setup` installs them")
    found = ", ".join(f"{name} {version(name)}" for name in _NAMED)
    return Finding("versions", "fine", f"Python {platform.python_version()}, {found}")


def _unmet(need: str) -> str | None:
    """What is wrong with one of the packages that we need, if something is."""
    from importlib.metadata import PackageNotFoundError, version

    from packaging.requirements import Requirement

    wanted = Requirement(need)
    if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
        return None
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return f"{wanted.name} is not installed"
    if wanted.specifier.contains(found, prereleases=True):
        return None
    return f"{wanted.name} is {found}, not {wanted.specifier}"


def _gpu() -> Finding:
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return Finding("GPU", "fine", ", ".join(names))
    return Finding(
        "GPU",
        "remark",
        f"none that torch sees; runs use the CPU ({torch.get_num_threads()} threads)",
        "if there is one: install its driver, and a torch that was built for it",
    )


def _disk() -> Finding:
    import shutil
    import tempfile

    from grice_core.settings import settings

    home = settings().home.absolute()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        free = shutil.disk_usage(home).free / _GIB
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(bytes(_LEAST_SPACE))
    except OSError as error:
        return Finding(
            "disk",
            "fault",
            f"{home} can't be written to: {error.strerror}",
            "make room, or set GRICE_HOME to a folder of yours on another disk",
        )
    sentence = f"{free:.1f} GiB free in {home}"
    if free < _LITTLE_SPACE_GIB:
        return Finding("disk", "remark", sentence, "make room, or set GRICE_HOME to another disk")
    return Finding("disk", "fine", sentence)


def _database() -> Finding:
    from grice_core.redaction import redacted
    from grice_core.settings import settings
    from grice_core.store import migrate
    from grice_core.store.database import Database

    def look() -> Finding:
        engine = Database.at(settings().database_url).engine
        where = redacted(settings().database_url)
        now, latest = migrate.revision(engine), migrate.latest_revision()
        if now == latest:
            return Finding("database", "fine", f"{where}, revision {now}")
        trouble = (
            "has no tables yet"
            if now is None
            else f"is at revision {now}; this version needs {latest}"
        )
        remedy = "`grice migrate` brings it up to date"
        return Finding("database", "remark", f"{where} {trouble}", remedy)

    return _guarded("database", "set GRICE_DATABASE_URL to one that runs", look)


def _artifacts() -> Finding:
    from grice_core.settings import settings
    from grice_core.store.artifacts import ArtifactStore

    def look() -> Finding:
        store = ArtifactStore(settings().artifacts_url)
        address = store.put_bytes(b"grice doctor was here")
        store.read(address.sha256)
        return Finding("artifacts", "fine", f"{store.objects.url} can be written and read")

    return _guarded(
        "artifacts",
        "see that GRICE_ARTIFACTS_URL and its credentials are right, and that there is room",
        look,
    )


def _queue() -> Finding:
    from worker.connection import connect
    from worker.settings import worker_settings

    def look() -> Finding:
        redis = connect()
        info = redis.info("server")
        kind = "the server of REDIS_URL" if worker_settings().redis_url else "the embedded server"
        version = info.get("valkey_version") or info.get("redis_version")
        return Finding("queue", "fine", f"{kind} answers, version {version}")

    remedy = "`grice up` starts the embedded one; else see that the one of REDIS_URL runs"
    finding = _guarded("queue", remedy, look)
    if finding.grade == "fault" and not worker_settings().redis_url:
        return Finding(
            "queue", "remark", "the embedded server does not run", "`grice up` starts it"
        )
    return finding


def _workers() -> Finding:
    from grice_core.settings import settings
    from grice_core.store.artifacts import ArtifactStore
    from grice_core.store.database import Database
    from worker.client import RunQueue

    def look() -> Finding:
        # Not `RunQueue.open`, which would make tables: anyone who asks for findings wants nothing changed.
        database = Database.at(settings().database_url)
        workers = RunQueue(database, ArtifactStore(settings().artifacts_url)).workers()
        if not workers:
            return Finding(
                "workers", "remark", "none listens", "`grice up`, or `python -m worker --cpu`"
            )
        listed = ", ".join(
            f"{worker.name} ({worker.device}, {'busy' if worker.is_busy else 'idle'})"
            for worker in workers
        )
        return Finding("workers", "fine", listed)

    return _guarded("workers", "see the findings above", look)


def _notifications() -> Finding:
    import importlib.util

    from grice_core.settings import settings
    from grice_core.store import notices
    from grice_core.store.database import Database
    from worker.notifications import INSTALL
    from worker.settings import worker_settings

    def look() -> Finding:
        part, num_addresses = "notifications", len(worker_settings().notify)
        if not num_addresses:
            return Finding(part, "fine", "off: GRICE_NOTIFY names no address")
        if importlib.util.find_spec("apprise") is None:
            return Finding(part, "fault", "apprise is not installed", INSTALL)
        counts = notices.counts(Database.at(settings().database_url))
        named = f"{num_addresses} addresses, {counts.num_waiting} messages wait"
        if counts.trouble:
            return Finding(
                part, "remark", f"{named}: {counts.trouble}", "`grice notify` tries them"
            )
        return Finding(part, "fine", f"{named}; `grice notify` tries them")

    return _guarded("notifications", "see the findings above", look)


def _hub() -> Finding:
    import os

    from huggingface_hub.constants import HF_HUB_CACHE, HF_HUB_OFFLINE

    if HF_HUB_OFFLINE:
        return Finding(
            "hub", "remark", "HF_HUB_OFFLINE is set: only models in folders or the cache"
        )
    place = (
        "a token is set" if os.environ.get("HF_TOKEN") else "no token is set; public models only"
    )
    sentence = f"not tried: asked only for models that you name; {place}; {HF_HUB_CACHE}"
    return Finding("hub", "remark", sentence)


def _guarded(part: str, remedy: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except Exception as error:  # a doctor tells every ailment
        return Finding(part, "fault", str(error).split("\n")[0], remedy)
