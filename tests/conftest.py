"""What makes all tests fast, and independent of how fast: files in order, garbage, time limits."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from grice_core.loading import begin_loading, end_loading

begin_loading()
# What two runs compute is compared; what is kept between runs has tests of its own.
os.environ["GRICE_KEPT_MIB"] = "0"
# How long one example takes says how busy the machine is; `benchmarks/` measure speed.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")

_ROOT = Path(__file__).parent
_LONGEST = (
    "worker/test_faults.py",
    "worker/test_pipeline.py",
    "app/test_pages.py",
    "app/server",
    "app/test_image.py",
    "worker/test_playground.py",
    "worker/test_chaos.py",
    "worker",
    "models",
    "pipeline",
    "demo",
    "test_python_page.py",
    "cli",
    "benchmarks",
    "app/test_browser.py",
    "dpo/distributed",
    "dpo/checkpointing",
    "store",
)
"""Longest first, so that no process is left alone with one at the end; measured with `--durations`.

Those of `worker/` that mistreat one installation, or only use one, come so that one process gets them, which has it.
"""


def _place(item: pytest.Item) -> int:
    path = item.path.relative_to(_ROOT).as_posix()
    found = (place for place, name in enumerate(_LONGEST) if path.startswith(name))
    return next(found, len(_LONGEST))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)


def pytest_collection_finish() -> None:
    end_loading()  # by now every test file is imported, and all that they import
