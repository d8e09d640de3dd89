"""A detector at work."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import expit

from grice_core.detector.load import load_detector
from grice_core.detector.record import HeadsArchitecture
from grice_core.detector.score import NetworkDetector, batches_by_length
from grice_core.detector.template import JudgedText
from grice_core.errors import DetectorError
from tests.detector import tiny

CPU = torch.device("cpu")
PROMPTS = [
    "where do cats sleep ?",
    "no",
    "where do dogs sleep ? and the very old blue cats ?",
    "yes",
]
RESPONSES = ["on the mat .", "yes", "they sleep in the sun .", "it is warm and not very old ."]


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> NetworkDetector:
    folder = tiny.write_heads(tmp_path_factory.mktemp("detector"))
    found = load_detector(folder, CPU, "fp32")
    assert isinstance(found, NetworkDetector)
    return found


def test_scores_are_probabilities_of_each_text_and_maxim(detector: NetworkDetector) -> None:
    scores = detector.score(PROMPTS, RESPONSES)
    assert scores.shape == (4, 4)
    assert scores.dtype == np.float64
    assert ((scores > 0) & (scores < 1)).all()
    assert len(np.unique(scores[:, 0])) == 4


@pytest.mark.parametrize("batch_tokens", [1, 24, 10_000])
def test_scores_do_not_depend_on_the_batches(detector: NetworkDetector, batch_tokens: int) -> None:
    alone = np.vstack([detector.score([p], [r]) for p, r in zip(PROMPTS, RESPONSES, strict=True)])
    texts = [JudgedText.from_pair(*pair) for pair in zip(PROMPTS, RESPONSES, strict=True)]
    together = detector.probabilities(detector.judge(texts, batch_tokens=batch_tokens))
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_each_maxims_logit_is_divided_by_its_temperature(detector: NetworkDetector) -> None:
    judgement = detector.judge([JudgedText(PROMPTS[0], RESPONSES[0])])
    expected = expit(judgement.logits / np.array([0.5, 1.0, 1.5, 2.0]))
    np.testing.assert_allclose(detector.score(PROMPTS[:1], RESPONSES[:1]), expected, atol=1e-7)


def test_the_same_text_is_read_once(detector: NetworkDetector) -> None:
    seen: list[int] = []
    scores = detector.score(
        PROMPTS[:1] * 5, RESPONSES[:1] * 5, progress=lambda _task, _done, total: seen.append(total)
    )
    assert set(seen) == {1}
    assert (scores == scores[0]).all()


def test_nothing_to_score_gives_no_scores(detector: NetworkDetector) -> None:
    assert detector.score([], []).shape == (0, 4)


def test_a_response_too_long_to_read_is_reported(detector: NetworkDetector) -> None:
    judgement = detector.judge([JudgedText("no", "yes " * 80), JudgedText("no " * 80, "yes")])
    assert judgement.response_cut.tolist() == [True, False]


def test_bf16_scores_are_near_those_of_fp32(tmp_path: Path, detector: NetworkDetector) -> None:
    rough = load_detector(tiny.write_heads(tmp_path), CPU, "bf16")
    assert rough.dtype is torch.bfloat16
    np.testing.assert_allclose(
        rough.score(PROMPTS, RESPONSES), detector.score(PROMPTS, RESPONSES), atol=0.05
    )


def test_the_maximum_over_the_response_sees_the_response_only(tmp_path: Path) -> None:
    """Padding and context must not reach the second half of what the heads see."""
    architecture = HeadsArchitecture(pooling="cls+response_max", hidden_widths=(8,))
    detector = load_detector(tiny.write_heads(tmp_path, architecture), CPU, "fp32")
    alone = np.vstack([detector.score([p], [r]) for p, r in zip(PROMPTS, RESPONSES, strict=True)])
    np.testing.assert_allclose(detector.score(PROMPTS, RESPONSES), alone, atol=1e-5)


def test_batches_are_of_like_length_within_the_budget() -> None:
    assert list(batches_by_length([3, 9, 4], 10)) == [[1], [2, 0]]
    assert list(batches_by_length([50], 10)) == [[0]]
    assert list(batches_by_length([], 10)) == []


@pytest.mark.parametrize("broken", ["encoder.embeddings", "classifiers.2"])
def test_a_detector_that_gives_no_numbers_judges_nothing(tmp_path: Path, broken: str) -> None:
    """NaN is above no threshold: every answer would be cooperative."""
    folder = tiny.write_heads(tmp_path)
    detector = load_detector(folder, CPU, "fp32")
    assert isinstance(detector, NetworkDetector)
    with torch.no_grad():
        for name, parameter in detector.model.named_parameters():
            if name.startswith(broken):
                parameter.fill_(torch.nan)
    with pytest.raises(DetectorError, match="not numbers: its weights are damaged"):
        detector.score(PROMPTS, RESPONSES)
