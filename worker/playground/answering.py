"""Answering one request after the other, with the models of the pipeline that was asked last."""

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redis import RedisError

from grice_core.detector.judge import Detector
from grice_core.errors import GriceError
from grice_core.evaluation.sampling import Sampling
from grice_core.pipeline.side_by_side import Reply, SideBySide
from grice_core.store.artifacts import ArtifactStore
from grice_core.store.database import Database
from worker.failures import is_out_of_memory
from worker.playground.board import (
    DetectorTrial,
    PlaygroundAnswer,
    PlaygroundBoard,
    PlaygroundRequest,
    Standing,
)
from worker.playground.models import Sources, load_judge, load_models, sources_of

_WRITE_EVERY_S = 0.1


@dataclass
class Answering:
    """What answers need, and the models in memory."""

    board: PlaygroundBoard
    database: Database
    artifacts: ArtifactStore
    home: Path
    device: str
    _sources: Sources | None = None
    _models: SideBySide | None = field(default=None, repr=False)
    _judge_loaded: tuple[str, Detector] | None = field(default=None, repr=False)
    """The detector that was tried last, after its address."""

    def answer(self, asked: str) -> None:
        """Answer a request, or say why that is impossible; one that no one wants is let be."""
        try:
            view = self.board.read(asked)
            if view is None or view.standing.is_finished():
                return
            try:
                if isinstance(view.request, DetectorTrial):
                    self._judge(asked, view.request)
                else:
                    models = self._models_of(asked, view.request.pipeline_id)
                    self._stream(asked, view.request, models)
            except RedisError:
                raise
            except Exception as error:  # whatever it is, the user sees it
                self.board.say(asked, Standing.FAILED, _in_words(error))
        except (RedisError, GriceError) as error:  # no one can be notified
            print(f"a request could not be answered: {error}")  # noqa: T201 - into the worker's log

    def _models_of(self, asked: str, pipeline_id: int) -> SideBySide:
        sources = sources_of(self.database, pipeline_id)
        if self._models is None or self._sources != sources:
            self.board.say(asked, Standing.LOADING)
            self._models = None  # makes room first
            self._models = load_models(sources, self.artifacts, self.home, self.device)
            self._sources = sources
        return self._models

    def _judge(self, asked: str, trial: DetectorTrial) -> None:
        """Write what a detector makes of each response."""
        if self._judge_loaded is None or self._judge_loaded[0] != trial.detector_sha256:
            self.board.say(asked, Standing.LOADING)
            detector = load_judge(trial.detector_sha256, self.artifacts, self.home, self.device)
            self._judge_loaded = trial.detector_sha256, detector
        _, detector = self._judge_loaded
        self.board.say(asked, Standing.ANSWERING)
        prompts = [trial.prompt] * len(trial.responses)
        scores = detector.score(prompts, trial.responses).tolist()
        answers = [
            PlaygroundAnswer(
                model=f"response {place}",
                text=text,
                scores=tuple(each),
                violated=_violated(each, detector),
            )
            for place, (text, each) in enumerate(zip(trial.responses, scores, strict=True), 1)
        ]
        if self.board.write(asked, answers, range(len(answers))):
            self.board.say(asked, Standing.DONE)

    def _stream(self, asked: str, request: PlaygroundRequest, models: SideBySide) -> None:
        """Write answers as they grow, some times a second."""
        self.board.say(asked, Standing.ANSWERING)
        answers = [PlaygroundAnswer(model=name) for name in models.models]
        changed = set(range(len(answers)))
        written_at = 0.0
        for reply in models.answer(
            request.prompt, _sampling(request), same_noise=request.same_seed
        ):
            place = models.models.index(reply.model)
            answers[place] = _answer(reply, models)
            changed.add(place)
            if reply.scores is not None or time.monotonic() - written_at > _WRITE_EVERY_S:
                if not self.board.write(asked, answers, sorted(changed)):
                    return
                changed.clear()
                written_at = time.monotonic()
        self.board.say(asked, Standing.DONE)


def _sampling(request: PlaygroundRequest) -> Sampling:
    return Sampling(request.temperature, request.top_p, request.max_new_tokens, request.seed)


def _answer(reply: Reply, models: SideBySide) -> PlaygroundAnswer:
    if reply.scores is None:
        return PlaygroundAnswer(model=reply.model, text=reply.text)
    return PlaygroundAnswer(
        model=reply.model,
        text=reply.text,
        scores=reply.scores,
        violated=_violated(reply.scores, models.detector),
    )


def _violated(scores: Sequence[float], detector: Detector) -> tuple[bool, ...]:
    """Which of four violation probabilities are above their thresholds."""
    return tuple(s > t for s, t in zip(scores, detector.thresholds.tolist(), strict=True))


def _in_words(error: Exception) -> str:
    if is_out_of_memory(error):
        return "out of memory: the models don't fit; use a smaller base model, or a larger GPU"
    if isinstance(error, GriceError):
        return str(error)
    traceback.print_exc()
    return f"unexpected {type(error).__name__}; the worker's log shows where"
