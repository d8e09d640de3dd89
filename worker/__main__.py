"""`python -m worker`: one worker, for the CPU, one GPU or several, until a signal ends it."""

import argparse
import logging
import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path

from redis import RedisError

from grice_core.errors import GriceError
from grice_core.export.gguf import writes_gguf
from grice_core.files import keep_private
from grice_core.parent import die_with_parent
from grice_core.settings import settings
from grice_core.store import migrate
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.states import Device
from grice_core.structured_log import log_to, say
from worker.connection import connect
from worker.hardware import gpu_numbers, look_at_hardware
from worker.heartbeats import send_heartbeats
from worker.listener import listen
from worker.notifications import Notifier
from worker.playground.host import PlaygroundHost
from worker.presence import new_owner, present
from worker.reconcile import Reconciler
from worker.settings import worker_settings
from worker.supervisor import Supervisor, WorkerContext
from worker.sweeps import SweepAdvancer

_LAST_WORDS_S = 4.0
"""Beyond what its job may take for a checkpoint, when the process that started it is gone."""


def main() -> int:
    """Work; returns the exit status."""
    log_to(sys.stdout, "text", "worker")  # until the settings say otherwise
    try:
        die_with_parent(signal.SIGTERM, patience_s=worker_settings().grace_s + _LAST_WORDS_S)
        log_to(sys.stdout, settings().log, "worker")
        gpus = _which_gpus(_parse())
        # Before anything loads CUDA: this worker's jobs see their GPUs only, or none.
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, gpus))
        # RQ tells every lost connection with a traceback; what matters is said by ourselves.
        logging.getLogger("rq").setLevel(logging.CRITICAL)
        return _work(gpus)
    except (GriceError, RedisError) as error:
        say(str(error))
        return 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--cpu", action="store_true", help="take runs for the CPU")
    where.add_argument(
        "--gpu",
        type=_gpus,
        metavar="N[,N…]|all",
        help="take runs for the GPU, on GPU N; of several, each run uses all, as far as its pipeline asks for",
    )
    parser.epilog = "With neither: the first GPU if there is one."
    return parser.parse_args()


def _gpus(text: str) -> tuple[int, ...]:
    try:
        return gpu_numbers(text)
    except (ValueError, OSError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _which_gpus(arguments: argparse.Namespace) -> tuple[int, ...]:
    """The GPUs' numbers, none for the CPU; asking torch would take seconds, and start CUDA."""
    if arguments.cpu:
        return ()
    numbers: tuple[int, ...] | None = arguments.gpu
    if numbers is None:
        return (0,) if Path("/dev/nvidia0").exists() else ()
    return numbers


def _work(gpus: tuple[int, ...]) -> int:
    device = Device.GPU if gpus else Device.CPU
    home, owner = settings().home, new_owner()
    log_to(sys.stdout, settings().log, "worker", worker=owner)
    keep_private(home)
    database = migrate.opened(settings().database_url)
    artifacts = ArtifactStore(settings().artifacts_url)
    redis = connect()
    ended = threading.Event()
    with present(home, owner):
        advancer = SweepAdvancer(database, artifacts, say)
        reconciler = Reconciler(database, redis, home, say, advancer)
        context = WorkerContext(owner, device, home, database, artifacts, worker_settings(), say)
        playground = PlaygroundHost(connect(), device, say)
        supervisor = Supervisor(context, on_settled=reconciler.settle, room=playground.made_room)
        threads = [
            reconciler.keep_on(worker_settings().reconcile_s, until=ended),
            send_heartbeats(
                redis,
                owner,
                device,
                partial(look_at_hardware, gpus),
                until=ended,
                writes_gguf=writes_gguf(),
            ),
        ]
        if worker_settings().notify:
            threads.append(Notifier(database, worker_settings(), say).keep_on(until=ended))
        say(f"{owner} listens for runs on the {device}", "worker listens", device=device)
        try:
            listen(supervisor, redis)
        finally:
            ended.set()
            supervisor.close()
            playground.close()
            for thread in threads:
                thread.join(timeout=1)
            database.engine.dispose()
    say("ended", "worker ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
