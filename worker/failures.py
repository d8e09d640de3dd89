"""Why a run failed, in words that say what to do."""

import errno
import re
from collections.abc import Iterator
from pathlib import Path

from grice_core.errors import ArtifactError, GriceError, LostProcessError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def in_words(error: BaseException, run_id: int) -> str:
    """One or two sentences about an error that ended a run."""
    causes = list(_chain(error))
    if any(_errno(cause) in _FULL for cause in causes):
        return (
            f"the disk is full or a file may not grow further ({_first_line(error)}); what was "
            f"checkpointed is safe: make room, then `grice runs resume {run_id}`"
        )
    if is_out_of_memory(error):
        return (
            "out of memory: lower the stage's batch_size (and raise gradient_accumulation_steps), its max_length "
            f"or lora.r, or use a smaller base model, then submit again ({_first_line(error)})"
        )
    if isinstance(error, ArtifactError):
        return (
            f"{error}; to put back what you gave, submit the same files again (they are recognised), then "
            f"`grice runs resume {run_id}`; what a run before made comes back by `grice runs retry` on it"
        )
    if isinstance(error, LostProcessError):
        return f"{error.how}; `grice runs resume {run_id}` continues from the last checkpoint"
    if isinstance(error, GriceError):
        return str(error)
    return f"unexpected {type(error).__name__}: {_first_line(error)}; its log shows where"


def without_folders(reason: str, home: Path) -> str:
    """The same sentence, in which a user's file is called what the user called it.

    A job keeps it below the home, in a folder that is named by its hash.
    """
    return re.sub(rf"{re.escape(str(home))}/\S+/inputs/[0-9a-f]{{64}}/(?=\S)", "", reason)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on the device or beside it."""
    return any(_says_out_of_memory(cause) for cause in _chain(error))


def _says_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def _errno(error: BaseException) -> int | None:
    """The operating system's number of an error; libraries written in Rust only name it."""
    if isinstance(error, OSError):
        return error.errno
    named = re.search(r"\(os error (\d+)\)", str(error))
    return int(named[1]) if named else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
