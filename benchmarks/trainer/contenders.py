"""The contenders: each trains one stage on the same pairs, and says what that cost."""

import gc
import math
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from benchmarks.quiet import hush
from benchmarks.trainer.measuring import (
    Before,
    Cost,
    Pass,
    WorkCounter,
    counted_flops,
    synchronize,
)
from benchmarks.trainer.work import Work, make_model, make_tokenizer, save_model, write_pairs
from grice_core.data.load import load_pairs
from grice_core.data.pairs import PairTable
from grice_core.dpo.base import BaseModel, load_base
from grice_core.dpo.encode import EncodedPair, encode_pairs
from grice_core.dpo.schedules import learning_rate, step_batches
from grice_core.kernels.memory import peak_bytes
from grice_core.kernels.precision import (
    WeightFormat,
    resolve_base_dtype,
    resolve_device,
    resolve_precision,
)
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.preparing import prepare_stage
from grice_core.pipeline.stage_job import StageJob
from grice_core.progress import Reporter
from grice_core.recipes.load import load_recipe
from grice_core.recipes.plan import plan_stages
from grice_core.settings import settings

NUM_COUNTED = 64
"""Pairs of ours on which FLOPs are counted."""


@dataclass(frozen=True, eq=False)
class Given:
    """What a contender starts from."""

    work: Work
    table: PairTable
    tokenizer: Any
    count: Callable[[Any], None]
    """Told of every model that tokens go through."""

    @cached_property
    def model(self) -> Any:
        """Random weights in fp32, made when they are first asked for."""
        made = make_model(self.work.size, self.device)
        self.count(made)
        return made

    @cached_property
    def base(self) -> BaseModel:
        """The same, loaded from a folder as the pipeline loads a base: fp32 weights are never all in memory
        where they are held in another format."""
        loaded = replace(load_base(str(self.folder), self.device, self.form), name="random weights")
        self.count(loaded.model)
        return loaded

    @property
    def folder(self) -> Path:
        """Where the same model lies, saved by a process of its own."""
        folder = self.work.home / "model"
        if not folder.is_dir():
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                process.submit(save_model, self.work.size, self.device, folder).result()
        return folder

    @property
    def form(self) -> WeightFormat:
        """How the base's weights are held."""
        return resolve_base_dtype(self.work.base_dtype, self.dtype)

    @property
    def device(self) -> torch.device:
        return resolve_device(self.work.device)

    @property
    def dtype(self) -> torch.dtype:
        return resolve_precision(self.work.precision, self.device)


def run(name: str, work: Work, flops_per_token: Mapping[Pass, float] | None = None) -> Cost:
    """Train with one contender; count its FLOPs too, unless they are known."""
    hush()
    cost = train(name, work, WorkCounter())
    if flops_per_token is not None:
        return replace(cost, flops_per_token=flops_per_token)
    with tempfile.TemporaryDirectory() as folder, counted_flops() as counter:
        few = replace(
            work,
            pairs=Path(folder) / "few.json",
            num_pairs=min(work.num_pairs, _num_counted(name, work)),
            home=Path(folder),
        )
        write_pairs(few.pairs, few.num_pairs, work.pairs)
        counted = WorkCounter(counter)
        train(name, few, counted)
    return replace(cost, flops_per_token=counted.flops_per_token())


def _num_counted(name: str, work: Work) -> int:
    """Pairs on which FLOPs are counted: many where a prompt's tokens cost less than a response's, one
    step's where each token costs the same."""
    return NUM_COUNTED if name == "ours" else work.stage.pairs_per_step


def give(work: Work, count: Callable[[Any], None]) -> Given:
    """Pairs in memory, caches in the work's own home."""
    os.environ["GRICE_HOME"] = str(work.home)
    settings.cache_clear()
    return Given(work, load_pairs(work.pairs).table, make_tokenizer(), count)


def train(name: str, work: Work, counter: WorkCounter) -> Cost:
    """Train with one contender, from a model and pairs in memory."""
    device = resolve_device(work.device)
    given = give(work, counter.watch)
    if name == "ours":
        _ = given.base
    elif work.base_dtype in ("bf16", "nf4"):
        given.model.to(torch.bfloat16)
    else:
        _ = given.model
    gc.collect()  # an earlier training's model
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    started, cpu_started = time.perf_counter(), time.process_time()
    before = CONTENDERS[name](given)
    synchronize(device)
    return Cost(
        seconds=time.perf_counter() - started,
        cpu_s=time.process_time() - cpu_started,
        before=before,
        tokens=counter.tokens,
        peak_bytes=peak_bytes(device),
    )


def ours(given: Given) -> Before:
    """This package, as the pipeline calls it."""
    started = time.perf_counter()
    job = stage_job(given)
    prepared = prepare_stage(given.base, job, Reporter())
    before = Before(time.perf_counter() - started, prepared.reference_s)
    prepared.trainer.run(prepared.encoded.planned.num_steps, job.seed)
    return before


def stage_job(given: Given) -> StageJob:
    """The stage on all pairs, none held out."""
    recipe = load_recipe("content-then-manner", ["holdout_share=0"])
    recipe = recipe.model_copy(update={"stages": (given.work.stage,)})
    return StageJob(
        planned=plan_stages(recipe, given.table, seed=0)[0],
        earlier=(),
        table=given.table,
        output=OutputFolder(given.work.home),
        seed=0,
        device=given.device,
        dtype=given.dtype,
        gradient_checkpointing=given.work.gradient_checkpointing,
    )


def trl(given: Given) -> Before:
    """TRL's DPOTrainer: reference computed beforehand, a whole optimizer step in one batch.

    Its rows are padded: `padding_free` is there in 1.16 and switched off.
    """
    from datasets import Dataset, disable_progress_bars
    from transformers import PrinterCallback
    from trl import DPOConfig, DPOTrainer

    disable_progress_bars()
    stage, table = given.work.stage, given.table
    started = time.perf_counter()
    trainer = DPOTrainer(
        model=given.model,
        args=DPOConfig(
            output_dir=str(given.work.home / "trl"),
            precompute_ref_log_probs=True,
            precompute_ref_batch_size=max(8, stage.pairs_per_step),
            per_device_train_batch_size=stage.pairs_per_step,
            gradient_checkpointing=given.work.gradient_checkpointing == "on",
            num_train_epochs=stage.epochs,
            learning_rate=stage.learning_rate,
            weight_decay=stage.weight_decay,
            max_grad_norm=stage.max_grad_norm,
            beta=_beta(given),
            max_length=stage.max_length,
            bf16=given.dtype == torch.bfloat16,
            use_cpu=given.device.type == "cpu",
            dataloader_pin_memory=given.device.type == "cuda",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            logging_steps=10**9,
        ),
        train_dataset=Dataset.from_dict(
            {
                "prompt": list(table.prompts),
                "chosen": [f" {text}" for text in table.chosen],
                "rejected": [f" {text}" for text in table.rejected],
            }
        ),
        processing_class=given.tokenizer,
        peft_config=_lora(given),
    )
    trainer.remove_callback(PrinterCallback)  # standard output is the benchmark's
    before_s = time.perf_counter() - started
    trainer.train()
    return Before(before_s, before_s)


def notebook(given: Given) -> Before:
    """The guide's loop: fp32, one pair after another, policy and reference two models, four passes.

    Its mistakes that change what is learned (see the design) cost no time and are left out, but for
    the one weight that it gave to all pairs, which is 1 here.
    """
    stage = given.work.stage
    frozen = make_model(given.work.size, given.device)
    given.count(frozen)
    policy = get_peft_model(given.model, _lora(given)).train()
    parameters = [p for p in policy.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, weight_decay=stage.weight_decay)
    pairs = encode_pairs(given.table, given.tokenizer, stage.max_length).pairs
    num_steps = stage.epochs * math.ceil(len(pairs) / stage.pairs_per_step)
    batches = step_batches(len(pairs), stage.pairs_per_step, num_steps, seed=0)
    for step, batch in enumerate(batches):
        for index in batch.tolist():
            loss = _notebook_loss(policy, frozen, pairs[index], _beta(given))
            (loss / len(batch)).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, stage.max_grad_norm)
        optimizer.param_groups[0]["lr"] = learning_rate(stage, step, num_steps)
        optimizer.step()
        optimizer.zero_grad()
    return Before()


def _notebook_loss(policy: Any, frozen: Any, pair: EncodedPair, beta: float) -> torch.Tensor:
    """−log σ(β · Δ) of one pair, from logits over the whole vocabulary at every position."""

    def logp(model: Any, response: tuple[int, ...]) -> torch.Tensor:
        ids = torch.tensor([[*pair.prompt, *response]], device=model.device)
        logps = model(input_ids=ids).logits[:, :-1].log_softmax(dim=-1)
        tokens: torch.Tensor = logps.gather(2, ids[:, 1:, None])[0, :, 0]
        return tokens[len(pair.prompt) - 1 :].sum()

    with torch.no_grad():
        expected = logp(frozen, pair.chosen) - logp(frozen, pair.rejected)
    delta = logp(policy, pair.chosen) - logp(policy, pair.rejected) - expected
    return -torch.nn.functional.logsigmoid(beta * delta)


def _lora(given: Given) -> LoraConfig:
    lora = given.work.stage.lora
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear",
        fan_in_fan_out=given.model.config.model_type == "gpt2",
    )


def _beta(given: Given) -> float:
    beta = given.work.stage.beta
    assert isinstance(beta, float)
    return beta


CONTENDERS: dict[str, Callable[[Given], Before]] = {"ours": ours, "trl": trl, "notebook": notebook}
"""Each trains `given.base` or `given.model` in place."""
