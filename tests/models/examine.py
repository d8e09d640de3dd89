"""A base model driven through the real pipeline, and its claims held against stock libraries."""

import gc
import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from peft import PeftModel
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from grice_core.dpo.base import load_base
from grice_core.dpo.examples import Compute
from grice_core.dpo.logps import pair_logps
from grice_core.dpo.policy import add_adapter
from grice_core.errors import GriceError, ModelError, PreflightError
from grice_core.evaluation.decoding import DecodingChoice
from grice_core.evaluation.generation import generate
from grice_core.evaluation.sampling import Sampling
from grice_core.pipeline.encoded_stage import encode_stage
from grice_core.pipeline.output import is_whole_model
from grice_core.pipeline.parts import PipelineParts
from grice_core.pipeline.published import StageModels
from grice_core.recipes.load import load_recipe
from tests.detector.tiny import write_heads
from tests.models.build import END_IDS, write
from tests.pipeline import world

Precision = Literal["fp32", "bf16"]

RECIPE = (
    "stage1.num_steps=3",
    "stage2.num_steps=3",
    "stage1.learning_rate=2e-2",
    "stage2.learning_rate=2e-2",
    "stage1.warmup_steps=0",
    "stage2.warmup_steps=0",
    "evaluation.max_new_tokens=12",
    "evaluation.num_prompts=4",
)
STAGES = ("stage1", "stage2")
CPU = torch.device("cpu")
NUM_PAIRS = 6
"""Pairs whose log-probabilities and gradients are held against the plain model's."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    precision: Precision
    result: Literal["shared", "separate", "refused"]
    why: str
    """How it is run, or why it is refused, in the words that a user reads."""
    lora_share: float | None = None
    """Of the weights that are no embedding; None if the base was refused."""
    left_out: str = ""


class UnfitError(AssertionError):
    """A base that was neither exact nor refused before training."""


def examine(name: str, precision: Precision, folder: Path) -> Row:
    """Run two stages and the evaluation on a tiny model, then prove what they claim.

    Raises: UnfitError, if a claim does not hold, or a base is refused only after training began.
    """
    row, parts = _prepared(name, precision, folder)
    if row.result == "refused":
        return row
    try:
        for stage in STAGES:
            parts.train(stage)
        parts.evaluate()
    except GriceError as error:
        raise UnfitError(f"{name}, {precision}: refused after training began: {error}") from error
    _Examination(name, parts, folder).check_all()
    return row


def try_out(name: str, precision: Precision, folder: Path) -> Row:
    """What a pipeline finds out about a tiny model before it trains: how it is run, or why it is refused."""
    row, _ = _prepared(name, precision, folder)
    return row


def _prepared(name: str, precision: Precision, folder: Path) -> tuple[Row, PipelineParts]:
    """A pipeline up to its training, if it gets so far."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write(name, folder / "base")
    write_texts(folder)
    write_heads(folder / "detector")
    parts = PipelineParts(
        world.config(folder, folder / "out", recipe=_recipe(), precision=precision)
    )
    parts.output.path.mkdir()
    try:
        parts.prepare()
    except (ModelError, PreflightError) as refusal:
        return Row(name, precision, "refused", _short(refusal, folder)), parts
    return _row(name, precision, parts), parts


def write_texts(folder: Path) -> None:
    """Pairs of 20 to 80 tokens, some with one prompt, and prompts of as different lengths."""
    draw = random.Random(0)
    words = [
        "where",
        "do",
        "cats",
        "dogs",
        "sleep",
        "they",
        "it",
        "is",
        "warm",
        "the",
        "on",
        "mat",
        "sun",
        "and",
        "or",
        "not",
        "very",
        "old",
        "blue",
    ]

    def text(least: int, most: int) -> str:
        return " ".join(draw.choices(words, k=draw.randint(least, most)))

    pairs = []
    for number in range(28):
        pair = world.pair(number, draw)
        prompt = pairs[-1]["prompt"] if number % 3 == 2 else text(4, 20)
        pairs.append(pair | {"prompt": prompt, "chosen": text(2, 12), "rejected": text(2, 12)})
    world.write_pairs_as(folder / "pairs.json", pairs)
    world.write_prompts(folder / "eval.json", [text(1, 20) for _ in range(5)])


def _recipe() -> Any:
    return load_recipe("content-then-manner", RECIPE)


def _row(name: str, precision: Precision, parts: PipelineParts) -> Row:
    trial = parts.record.content["inputs"]["base"]["trial"]
    choice, reach = trial["passes"][0], trial["reach"][0]
    result = "shared" if choice["passes"] == "shared" else "separate"
    written = {
        "refilled": "",
        "batched": "",
        "alone": "; answers one at a time",
        "whole": "; answers without a cache",
    }
    why = choice["reason"] + written[trial["decoding"]]
    return Row(name, precision, result, why, reach["share"], ", ".join(reach["left_out"]))


@dataclass(frozen=True, eq=False)
class _Examination:
    """What stock libraries say about a finished pipeline."""

    name: str
    parts: PipelineParts
    folder: Path

    def check_all(self) -> None:
        """Raises: UnfitError."""
        with _same_noise():
            self.check_causal()
            self.check_log_probabilities()
            self.check_published()
            if self.parts.dtype == torch.float32:
                self.check_answers()

    @property
    def base(self) -> str:
        return str(self.folder / "base")

    def stock(self) -> Any:
        """The base as anyone loads it."""
        model = AutoModelForCausalLM.from_pretrained(self.base, dtype=torch.float32).eval()
        return model.requires_grad_(False)

    @cached_property
    def pairs(self) -> Sequence[Any]:
        """Some of what the first stage learns from, as token ids, the longest and shortest included."""
        base = load_base(self.base, CPU)
        job = self.parts.stage_job(0, self.parts.inputs)
        encoded = encode_stage(base, job, self.parts.reporter)
        ordered = sorted(
            encoded.examples.pairs, key=lambda pair: len(pair.prompt) + len(pair.chosen)
        )
        return [*ordered[: NUM_PAIRS // 2], *ordered[-NUM_PAIRS // 2 :]]

    def check_causal(self) -> None:
        """Appending a token leaves earlier logits as they were, token by token at the end."""
        model = self.stock()
        if _changes_with_length(model.config):
            return  # by design; the log-probabilities below are those of whole rows
        pair = self.pairs[-1]
        row = torch.tensor([[*pair.prompt, *pair.chosen]])
        whole = _logits(model, row)
        scale = float(whole.abs().max())
        for length in (row.shape[1] - 1, row.shape[1] - 2, row.shape[1] // 2):
            gap = float((_logits(model, row[:, :length]) - whole[:, :length]).abs().max())
            self._demand(gap <= 2e-4 * scale, f"appending changes earlier logits by {gap:.1e}")

    def check_log_probabilities(self) -> None:
        """Of the passes that were chosen, and the adapter's gradients, held against the plain model."""
        trial = self.parts.record.content["inputs"]["base"]["trial"]
        lora = self.parts.config.recipe.stages[0].lora
        compute = Compute(CPU, self.parts.dtype, trial["passes"][0]["passes"])
        ours = add_adapter(load_base(self.base, CPU), lora, seed=1)
        theirs = add_adapter(load_base(self.base, CPU), lora, seed=1, fuses=False)
        for policy in (ours, theirs):
            _teach(policy)
        values, gradients = _with_gradients(
            ours, lambda: torch.cat([*_both(pair_logps(ours, self.pairs, compute.passes))]), compute
        )
        plain = [(p.prompt, p.chosen) for p in self.pairs] + [
            (p.prompt, p.rejected) for p in self.pairs
        ]
        exact, exact_gradients = _with_gradients(
            theirs, lambda: torch.stack([_plain(theirs, *row) for row in plain]), Compute(CPU)
        )
        if compute.dtype == torch.float32:
            self._demand_close("log-probabilities", values, exact, 2e-5)
            self._demand_close("adapter gradients", gradients, exact_gradients, 2e-3)
            return
        rounded, rounded_gradients = _with_gradients(
            theirs, lambda: torch.stack([_plain(theirs, *row) for row in plain]), compute
        )
        # bf16 has rounding of its own, in the plain model too: ours may not have much more.
        own = _relative(rounded, exact)
        self._demand_close("log-probabilities in bf16", values, exact, 4 * own + 0.02)
        own = _relative(rounded_gradients, exact_gradients)
        self._demand_close("gradients in bf16", gradients, exact_gradients, 4 * own + 0.05)

    def check_published(self) -> None:
        """Stock PEFT on the plain base gives what was evaluated, and what was trained."""
        row = torch.tensor([[*self.pairs[-1].prompt, *self.pairs[-1].chosen]])
        trained = self.stock()
        before = _logits(trained, row)
        models = StageModels(self.base, CPU, self.parts.output)
        for stage in STAGES:
            folder = self.parts.output.stage(stage)
            own = folder.own_adapter if folder.own_adapter.is_dir() else folder.final_model
            trained = PeftModel.from_pretrained(trained, own).merge_and_unload().eval()
            expected = _logits(trained, row)
            if is_whole_model(folder.final_model):
                published = AutoModelForCausalLM.from_pretrained(folder.final_model).eval()
            else:
                published = PeftModel.from_pretrained(self.stock(), folder.final_model).eval()
            effect = float((expected - before).abs().max())
            self._demand(effect > 1e-3, f"{stage} changed nothing: {effect:.1e}")
            tolerance = 1e-4 * float(expected.abs().max())
            for what, model in (("published", published), ("evaluated", models.after(stage).model)):
                gap = float((_logits(model, row) - expected).abs().max())
                self._demand(
                    gap <= tolerance,
                    f"the {what} model of {stage} is off by {gap:.1e}, its effect being {effect:.1e}",
                )

    def check_answers(self) -> None:
        """Batched answers with rows that end early are those of one row at a time, by whole passes."""
        base = load_base(self.base, CPU)
        tokenizer = AutoTokenizer.from_pretrained(self.base)
        base.model.generation_config.eos_token_id = list(END_IDS)
        prompts = list(self.parts.inputs.selection.prompts)
        sampling = Sampling(temperature=1.0, top_p=1.0, max_new_tokens=12, seed=3)
        together = generate(base.model, tokenizer, prompts, sampling)
        alone = [
            generate(base.model, tokenizer, [prompt], sampling, decoding=DecodingChoice("whole"))[0]
            for prompt in prompts
        ]
        self._demand(together == alone, f"answers depend on the batch: {together} {alone}")

    def _demand_close(self, what: str, found: Tensor, exact: Tensor, tolerance: float) -> None:
        gap = _relative(found, exact)
        self._demand(gap <= tolerance, f"{what} are off by {gap:.1e} (allowed: {tolerance:.1e})")

    def _demand(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise UnfitError(f"{self.name}, {self.parts.dtype}: {otherwise}")


def _logits(model: Any, row: Tensor) -> Tensor:
    with torch.no_grad():
        try:
            logits: Tensor = model(input_ids=row).logits
        except (RuntimeError, AttributeError):  # a cache that fails
            logits = model(input_ids=row, use_cache=False).logits
    return logits.float()


def _plain(model: Any, prompt: Sequence[int], response: Sequence[int]) -> Tensor:
    """Log-probability of a response by a pass over it alone, without anything of ours."""
    ids = torch.tensor([[*prompt, *response]])
    try:
        logits = model(input_ids=ids, use_cache=False).logits
    except TypeError:
        logits = model(input_ids=ids).logits
    logps = logits[0, len(prompt) - 1 : -1].float().log_softmax(dim=-1)
    return logps.gather(1, ids[0, len(prompt) :, None]).sum()


def _teach(policy: PeftModel) -> None:
    """Give the adapter an effect, the same in each policy."""
    draw = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in policy.named_parameters():
            if ".lora_B." in name:
                parameter.copy_(torch.empty(parameter.shape).normal_(std=0.05, generator=draw))
    policy.eval()


def _both(logps: Any) -> Iterator[Tensor]:
    yield logps.chosen
    yield logps.rejected


def _with_gradients(policy: PeftModel, run: Any, compute: Compute) -> tuple[Tensor, Tensor]:
    """Values, and the adapter's gradients of a weighted sum of them as one vector."""
    policy.zero_grad()
    with compute.autocast():
        values = run()
        (torch.linspace(-1, 2, len(values)) * values).sum().backward()
    gradients = [
        torch.zeros(p.numel()) if p.grad is None else p.grad.flatten()
        for p in policy.parameters()
        if p.requires_grad
    ]
    return values.detach().float(), torch.cat(gradients)


def _relative(found: Tensor, exact: Tensor) -> float:
    return float((found - exact).norm() / exact.norm())


def _changes_with_length(config: Any) -> bool:
    rope = getattr(config, "rope_parameters", None) or {}
    return rope.get("rope_type") == "longrope"


@contextmanager
def _same_noise() -> Iterator[None]:
    """Leave torch's generator as it was, and no models behind."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
    gc.collect()


def _short(error: Exception, folder: Path) -> str:
    """The sentence, without the path of a temporary folder."""
    return str(error).replace(f"{folder / 'base'} (", "it (").replace(str(folder / "base"), "it")
