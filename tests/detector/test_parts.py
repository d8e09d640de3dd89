"""Labels in parts that share no dialogue."""

import json

import numpy as np
import pytest

from grice_core.detector.labels import LabelledTexts, load_labels
from grice_core.detector.parts import part_numbers, split_again
from grice_core.detector.record import TrainingData
from grice_core.detector.template import JudgedText
from grice_core.maxims import MAXIMS
from tests.detector.lessons import write_labels


def labelled(texts: list[tuple[str, str, str]]) -> LabelledTexts:
    """Of a dialogue, a context and a response each."""
    return LabelledTexts(
        texts=[JudgedText(context, response) for _, context, response in texts],
        labels=np.zeros((len(texts), 4)),
        groups=[group for group, _, _ in texts],
        rows=range(1, len(texts) + 1),
        sha256="0" * 64,
    )


def test_a_dialogue_is_in_one_part_and_parts_are_of_like_size() -> None:
    texts = labelled([(f"d{i // 3}", f"c{i}", f"r{i}") for i in range(300)])
    parts = part_numbers(texts, 2, seed=0)
    assert set(parts) == {1, 2}
    assert abs(int((parts == 1).sum()) - 150) <= 3
    assert all(len(set(parts[i : i + 3])) == 1 for i in range(0, 300, 3))
    assert (part_numbers(texts, 2, seed=0) == parts).all()
    assert (part_numbers(texts, 2, seed=1) != parts).any()


def test_dialogues_that_hold_the_same_text_are_in_one_part() -> None:
    """Whatever its case and white space; a canned response to another context is another text."""
    pairs = [(f"a{i}", f"context {i}", "Yes.") for i in range(40)]
    same = [(f"b{i}", f"Context  {i}", "yes.") for i in range(40)]
    parts = part_numbers(labelled([*pairs, *same]), 2, seed=3)
    assert (parts[:40] == parts[40:]).all()
    assert set(parts[:40]) == {1, 2}


def test_the_parts_of_a_detector_are_found_again(tmp_path) -> None:
    texts = load_labels(write_labels(tmp_path / "labels.json"))
    splits = []
    for part in (1, 2):
        training = TrainingData(
            sha256=texts.sha256, seed=0, holdout_share=0.15, num_parts=2, part=part
        )
        split = split_again(texts, training)
        assert split is not None
        splits.append({*split.train.groups, *split.validation.groups, *split.test.groups})
    assert not splits[0] & splits[1]
    assert splits[0] | splits[1] == set(texts.groups)


@pytest.mark.parametrize("context", [{}, {"context": ""}])
def test_a_text_without_dialogue_and_context_is_one_of_its_own(tmp_path, context) -> None:
    rows = [{"response": f"r{i}", **dict.fromkeys(MAXIMS, 0), **context} for i in range(4)]
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(rows))
    assert list(load_labels(path).groups) == ["r0", "r1", "r2", "r3"]
