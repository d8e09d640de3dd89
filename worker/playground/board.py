"""Where requests hang and answers grow: one hash per request in the queue's server.

grice-playground:asked           list of the ids of requests that no one has taken yet
grice-playground:taken           those that were taken a moment ago
grice-playground:<id>            request, standing, and one field per model with its answer so far
grice-playground:<id>:alive      there while a worker is at it
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from redis import Redis, RedisError

from grice_core.errors import StoreError

ASKED = "grice-playground:asked"
_TAKEN = "grice-playground:taken"
_ANSWER = "answer:"
_KEEP_S = 3600
_ALIVE_S = 12
_UNAVAILABLE = (
    "the queue's server can't be reached, and the playground speaks to workers through it: "
    "`grice up` starts it with everything else"
)


class PlaygroundRequest(BaseModel):
    """What a person asks all models of a pipeline."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    pipeline_id: int
    prompt: Annotated[str, Field(min_length=1, max_length=20_000)]
    temperature: Annotated[float, Field(gt=0, le=5)] = 0.7
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.9
    max_new_tokens: Annotated[int, Field(ge=1, le=1024)] = 80
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    same_seed: bool = True
    """Whether all models meet the same draws."""


class DetectorTrial(BaseModel):
    """Responses to a prompt that a detector is asked to judge."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    detector_sha256: str
    """Address of its folder."""
    prompt: Annotated[str, Field(min_length=1, max_length=20_000)]
    responses: Annotated[tuple[str, ...], Field(min_length=1, max_length=8)]


_REQUEST: TypeAdapter[PlaygroundRequest | DetectorTrial] = TypeAdapter(
    PlaygroundRequest | DetectorTrial
)


class Standing(StrEnum):
    """How far a request is."""

    WAITING = "waiting"
    LOADING = "loading"
    """Models are being loaded."""
    ANSWERING = "answering"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    LOST = "lost"
    """The worker that took it gives no sign of life."""

    def is_finished(self) -> bool:
        return self in {Standing.DONE, Standing.STOPPED, Standing.FAILED, Standing.LOST}


class PlaygroundAnswer(BaseModel):
    """A model's answer so far."""

    model_config = ConfigDict(frozen=True)

    model: str
    text: str = ""
    scores: tuple[float, ...] | None = None
    """Four violation probabilities in the order of `MAXIMS`, once it is complete."""
    violated: tuple[bool, ...] | None = None


@dataclass(frozen=True)
class PlaygroundView:
    """A request and what has become of it."""

    request: PlaygroundRequest | DetectorTrial
    standing: Standing
    remark: str
    """Why it failed, or what it waits for."""
    answers: tuple[PlaygroundAnswer, ...]
    """Baseline first, then the stages in order; of a trial, the responses in theirs."""


@dataclass(frozen=True)
class PlaygroundBoard:
    """Both sides write and read here."""

    redis: Redis

    def ask(self, request: PlaygroundRequest | DetectorTrial) -> str:
        """Hang up a request; returns its id.

        Raises:
            StoreError: the queue's server can't be reached.
        """
        asked = secrets.token_hex(8)
        key = _key(asked)
        try:
            with self.redis.pipeline() as commands:
                commands.hset(
                    key,
                    mapping={
                        "request": request.model_dump_json(),
                        "standing": Standing.WAITING.value,
                    },
                )
                commands.expire(key, _KEEP_S)
                commands.rpush(ASKED, asked)
                commands.execute()
        except RedisError as error:
            raise StoreError(_UNAVAILABLE) from error
        return asked

    def read(self, asked: str) -> PlaygroundView | None:
        """How far a request is; None if it was never made or has been forgotten.

        Raises:
            StoreError: the queue's server can't be reached.
        """
        key = _key(asked)
        try:
            found: dict[Any, Any] = self.redis.hgetall(key)
            fields = {name.decode(): value.decode() for name, value in found.items()}
            is_hanging = any(self.redis.lpos(place, asked) is not None for place in (ASKED, _TAKEN))
            # In this order: anyone who takes a request says so before it hangs there no more.
            is_alive = bool(self.redis.exists(f"{key}:alive"))
        except RedisError as error:
            raise StoreError(_UNAVAILABLE) from error
        return _view(fields, is_cared_for=is_hanging or is_alive)

    def stop(self, asked: str) -> None:
        """Let it be: what has been written stays.

        Raises:
            StoreError: the queue's server can't be reached.
        """
        try:
            self.redis.lrem(ASKED, 0, asked)
            if self.redis.exists(_key(asked)):
                self.redis.hset(_key(asked), "standing", Standing.STOPPED.value)
        except RedisError as error:
            raise StoreError(_UNAVAILABLE) from error

    def take(self, within_s: float) -> str | None:
        """The id of the request that has waited longest, taken off; None if there is none in time.

        From now on the worker has to say again and again that it is at it.

        Raises:
            redis.RedisError: the server can't be reached.
        """
        timeout: Any = within_s  # the server takes fractions, whatever the client's types say
        taken: Any = self.redis.blmove(ASKED, _TAKEN, timeout, "LEFT", "RIGHT")
        if taken is None:
            return None
        asked: str = taken.decode()
        self.stay_alive(asked)
        self.redis.lrem(_TAKEN, 0, asked)
        return asked

    def hang_back(self, asked: str, remark: str) -> None:
        """Let it be taken before all others; what was written is forgotten.

        Raises:
            redis.RedisError: the server can't be reached.
        """
        view = self.read(asked)
        if view is None or view.standing.is_finished():
            return
        key = _key(asked)
        if view.answers:
            self.redis.hdel(key, *(f"{_ANSWER}{place}" for place in range(len(view.answers))))
        self.say(asked, Standing.WAITING, remark)
        self.redis.lpush(ASKED, asked)

    def say(self, asked: str, standing: Standing, remark: str = "") -> None:
        """Say how far a request is, unless no one wants it any more.

        Raises:
            redis.RedisError: the server can't be reached.
        """
        if self._is_wanted(asked):
            self.redis.hset(_key(asked), mapping={"standing": standing.value, "remark": remark})

    def write(self, asked: str, answers: Sequence[PlaygroundAnswer], places: Sequence[int]) -> bool:
        """Write those answers that stand at these places; returns whether anybody still wants them.

        Raises:
            redis.RedisError: the server can't be reached.
        """
        if not self._is_wanted(asked):
            return False
        for place in places:
            self.redis.hset(_key(asked), f"{_ANSWER}{place}", answers[place].model_dump_json())
        return True

    def stay_alive(self, asked: str) -> None:
        """Say that a worker is at it, for some seconds.

        Raises:
            redis.RedisError: the server can't be reached.
        """
        self.redis.set(f"{_key(asked)}:alive", 1, ex=_ALIVE_S)

    def _is_wanted(self, asked: str) -> bool:
        """Neither stopped nor forgotten."""
        standing: Any = self.redis.hget(_key(asked), "standing")
        return standing is not None and standing.decode() != Standing.STOPPED


def _key(asked: str) -> str:
    return f"grice-playground:{asked}"


def _view(fields: dict[str, str], *, is_cared_for: bool) -> PlaygroundView | None:
    """None also for what another worker has written there."""
    try:
        standing = Standing(fields["standing"])
        request = _REQUEST.validate_json(fields["request"])
        places = sorted(int(name.removeprefix(_ANSWER)) for name in fields if _ANSWER in name)
        answers = tuple(
            PlaygroundAnswer.model_validate_json(fields[f"{_ANSWER}{place}"]) for place in places
        )
    except (KeyError, ValueError, ValidationError):
        return None
    if not standing.is_finished() and not is_cared_for:
        standing = Standing.LOST
    return PlaygroundView(request, standing, fields.get("remark", ""), answers)
