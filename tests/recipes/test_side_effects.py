"""What a cut teaches besides what it is for."""

from dataclasses import replace

import pyarrow as pa

from grice_core.data.pairs import PairTable
from grice_core.recipes.load import load_recipe
from grice_core.recipes.plan import plan_stages
from grice_core.recipes.side_effects import StageEffects, effects_of
from tests.data.tables import table_of

CONTENT = (0.5, 0.0, 0.0, 0.0)
WORSE_MANNER = (0.5, 0.0, 0.0, -0.3)
HARDLY_WORSE_MANNER = (0.5, 0.0, 0.0, -0.05)
MIXED_CONTENT = (0.75, 0.0, -0.25, 0.0)
NO_PAIRS_LEFT = (0.0, 0.0, 0.0, 0.0)


def stage1(table: PairTable) -> StageEffects:
    return effects_of(plan_stages(load_recipe("content-then-manner"), table, seed=0), table)[0]


def of_margins(*margins: tuple[float, ...]) -> StageEffects:
    return stage1(table_of(margins))


def test_a_majority_that_is_worse_on_an_untrained_maxim_is_warned_of() -> None:
    effects = of_margins(WORSE_MANNER, WORSE_MANNER, CONTENT)

    (warning,) = effects.warnings()
    assert warning == (
        "stage1 may teach the opposite on manner, as a side effect: 2 of 3 pairs below −0.10, mean −0.20"
    )


def test_so_is_a_mean_that_a_minority_makes() -> None:
    (manner,) = of_margins((0.5, 0, 0, -1.0), CONTENT, CONTENT).opposites
    assert (manner.maxim, manner.opposite, manner.is_trained) == ("manner", 1, False)


def test_a_minority_that_hardly_counts_is_counted_and_not_warned_of() -> None:
    effects = of_margins(WORSE_MANNER, HARDLY_WORSE_MANNER, CONTENT, CONTENT)
    manner = effects.maxims[3]
    assert (manner.opposite, manner.negative, manner.kept) == (1, 2, 4)
    assert not list(effects.warnings())


def test_wrong_signs_are_counted_on_a_trained_maxim_too() -> None:
    effects = of_margins(MIXED_CONTENT, CONTENT, CONTENT)
    relation = effects.maxims[2]
    assert relation.is_trained
    assert relation.negative == 1


def test_a_trained_maxim_that_is_taught_the_wrong_way_is_no_side_effect() -> None:
    (warning,) = of_margins(MIXED_CONTENT).warnings()
    assert warning.startswith("stage1 may teach the opposite on relation: 1 of 1 pairs")


def test_a_difference_in_length_is_said() -> None:
    texts = pa.table(
        {
            "prompt": ["p", "q"],
            "chosen": ["two words", " and  four more words "],
            "rejected": ["five words are too many", ""],
        }
    )
    table = replace(table_of([CONTENT, CONTENT]), texts=texts)
    effects = stage1(table)
    assert effects.length == "3.0 words chosen, 2.5 rejected"
    assert not list(effects.warnings())

    one = replace(table_of([CONTENT]), texts=texts.slice(0, 1))
    said = "stage1 may teach shorter responses: 2.0 words chosen, 5.0 rejected"
    assert list(stage1(one).warnings()) == [said]


def test_a_stage_that_keeps_nothing_teaches_nothing() -> None:
    effects = of_margins(NO_PAIRS_LEFT)
    assert effects.length is None
    assert not list(effects.warnings())
    assert effects.maxims[0].shown_mean == "–"
