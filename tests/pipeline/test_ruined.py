"""A stage whose training has ruined the weights, though every pair of it is won."""

import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from grice_core.errors import PreflightError
from grice_core.pipeline.parts import PipelineParts
from grice_core.pipeline.preparing import prepare_stage
from grice_core.pipeline.published import StageModels
from grice_core.pipeline.run import PipelineResult
from grice_core.progress import Reporter
from tests.pipeline.world import config


def test_the_next_stage_blames_the_training_and_not_the_base(
    finished: PipelineResult, world: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished.output.path, out)
    path = out / "stage1" / "final_model" / "adapter_model.safetensors"
    learned = {
        name: tensor * (1e4 if "lora_B" in name else 1) for name, tensor in load_file(path).items()
    }
    save_file(learned, path, {"format": "pt"})
    parts = PipelineParts(config(world, out))
    job = parts.stage_job(1, parts.inputs)
    base = StageModels(parts.config.base, parts.device, parts.output, parts.base_dtype).after(
        "stage1"
    )
    with pytest.raises(PreflightError, match="The training of stage1 has diverged: lower its lea"):
        prepare_stage(base, job, Reporter())
