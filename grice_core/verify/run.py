"""All checks of an output folder."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from grice_core.dpo.hub import first_line
from grice_core.pipeline.reopening import Places
from grice_core.verify.answers import check_answers
from grice_core.verify.claims import Check, Claims
from grice_core.verify.files import check_files, check_inputs
from grice_core.verify.numbers import check_history, check_published, check_rates
from grice_core.verify.steps import check_steps

_CHECKS: dict[str, Callable[[Claims], Check]] = {
    "files": check_files,
    "inputs": check_inputs,
    "rates": check_rates,
    "steps": check_history,
    "adapters": check_published,
    "training": check_steps,
    "answers": check_answers,
}


@dataclass(frozen=True)
class Verification:
    """What came of it."""

    checks: tuple[Check, ...]
    seconds: float
    pipeline_s: float
    """What the pipeline took."""

    @property
    def holds(self) -> bool:
        """Whether every claim that was looked at holds."""
        return not any(check.problems for check in self.checks)


def verify(
    folder: Path,
    places: Places | None = None,
    device: str = "auto",
    draw: Random | None = None,
    on_check: Callable[[Check], object] = lambda _: None,
) -> Verification:
    """Derive again what a finished pipeline's output folder claims.

    Args:
        places: Where the inputs are now.
        draw: Draws the answers; None: anew at each look.
        on_check: Given each check as soon as it has ended; on large models some take minutes.

    Raises: InputError, if the folder holds no finished pipeline.
    """
    started = time.perf_counter()
    claims = Claims(folder, places or Places(), device, draw or Random())  # noqa: S311
    checks = []
    for check in _checks(claims):
        on_check(check)
        checks.append(check)
    took = float(claims.record.get("seconds", {}).get("all", 0.0))
    return Verification(tuple(checks), time.perf_counter() - started, took)


def _checks(claims: Claims) -> Iterator[Check]:
    for name, check in _CHECKS.items():
        try:
            yield check(claims)
        except Exception as error:  # an edited file may break any reader
            yield Check(name, "could not be derived", (f"{name}: {first_line(error)}",))
