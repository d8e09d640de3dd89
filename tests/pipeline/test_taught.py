"""The model card says what the pairs teach besides."""

from grice_core.pipeline.taught import taught_section
from grice_core.recipes.load import load_recipe
from grice_core.recipes.plan import plan_stages
from tests.data.tables import table_of


def test_each_maxim_of_each_stage_has_its_row_and_each_warning_its_line() -> None:
    table = table_of([(0.5, -0.25, 0.0, 0.0)] * 2 + [(0.0, 0.0, 0.0, 0.5)])
    stages = plan_stages(load_recipe("content-then-manner"), table, seed=0)

    text = taught_section(stages, table, "the chosen are 100.0 % cooperative")

    assert "| stage1 | quality | side effect | −0.25 | 2 | 2 | 2 |\n" in text
    assert "| stage2 | manner | trained | +0.50 | 0 | 0 | 1 |\n" in text
    assert text.count("| stage") == 1 + 8
    assert "- stage1 may teach the opposite on quality, as a side effect: 2 of 2 pairs" in text
    assert "- stage1: 2.0 words chosen, 2.0 rejected.\n" in text
    assert text.endswith("- the chosen are 100.0 % cooperative.\n\n")
