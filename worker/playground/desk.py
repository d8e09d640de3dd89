"""The playground's door: who may ask, and what is noted of it."""

from dataclasses import dataclass

from redis import Redis

from grice_core.store import actions, audit
from grice_core.store.actors import Role
from grice_core.store.database import Database
from worker.playground.board import (
    DetectorTrial,
    PlaygroundBoard,
    PlaygroundRequest,
    PlaygroundView,
)


@dataclass(frozen=True)
class PlaygroundDesk:
    """Everything that the app does with questions."""

    database: Database
    redis: Redis

    def ask(self, request: PlaygroundRequest | DetectorTrial) -> str:
        """Ask a pipeline's models, or a detector, something; returns the question's id.

        Raises:
            NotAllowedError: a viewer asks.
            StoreError: the queue's server can't be reached.
        """
        actions.require(self.database, Role.MEMBER)
        asked = self._board.ask(request)
        if isinstance(request, PlaygroundRequest):
            audit.note_question(self.database, "pipeline", request.pipeline_id)
        else:
            audit.note_question(self.database, "detector")
        return asked

    def read(self, asked: str) -> PlaygroundView | None:
        """What has become of a question; see `PlaygroundBoard.read`."""
        return self._board.read(asked)

    def stop(self, asked: str) -> None:
        """Let a question be; what has been written stays.

        Raises:
            NotAllowedError: a viewer asks.
            StoreError: the queue's server can't be reached.
        """
        actions.require(self.database, Role.MEMBER)
        self._board.stop(asked)

    @property
    def _board(self) -> PlaygroundBoard:
        return PlaygroundBoard(self.redis)
