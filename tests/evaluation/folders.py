"""Output folders of pipelines, without the training."""

import json
from pathlib import Path

from grice_core.evaluation.results import Evaluation, write_evaluation
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.second_judge import SecondOpinion
from grice_core.evaluation.selection import PromptSelection
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.recipes.config import EvaluationConfig


def evaluated_folder(
    folder: Path,
    *models: EvaluatedModel,
    recipe: str = "content-then-manner",
    warnings: tuple[str, ...] = (),
    second: SecondOpinion | None = None,
) -> Path:
    """What a pipeline leaves of its evaluation."""
    folder.mkdir()
    config = EvaluationConfig()
    prompts = tuple(models[0].prompts)
    plain, no_tools = (None,) * len(prompts), ((),) * len(prompts)
    evaluation = Evaluation(
        models=models,
        selection=PromptSelection(
            prompts, plain, no_tools, "drop-eval", len(prompts), len(prompts), 0, 0
        ),
        sampling=Sampling.of(config, seed=3),
        config=config,
        warnings=warnings,
        second=second,
    )
    write_evaluation(folder, evaluation)
    (folder / "run.json").write_text(json.dumps({"recipe": {"name": recipe}, "seed": 3}))
    return folder
