"""How many tokens go through the model at once: fewer from the moment that memory runs out."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from grice_core.dpo.encode import EncodedPair
from grice_core.dpo.prefix_trees import micro_batches, num_shared_tokens
from grice_core.errors import TrainingError

Run = Callable[[list[int]], object]


class SmallerPassesError(Exception):
    """Memory ran out and the budget is smaller now: what was begun has to be done again."""


@dataclass
class TokenBudget:
    """Tokens of one forward pass; a single pair may exceed it.

    What is computed does not depend on it, so it may shrink in the middle of a run.
    """

    tokens: int = 2048
    say: Callable[[str], None] = logging.getLogger(__name__).warning
    """Told when memory ran out, in a sentence."""
    may_shrink: bool = True
    """Whether a pass may be taken again in smaller ones; else memory that runs out is an error."""

    @contextmanager
    def guard(self, pairs: Sequence[EncodedPair]) -> Iterator[None]:
        """A pass over these pairs; if memory runs out in it, passes are at most half as large from
        then on.

        Raises:
            SmallerPassesError: memory ran out.
            TrainingError: memory ran out for a single pair.
        """
        try:
            yield
        except torch.OutOfMemoryError as error:
            self._shrink(pairs, error)
            torch.cuda.empty_cache()  # in other sizes than those that will be asked for now
            raise SmallerPassesError from error

    def each(self, pairs: Sequence[EncodedPair], run: Run) -> None:
        """Call `run` with positions of pairs, as many at a time as fit, until all had their turn.

        `run` must leave nothing behind if memory runs out in it.

        Raises: TrainingError, if a single pair does not fit.
        """
        waiting = self._groups(pairs, range(len(pairs)))
        while waiting:
            group = waiting.pop()  # the longest first: what doesn't fit shows at once
            try:
                with self.guard([pairs[position] for position in group]):
                    run(group)
            except SmallerPassesError:
                left = [position for other in (*waiting, group) for position in other]
                waiting = self._groups(pairs, sorted(left))

    def _groups(self, pairs: Sequence[EncodedPair], positions: Sequence[int]) -> list[list[int]]:
        """Some positions in groups that are run together, the longest prompts last."""
        groups = micro_batches([pairs[position] for position in positions], self.tokens)
        return [[positions[place] for place in group] for group in groups]

    def _shrink(self, pairs: Sequence[EncodedPair], error: Exception) -> None:
        num_tokens = num_shared_tokens(pairs)
        if len(pairs) == 1:
            raise TrainingError(
                f"out of memory for a single pair (row {pairs[0].row}, {num_tokens:,} tokens): lower "
                "max_length or lora.r, compute in bf16, or use a smaller base model"
            ) from error
        if not self.may_shrink:
            raise TrainingError(
                f"out of memory in a pass over {num_tokens:,} tokens, which can't become smaller in the "
                "middle of a step with parallel.fsdp: lower parallel.fsdp.tokens_per_pass"
            ) from error
        # The pass may have been far below the budget; half the budget might be the same pass again.
        self.tokens = min(self.tokens, num_tokens) // 2
        self.say(
            f"out of memory in a pass over {num_tokens:,} tokens: continuing with at most "
            f"{self.tokens:,} at once, which takes longer and changes no result"
        )
