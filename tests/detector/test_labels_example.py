"""The example of a labels file is one."""

from pathlib import Path

from grice_core.detector.labels import load_labels
from grice_core.detector.labels_example import EXAMPLE_NAME, labels_example


def test_the_example_is_read_as_it_is_meant(tmp_path: Path) -> None:
    path = tmp_path / EXAMPLE_NAME
    path.write_text(labels_example())
    labelled = load_labels(path)
    assert labelled.labels.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]]
    assert list(labelled.groups) == ["cats", "cats", "bridge", "jazz"]
    assert labelled.texts[0].evidence is not None
    assert labelled.texts[3].evidence is None
