"""The model card of stages with other losses than the usual one."""

from grice_core.chat.choice import FormatChoice
from grice_core.pipeline.card import write_stage_card
from grice_core.recipes.config import EvaluationConfig
from tests.dpo import tiny


def test_the_card_names_each_loss_its_paper_and_its_equation(tmp_path):
    stages = [
        tiny.stage(loss_type="robust", label_smoothing=0.1, sft_weight=0.2),
        tiny.stage(name="stage2", loss_type="ipo"),
    ]
    form = FormatChoice("plain").of(tiny.tokenizer())
    write_stage_card(tmp_path, stages, "base", form, sampling=EvaluationConfig())
    card = (tmp_path / "README.md").read_text()
    assert "weighted robust DPO (arXiv 2403.00409) and weighted IPO (arXiv 2310.12036)" in card
    assert "| robust (label_smoothing 0.1) + 0.2 · sft | 0.005 |" in card
    assert "`ipo`: weight · ((Δ̄ − 1 / (2β))²)" in card
    assert "`sft`: cross-entropy per token of the chosen responses" in card
