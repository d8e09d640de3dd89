"""A language model as a detector: questions in parallel, answers kept, what can't be read said."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import numpy as np
from scipy.special import logit

from grice_core.detector.endpoint import Endpoint
from grice_core.detector.judge import Detector, Judgement
from grice_core.detector.llm.cache import CACHE_NAME, AnswerCache, question_key
from grice_core.detector.llm.client import ChatClient, RefusedRequestError
from grice_core.detector.llm.protocol import (
    ALL_FEATURES,
    Features,
    UnreadableAnswerError,
    Verdict,
    fewer_features,
    read_verdict,
    request_body,
)
from grice_core.detector.record import ChatArchitecture, DetectorRecord
from grice_core.detector.template import JudgedText
from grice_core.errors import DetectorError
from grice_core.maxims import MAXIMS
from grice_core.progress import Progress, silent
from grice_core.settings import Settings, settings

_READINGS = 3
"""How often a question is asked whose answers can't be read."""
_MOST_UNREADABLE = 0.05
_UNDECIDED = 0.5
"""The probability of a question without a readable answer."""
_WINDOW_PAIRS = 16

Messages = list[dict[str, str]]


@dataclass(eq=False)
class _Learnt:
    """What was found out about the server and its answers."""

    features: Features = ALL_FEATURES
    num_asked: int = 0
    num_unreadable: int = 0
    last: str = ""
    """Why the last unreadable answer was."""
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, eq=False)
class ChatDetector(Detector):
    """Asks a language model one question per text and maxim."""

    architecture: ChatArchitecture
    client: ChatClient
    cache: AnswerCache
    learnt: _Learnt = field(default_factory=_Learnt)

    @property
    def numerics(self) -> str:
        """Its number format is the server's business."""
        return "chat"

    @property
    def window_pairs(self) -> int:
        """Few, since each answer is kept when it comes."""
        return _WINDOW_PAIRS

    @property
    def unknown_training(self) -> str | None:
        """It was fitted to no labels of ours."""
        return None

    @property
    def remarks(self) -> tuple[str, ...]:
        """Also how many answers could not be read."""
        learnt = self.learnt
        if not learnt.num_unreadable:
            return self.record.remarks
        return (
            *self.record.remarks,
            f"{learnt.num_unreadable:,} of {learnt.num_asked:,} answers of the judge could not be read "
            f"({learnt.last}); they count as probability 0.5, so as not violated.",
        )

    def judge(self, texts: Sequence[JudgedText], *, progress: Progress = silent) -> Judgement:
        """Ask about each distinct text once; what was answered before is not asked again.

        Raises:
            DetectorError: the server can't be used, or too few of its answers can be read.
        """
        distinct = list(dict.fromkeys(texts))
        questions = dict(self._keys(distinct))
        known = self.cache.get(questions.values())
        missing = {key: place for place, key in questions.items() if key not in known}
        for answered, (key, probability) in enumerate(self._ask(distinct, missing), start=1):
            known[key] = probability
            done = len(questions) - len(missing) + answered
            progress("scoring", done // len(MAXIMS), len(distinct))
        values = [
            [known[questions[row, maxim.column]] for maxim in MAXIMS]
            for row in range(len(distinct))
        ]
        position = {text: row for row, text in enumerate(distinct)}
        back = [position[text] for text in texts]
        logits = logit(np.array(values, dtype=np.float64).reshape(-1, len(MAXIMS)))
        return Judgement(logits[back], np.zeros(len(texts), dtype=np.bool_))

    def messages(self, text: JudgedText, column: int) -> Messages:
        """The question about one text and one maxim."""
        return self.architecture.rubric.messages(MAXIMS[column], text)

    def _keys(self, texts: Sequence[JudgedText]) -> Iterator[tuple[tuple[int, int], str]]:
        """For each text and maxim the key of its question."""
        for row, text in enumerate(texts):
            for maxim in MAXIMS:
                messages = self.messages(text, maxim.column)
                yield (row, maxim.column), question_key(self.architecture, messages)

    def _ask(
        self, texts: Sequence[JudgedText], missing: dict[str, tuple[int, int]]
    ) -> Iterator[tuple[str, float]]:
        """The answers as they come; when this ends early, nothing more is asked."""
        if not missing:
            return
        at_first = self.learnt.num_asked, self.learnt.num_unreadable
        self.client.stop.clear()
        pool = ThreadPoolExecutor(self.client.endpoint.concurrency, "judge")
        pending: set[Future[tuple[str, float]]] = {
            pool.submit(self._answer, key, self.messages(texts[row], column))
            for key, (row, column) in missing.items()
        }
        try:
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
                    self._refuse_unreadable(*at_first)
        finally:
            self.client.stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            self.client.close()

    def _answer(self, key: str, messages: Messages) -> tuple[str, float]:
        began = time.monotonic()
        verdict = self._verdict(messages)
        with self.learnt.lock:
            self.learnt.num_asked += 1
            self.learnt.num_unreadable += verdict is None
        if verdict is None:
            return key, _UNDECIDED  # not kept: another time it may be answered
        self.cache.put(key, self.architecture.model, verdict, time.monotonic() - began)
        return key, verdict.probability

    def _verdict(self, messages: Messages) -> Verdict | None:
        for _ in range(_READINGS):
            try:
                return read_verdict(self._reply(messages))
            except UnreadableAnswerError as error:
                self.learnt.last = str(error)
        return None

    def _reply(self, messages: Messages) -> dict[str, object]:
        """A reply, asked for with what the server is known to understand."""
        while True:
            features = self.learnt.features
            try:
                return self.client.ask(request_body(self.architecture, messages, features))
            except RefusedRequestError as error:
                fewer = fewer_features(features, str(error))
                if fewer is None:
                    raise DetectorError(
                        f"the judge at {self.client.endpoint.address} refuses the question: {error}"
                    ) from None
                with self.learnt.lock:
                    if self.learnt.features == features:  # else another thread has learnt it
                        self.learnt.features = fewer

    def _refuse_unreadable(self, asked_before: int, unreadable_before: int) -> None:
        asked = self.learnt.num_asked - asked_before
        unreadable = self.learnt.num_unreadable - unreadable_before
        if unreadable > max(2, _MOST_UNREADABLE * max(asked, 100)):
            raise DetectorError(
                f"{unreadable:,} of {asked:,} answers of the judge {self.architecture.model} can't be read "
                f"({self.learnt.last}): use a larger model, or one that reasons less, or more --max-tokens"
            )


def open_chat_detector(record: DetectorRecord, where: Settings | None = None) -> ChatDetector:
    """A language model ready to be asked; nothing is sent yet.

    Raises:
        DetectorError: the record is that of another kind of detector.
    """
    where = where or settings()
    if not isinstance(record.architecture, ChatArchitecture) or record.endpoint is None:
        raise DetectorError("this detector is no language model")
    client = ChatClient(record.endpoint, _key_for(record.endpoint, where))
    cache = AnswerCache(where.home / CACHE_NAME)
    return ChatDetector(record, frozenset(), None, record.architecture, client, cache)


def _key_for(endpoint: Endpoint, where: Settings) -> str | None:
    """The key, for the one address that it is meant for."""
    if where.judge_api_key is None or where.judge_url is None:
        return None
    if where.judge_url.rstrip("/") != endpoint.address:
        return None
    key = where.judge_api_key.get_secret_value().strip()
    if not (key.isascii() and key.isprintable()):
        raise DetectorError("GRICE_JUDGE_API_KEY holds characters that no key has; set it anew")
    return key
