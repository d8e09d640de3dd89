"""Answers to an evaluation's prompts, as another rank than the first writes its share of them."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

import torch

from grice_core.chat.choice import FormatChoice
from grice_core.chat.format import Prompt
from grice_core.dpo.base import BaseModel
from grice_core.dpo.reference import weights_hash
from grice_core.errors import InterruptedRunError, ModelError
from grice_core.evaluation.answers import Answers
from grice_core.evaluation.decoding import DecodingChoice
from grice_core.evaluation.generation import generate
from grice_core.evaluation.sampling import Sampling
from grice_core.journal import Entry
from grice_core.kernels.precision import WeightFormat
from grice_core.pipeline.answer_shares import Share
from grice_core.pipeline.carried import CarriedStages
from grice_core.pipeline.published import StageModels
from grice_core.pipeline.rank_server import POLL_EVERY_S, ServedRank


@dataclass(frozen=True, eq=False)
class AnswerRound:
    """What one model is asked, and by whom."""

    work: int
    """Number of the work that the round belongs to."""
    number: int
    """Counted from 0."""
    stage: str | None
    """After which the model is asked; None: the plain base."""
    sha256: str | None
    """Of the model's weights; None: they need no comparison."""
    shares: Sequence[Share]
    """Of each rank."""
    batch_size: int
    """Answers that a rank writes at once."""

    @property
    def key(self) -> str:
        """Under which rank 0 says it."""
        return round_key(self.work, self.number)

    def part_key(self, index: int, part: int) -> str:
        """Under which a rank says what it wrote, part by part; places are those within its share."""
        return f"answers/{self.work}/{self.number}/{index}/{part}"


@dataclass(frozen=True, eq=False)
class AnswersWork:
    """What models are asked; which of them by whom is said round by round."""

    base: str
    """Hub id or folder; each rank loads it on its own host."""
    base_dtype: WeightFormat
    device_type: str
    dtype: torch.dtype
    """Of matrix products."""
    stages: CarriedStages
    asked: Sequence[Prompt]
    sampling: Sampling
    format_choice: FormatChoice

    def do(self, rank: ServedRank) -> None:
        """Write this rank's share in each round, until rank 0 needs no more.

        Raises: ModelError, InterruptedRunError at the end.
        """
        device = rank.device(self.device_type)
        rank.say_ready()
        with self.stages.folder() as output:
            models = StageModels(self.base, device, output, self.base_dtype)
            decoding = DecodingChoice()
            for number in count():
                round_ = _next_round(rank, number)
                if round_.shares[rank.index]:
                    self._write(models.after(round_.stage), rank, round_, decoding)

    def _write(
        self, base: BaseModel, rank: ServedRank, round_: AnswerRound, decoding: DecodingChoice
    ) -> None:
        if round_.sha256 not in (None, weights_hash(base.model)):
            raise ModelError(
                f"the weights of {self.base} are not those that rank 0 has: all hosts need the same files"
            )
        parts = count()

        def send(entries: Iterable[Entry]) -> None:
            rank.store.put(round_.part_key(rank.index, next(parts)), list(entries))

        with torch.autocast(
            base.model.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16
        ):
            generate(
                base.model,
                base.tokenizer,
                [self.asked[place] for place in round_.shares[rank.index]],
                self.sampling,
                form=self.format_choice.of(base.tokenizer),
                batch_size=round_.batch_size,
                decoding=decoding,
                answers=Answers(write=send),
                progress=lambda *_: _check_wanted(rank),
            )


def round_key(work: int, number: int) -> str:
    """Under which rank 0 says a round."""
    return f"round/{work}/{number}"


def unwanted_key(number: int) -> str:
    """Under which rank 0 says that it needs no more answers."""
    return f"unwanted/{number}"


def _next_round(rank: ServedRank, number: int) -> AnswerRound:
    key = round_key(rank.number, number)
    while not rank.store.has(key):
        _check_wanted(rank)
        time.sleep(POLL_EVERY_S)
    round_: AnswerRound = rank.store.get(key)
    return round_


def _check_wanted(rank: ServedRank) -> None:
    if rank.store.has(unwanted_key(rank.number)):
        raise InterruptedRunError("rank 0 needs no more answers")
