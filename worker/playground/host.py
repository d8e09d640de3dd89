"""A worker's part in the playground: it owns the process that answers, and ends it for a run."""

import select
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from os import environ, killpg

from redis import Redis, RedisError

from grice_core.errors import GriceError
from grice_core.parent import how_it_ended, start_child
from grice_core.store.states import Device
from worker.playground.board import PlaygroundBoard, Standing

_LISTEN_S = 1.0
_AGAIN_AFTER_S = 1.0
_LOOK_EVERY_S = 2.0
_A_RUN_COMES_FIRST = "a run needs the device; this is answered when it is done"
_WORKER_ENDED = "its worker was ended; the next one answers"


class PlaygroundHost:
    """Listens for requests in a thread, as long as no run is being done."""

    def __init__(self, redis: Redis, device: Device, say: Callable[[str], None]) -> None:
        self._board = PlaygroundBoard(redis)
        self._device = "cuda" if device is Device.GPU else "cpu"
        self._say = say
        self._ended = threading.Event()
        self._run_is_on = threading.Event()
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        # Its process would be ended with this thread, which therefore lives as long as the worker.
        self._thread = threading.Thread(target=self._listen, name="playground", daemon=True)
        self._thread.start()

    @contextmanager
    def made_room(self) -> Iterator[None]:
        """While the block lasts, the device and its memory belong to a run."""
        with self._starting:
            self._run_is_on.set()
            self._kill()
        try:
            yield
        finally:
            self._run_is_on.clear()

    def close(self) -> None:
        """End everything."""
        self._ended.set()
        with self._starting:
            self._kill()
        self._thread.join(timeout=2 * _LISTEN_S)

    def _listen(self) -> None:
        while not self._ended.is_set():
            if self._run_is_on.is_set():
                self._ended.wait(_LISTEN_S / 4)
                continue
            try:
                asked = self._board.take(_LISTEN_S)
                if asked is not None:
                    self._have_answered(asked)
            except (RedisError, GriceError):  # the server is away; the reconciler tells it
                self._ended.wait(_AGAIN_AFTER_S)

    def _have_answered(self, asked: str) -> None:
        view = self._board.read(asked)
        if view is None or view.standing.is_finished():
            return
        if view.standing is Standing.WAITING and not self._run_is_on.is_set():
            self._board.say(asked, Standing.LOADING)
        # A process that had been idle may have ended just as it was asked.
        if not self._ask_process(asked) and not self._ask_process(asked):
            if self._run_is_on.is_set() or self._ended.is_set():
                remark = _WORKER_ENDED if self._ended.is_set() else _A_RUN_COMES_FIRST
                self._board.hang_back(asked, remark)
            else:
                self._board.say(asked, Standing.FAILED, self._how_it_ended())

    def _ask_process(self, asked: str) -> bool:
        """Whether the process saw the request through."""
        process = self._running()
        if process is None or process.stdin is None or process.stdout is None:
            return False
        try:
            process.stdin.write(asked.encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            return self._has_ended(process)
        while not select.select([process.stdout], [], [], _LOOK_EVERY_S)[0]:
            with suppress(RedisError):
                self._board.stay_alive(asked)
        return bool(process.stdout.readline()) or self._has_ended(process)

    def _has_ended(self, process: "subprocess.Popen[bytes]") -> bool:
        """Wait for a process that has closed its pipes; always False, since it saw nothing through."""
        process.kill()
        process.wait()
        return False

    def _running(self) -> "subprocess.Popen[bytes] | None":
        """The process, started if there is none; None if there must be none."""
        with self._starting:
            if self._run_is_on.is_set() or self._ended.is_set():
                return None
            if self._process is None or self._process.poll() is not None:
                self._kill()
                self._say("the playground's models are wanted")
                self._process = start_child(
                    ["-m", "worker.playground", self._device],
                    dict(environ),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            return self._process

    def _kill(self) -> None:
        """End the process, if there is one, and wait until its memory is free."""
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError):
            killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _how_it_ended(self) -> str:
        status = self._process.poll() if self._process else None
        if status is None:
            return "its process can't be asked any more; the worker's log says more"
        return f"its process {how_it_ended(status)}; the worker's log says more"
