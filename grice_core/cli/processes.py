"""How many processes train together, as an option of commands."""

from typing import Annotated, Any, Literal

import typer


def num_processes(text: str) -> int | Literal["auto"]:
    """A number of processes, as it is given to a command.

    Raises: typer.BadParameter.
    """
    if text == "auto":
        return "auto"
    if not text.isdecimal() or int(text) < 1:
        raise typer.BadParameter("give a whole number from 1, or auto")
    return int(text)


NumProcesses = Annotated[
    Any,
    typer.Option(
        parser=num_processes,
        metavar="N|auto",
        help="Processes that train together; auto: one for each GPU, on a CPU one.",
    ),
]
