"""In which number format a pipeline holds its base: decided once, and never at the price of a base."""

import pytest
import torch

from grice_core.errors import OutputError, PreflightError
from grice_core.kernels.stored import weights_dtype
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.parts import PipelineParts
from grice_core.pipeline.record import begun_base_dtype
from grice_core.pipeline.trial import try_base
from grice_core.progress import Reporter
from tests.pipeline.world import config


def test_a_base_that_is_refused_with_weights_in_bf16_is_held_in_fp32_unless_asked_for(
    world, tmp_path, monkeypatch
):
    def refusing(base, *rest):
        if weights_dtype(base.model) != torch.float32:
            raise PreflightError("single rows differ by 1.0e-02")
        return try_base(base, *rest)

    monkeypatch.setattr("grice_core.pipeline.parts.try_base", refusing)
    said = []
    auto, asked = (
        PipelineParts(
            config(world, tmp_path / "out", precision="bf16", base_dtype=base_dtype),
            Reporter(say=said.append),
        )
        for base_dtype in ("auto", "bf16")
    )
    base, trial = auto.try_base(auto.inputs)
    assert (weights_dtype(base.model), auto.base_dtype) == (torch.float32, torch.float32)
    assert trial.decoding == "refilled"
    assert any("held in fp32, since in bf16 it is refused: single rows" in one for one in said)
    with pytest.raises(PreflightError):
        asked.try_base(auto.inputs)


def test_the_first_part_decides_in_which_format_the_base_is_held(tmp_path):
    output = OutputFolder(tmp_path)
    assert begun_base_dtype(output, "auto") == "auto"
    output.write_run({"inputs": {"base": {"name": "of before there was a choice"}}})
    assert begun_base_dtype(output, "auto") == "fp32"
    output.write_run({"inputs": {"base": {"dtype": "bf16"}}})
    assert begun_base_dtype(output, "auto") == begun_base_dtype(output, "bf16") == "bf16"
    with pytest.raises(OutputError, match="whose base is held in bf16: give --base-dtype bf16 or"):
        begun_base_dtype(output, "fp32")
