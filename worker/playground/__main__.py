"""`python -m worker.playground DEVICE`: answer what is asked, with models that stay warm for a while.

It reads the ids of requests from its standard input, one a line, and says `done` after each on its
standard output. When no one has asked for a while, it ends.
"""

import os
import select
import sys

from grice_core.loading import begin_loading, end_loading
from grice_core.parent import die_with_parent
from grice_core.quiet import hush_libraries
from grice_core.settings import settings
from grice_core.store import migrate
from grice_core.store.artifacts import ArtifactStore
from worker.connection import connect
from worker.playground.board import PlaygroundBoard
from worker.settings import worker_settings


def main() -> int:
    """Answer until no one has asked for a while, or the worker closes the pipe."""
    die_with_parent()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever libraries print is no answer
    begin_loading()
    from worker.playground.answering import Answering  # takes seconds

    end_loading()
    hush_libraries()
    answering = Answering(
        board=PlaygroundBoard(connect()),
        database=migrate.opened(settings().database_url),
        artifacts=ArtifactStore(settings().artifacts_url),
        home=settings().home,
        device=sys.argv[1],
    )
    while select.select([sys.stdin], [], [], worker_settings().playground_idle_s)[0]:
        asked = os.read(0, 4096).decode().strip()  # the next is asked when this is answered
        if not asked:
            return 0
        answering.answer(asked)
        answers.write("done\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
