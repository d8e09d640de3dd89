"""The table of what a cut teaches."""

from app.app_pages.stages.side_effects import effect_rows
from grice_core.recipes.load import load_recipe
from grice_core.recipes.plan import plan_stages
from grice_core.recipes.side_effects import effects_of
from tests.data.tables import table_of


def test_what_teaches_the_opposite_is_marked() -> None:
    table = table_of([(0.5, -0.25, 0.0, 0.0)] * 3)
    first, _ = effects_of(plan_stages(load_recipe("content-then-manner"), table, 0), table)

    quantity, quality, *_ = effect_rows(first)

    assert [cell.text for cell in quality] == ["quality", "−0.25", "3", "3"]
    assert [cell.tone for cell in quality] == ["", "bad", "", "bad"]
    assert quality[0].below == "side effect"
    assert quantity[0].below == "trained"
    assert {cell.tone for cell in quantity} == {""}
