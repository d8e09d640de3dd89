"""The same stage, trained by this package and by TRL from the same adapter, in fp32 and in the same order."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from grice_core.chat.choice import FormatChoice
from grice_core.data.pairs import PairTable
from grice_core.dpo.base import BaseModel
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.preparing import prepare_stage
from grice_core.pipeline.stage_job import StageJob
from grice_core.progress import Reporter
from grice_core.recipes.config import StageConfig
from grice_core.recipes.load import load_recipe
from grice_core.recipes.plan import plan_stages

PAIRS_PER_STEP = 4


@dataclass(frozen=True)
class Trained:
    """What a training came to."""

    losses: list[float]
    """Of each step."""
    ids: Sequence[tuple[list[int], ...]]
    """Token ids of prompts and responses, where the trainer made them itself."""
    adapter: list[torch.Tensor]


def stage(num_steps: int, **settings: Any) -> StageConfig:
    """A stage of so many steps without dropout and warm-up; what stays is changed by `settings`."""
    return StageConfig.model_validate(
        {
            "name": "stage1",
            "weights": {"quantity": 1},
            "lora": {"r": 8, "alpha": 16, "dropout": 0.0, "target_modules": "all-linear"},
            "learning_rate": 1e-3,
            "beta": 0.1,
            "num_steps": num_steps,
            "batch_size": PAIRS_PER_STEP,
            "gradient_accumulation_steps": 1,
            "max_length": 2048,
            "warmup_steps": 0,
        }
        | settings
    )


def train_ours(base: BaseModel, table: PairTable, settings: StageConfig, home: Path) -> Trained:
    """By the trainer of this package, as a pipeline would."""
    recipe = load_recipe("content-then-manner", ["holdout_share=0", "prompt_format=chat"])
    recipe = recipe.model_copy(update={"stages": (settings,)})
    job = StageJob(
        planned=plan_stages(recipe, table, seed=0)[0],
        earlier=(),
        table=table,
        output=OutputFolder(home),
        seed=0,
        device=torch.device("cpu"),
        dtype=torch.float32,
        format_choice=FormatChoice(recipe.prompt_format),
    )
    own = BaseModel(base.name, copy.deepcopy(base.model), base.tokenizer)
    trainer = prepare_stage(own, job, Reporter()).trainer
    losses: list[float] = []
    trainer.run(
        settings.num_steps or 0, 0, Reporter(on_step=lambda record: losses.append(record["loss"]))
    )
    return Trained(losses, [], [p.detach().clone() for p in trainer.parameters])


def train_theirs(
    base: BaseModel, rows: list[dict[str, Any]], settings: StageConfig, home: Path
) -> Trained:
    """By TRL's `DPOTrainer`, on rows in the order in which they are seen."""
    from datasets import Dataset, disable_progress_bars
    from torch.utils.data import SequentialSampler
    from transformers import PrinterCallback
    from trl import DPOConfig, DPOTrainer

    disable_progress_bars()
    losses: list[float] = []

    class InOrder(DPOTrainer):  # type: ignore[misc]
        def _get_train_sampler(self, dataset: Any = None) -> Any:
            return SequentialSampler(dataset if dataset is not None else self.train_dataset)

        def compute_loss(self, *arguments: Any, **named: Any) -> Any:
            loss = super().compute_loss(*arguments, **named)
            losses.append(float(loss[0] if isinstance(loss, tuple) else loss))
            return loss

    torch.manual_seed(0)  # as `add_adapter` draws it
    lora = LoraConfig(
        task_type="CAUSAL_LM", r=8, lora_alpha=16, lora_dropout=0.0, target_modules="all-linear"
    )
    policy = get_peft_model(copy.deepcopy(base.model), lora)
    fields = ("prompt", "chosen", "rejected", "tools")
    trainer = InOrder(
        model=policy,
        args=DPOConfig(
            output_dir=str(home / "trl"),
            per_device_train_batch_size=PAIRS_PER_STEP,
            gradient_checkpointing=False,
            max_steps=settings.num_steps or 0,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            max_grad_norm=settings.max_grad_norm,
            beta=settings.beta,
            **_their_loss(settings),
            max_length=None,
            bf16=False,
            use_cpu=True,
            dataloader_pin_memory=False,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            logging_steps=10**9,
        ),
        train_dataset=Dataset.from_list([{name: row[name] for name in fields} for row in rows]),
        processing_class=copy.deepcopy(base.tokenizer),
    )
    trainer.remove_callback(PrinterCallback)  # standard output is the benchmark's
    ids = [
        (row["prompt_ids"], row["chosen_ids"], row["rejected_ids"]) for row in trainer.train_dataset
    ]
    trainer.train()
    adapter = [p.detach() for n, p in trainer.model.named_parameters() if ".default." in n]
    return Trained(losses, ids, adapter)


def _their_loss(settings: StageConfig) -> dict[str, Any]:
    """TRL's names for a stage's loss."""
    types = ["sigmoid" if settings.loss_type == "dpo" else settings.loss_type]
    weights = [1.0]
    if settings.sft_weight:
        types, weights = [*types, "sft"], [*weights, settings.sft_weight]
    smoothing = {"label_smoothing": settings.label_smoothing} if settings.label_smoothing else {}
    return {"loss_type": types, "loss_weights": weights, **smoothing}
