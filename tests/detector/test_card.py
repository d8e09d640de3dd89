"""The model card's own lines load the detector without this package."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from grice_core.detector.load import load_detector
from grice_core.detector.record import HeadsArchitecture
from grice_core.maxims import MAXIMS
from tests.detector import tiny

WITH_MAXIMUM = HeadsArchitecture(pooling="cls+response_max", hidden_widths=(8,))


def run_card(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What the code in the card prints."""
    code = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    assert code is not None
    monkeypatch.chdir(folder)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code[1], {})  # noqa: S102 - the card's code is what is tested
    lines = (line.split() for line in printed.getvalue().splitlines())
    return {maxim: float(probability) for maxim, probability in lines}


@pytest.mark.parametrize("kind", ["one", "two", "classifier"])
def test_the_card_gives_the_scores_that_we_give(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "classifier":
        from grice_core.detector.folder import Destination
        from grice_core.detector.importing import import_classifier

        source = tiny.write_classifier(tmp_path / "source", tuple(MAXIMS))
        import_classifier(str(source), None, Destination(tmp_path / "out"))
    else:
        architecture = tiny.ONE_PER_HEAD if kind == "one" else tiny.TWO_PER_HEAD
        tiny.write_heads(tmp_path / "out", architecture)
    printed = run_card(tmp_path / "out", monkeypatch)
    detector = load_detector(tmp_path / "out", torch.device("cpu"), "fp32")
    ours = detector.score(["Where do cats sleep?"], ["They sleep where it is warm."])[0]
    np.testing.assert_allclose([printed[maxim] for maxim in MAXIMS], ours, atol=1e-5)


def test_a_detector_that_needs_this_package_says_so(tmp_path: Path) -> None:
    card = (tiny.write_heads(tmp_path, WITH_MAXIMUM) / "README.md").read_text()
    assert "from grice_core.detector.load import load_detector" in card
    assert "no stock sequence classifier" in card


def test_the_card_says_when_nobody_has_evaluated_the_detector(tmp_path: Path) -> None:
    assert "Not evaluated yet" in (tiny.write_heads(tmp_path) / "README.md").read_text()
