"""Decisions about doubted labels, which outlast the browser's session."""

from grice_core.maxims import Maxim
from grice_core.store import label_decisions
from grice_core.store.actors import Actor, Role
from grice_core.store.database import Database

LABELS, OTHERS = "a" * 64, "b" * 64
ANN, BOB = (Actor(name, Role.MEMBER, "test") for name in ("ann", "bob"))


def decided(database: Database, labels_sha256: str = LABELS) -> set[tuple[int, str, str, str]]:
    found = label_decisions.of_labels(database, labels_sha256)
    return {(one.row, one.maxim.value, one.choice, one.decided_by) for one in found}


def test_everyone_sees_what_was_decided_and_by_whom(database: Database) -> None:
    label_decisions.decide(database.acting_as(ANN), LABELS, 3, Maxim.MANNER, "flip")
    label_decisions.decide(database.acting_as(BOB), LABELS, 3, Maxim.QUALITY, "keep")
    label_decisions.decide(database.acting_as(BOB), OTHERS, 3, Maxim.QUALITY, "skip")
    assert decided(database) == {(3, "manner", "flip", "ann"), (3, "quality", "keep", "bob")}
    assert decided(database, OTHERS) == {(3, "quality", "skip", "bob")}


def test_a_label_has_one_decision_the_last_one(database: Database) -> None:
    label_decisions.decide(database.acting_as(ANN), LABELS, 3, Maxim.MANNER, "flip")
    label_decisions.decide(database.acting_as(ANN), LABELS, 4, Maxim.MANNER, "skip")
    label_decisions.decide(database.acting_as(BOB), LABELS, 3, Maxim.MANNER, "keep")
    assert decided(database) == {(3, "manner", "keep", "bob"), (4, "manner", "skip", "ann")}
    assert label_decisions.of_labels(database, LABELS)[-1].row == 3
    label_decisions.take_back(database.acting_as(BOB), LABELS, 3, Maxim.MANNER)
    assert decided(database) == {(4, "manner", "skip", "ann")}
