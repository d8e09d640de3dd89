"""Work in a process of its own."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from grice_core.apart import Bounds, run_apart
from grice_core.data.load import load_pairs
from grice_core.errors import DataError
from tests.data.files import json_file, pair
from tests.misbehaving import misbehave

ENOUGH = Bounds(cpu_s=60, memory_bytes=2**32)


def test_pairs_come_back_as_they_were_read(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "p"}]
    path = json_file(
        tmp_path, *(pair(n, note=n) for n in range(50)), pair(prompt=said), pair(chosen="")
    )
    told: list[tuple[str, int, int]] = []

    apart = run_apart(partial(load_pairs, path), path.name, ENOUGH, lambda *step: told.append(step))

    here = load_pairs(path)
    assert apart.table.fingerprint == here.table.fingerprint
    assert apart.table.extras.equals(here.table.extras)
    assert np.array_equal(apart.table.rows, here.table.rows)
    assert apart.unusable.equals(here.unusable)
    assert (apart.report, apart.format, apart.sha256) == (here.report, here.format, here.sha256)
    assert told == [("read pairs.json", 52, 52)]


def test_an_error_comes_back_as_what_it_was(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.json does not exist"):
        run_apart(partial(load_pairs, tmp_path / "none.json"), "none.json", ENOUGH)


@pytest.mark.parametrize(
    ("does", "sentence"),
    [
        ("compute", "a takes more than 1 s of computing to read"),
        ("grow", "a takes more than 0.2 GiB of memory to read"),
        ("die", r"a can't be read: the process that read it was killed \(SIGKILL\)"),
    ],
)
def test_whatever_becomes_of_that_process_is_said(does: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        run_apart(partial(misbehave, does), "a", Bounds(cpu_s=1, memory_bytes=2**28 * 4 // 5))
