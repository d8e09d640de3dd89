"""Which process of a run this one is, as the launcher that started it says in its environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from grice_core.errors import InputError

LOCALHOST = "127.0.0.1"
TORCH_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun and `accelerate launch` set, and we for our own children."""

_FIRST_PORT, _NUM_PORTS = 20_000, 10_000
"""Below the ports that systems give to anyone who asks for any."""


@dataclass(frozen=True)
class RankPlace:
    """A process's place among those that were started together, and where they meet."""

    index: int
    """Its rank."""
    count: int
    port: int
    """Of the host, on which the ranks' store listens."""
    host: str = LOCALHOST
    local_index: int = 0
    """Among the processes of its own host."""
    is_held: bool = False
    """Whether the launcher holds the ranks' store; else rank 0 does."""
    launcher: str = "its launcher"

    def environment(self) -> dict[str, str]:
        """The variables that say this to another process."""
        values = (self.index, self.count, self.local_index, self.host, self.port)
        return dict(zip(TORCH_VARIABLES, map(str, values), strict=True))


def place_of(environment: Mapping[str, str]) -> RankPlace | None:
    """The place that torchrun, `accelerate launch` or srun gave to this process; None if it is alone.

    Raises: InputError, if what they say is not whole.
    """
    place = _from_torch(environment) or _from_slurm(environment)
    return None if place is None or place.count == 1 else place


def first_host(node_list: str) -> str:
    """The first name of a list in SLURM's notation: `gpu[03-05,9],login` is `gpu03`."""
    first = re.split(r",(?![^\[]*\])", node_list)[0]
    return re.sub(r"\[(\w+)[^\]]*\]", r"\1", first)


def _from_torch(environment: Mapping[str, str]) -> RankPlace | None:
    if not {"RANK", "WORLD_SIZE"} <= environment.keys():
        return None
    missing = [name for name in ("MASTER_ADDR", "MASTER_PORT") if not environment.get(name)]
    if missing and environment["WORLD_SIZE"] != "1":
        raise InputError(
            f"RANK and WORLD_SIZE say that this process is one of several, and {' and '.join(missing)} "
            "are not set: start it by torchrun, or unset them"
        )
    return RankPlace(
        index=_number(environment, "RANK"),
        count=_number(environment, "WORLD_SIZE"),
        port=_number(environment, "MASTER_PORT", "0"),
        host=environment.get("MASTER_ADDR", LOCALHOST),
        local_index=_number(environment, "LOCAL_RANK", "0"),
        is_held=environment.get("TORCHELASTIC_USE_AGENT_STORE") == "True",
        launcher="torchrun" if "TORCHELASTIC_RUN_ID" in environment else "its launcher",
    )


def _from_slurm(environment: Mapping[str, str]) -> RankPlace | None:
    # A batch script has SLURM_NTASKS and SLURM_PROCID too, but is alone: only steps have tasks beside them.
    if "SLURM_STEP_NUM_TASKS" not in environment:
        return None
    job = _number(environment, "SLURM_JOB_ID", "0") + _number(environment, "SLURM_STEP_ID", "0")
    nodes = environment.get("SLURM_STEP_NODELIST") or environment.get("SLURM_JOB_NODELIST", "")
    return RankPlace(
        index=_number(environment, "SLURM_PROCID"),
        count=_number(environment, "SLURM_STEP_NUM_TASKS"),
        port=_number(environment, "MASTER_PORT", str(_FIRST_PORT + job % _NUM_PORTS)),
        host=environment.get("MASTER_ADDR") or first_host(nodes) or LOCALHOST,
        local_index=_number(environment, "SLURM_LOCALID", "0"),
        launcher="srun",
    )


def _number(environment: Mapping[str, str], name: str, default: str | None = None) -> int:
    value = environment.get(name, default)
    if value is None or not value.isascii() or not value.isdigit():
        raise InputError(f"the environment variable {name} must be a number, not {value!r}")
    return int(value)
