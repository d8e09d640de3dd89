"""Evaluating baseline and stages: this package against the notebook's loop, same weights, same prompts.

    python -m benchmarks.evaluation [--prompts 100] [--models 3] [--json]

The notebook keeps all models in memory, asks one prompt at a time and judges one answer at a time,
padded to 512 tokens. Models have the shape of GPT-2 small, the detector that of DeBERTa-v3-base, both
with random weights, which never end an answer early. Each contender has a process of its own.
"""

import copy
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from benchmarks import scoring
from benchmarks.options import add_device, add_json, add_precision, new_parser
from benchmarks.trainer.work import make_model, make_tokenizer
from grice_core.data.load import Prompts
from grice_core.detector.load import load_detector
from grice_core.detector.weights import write_detector
from grice_core.dpo.adapters import adapter_of, save_adapter
from grice_core.dpo.base import BaseModel
from grice_core.dpo.policy import add_adapter, merge_saved
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.selection import select_prompts
from grice_core.kernels.memory import peak_bytes
from grice_core.kernels.precision import Precision, resolve_device, resolve_precision
from grice_core.pipeline.judging import EvaluationJob, evaluate_stages
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.published import StageModels
from grice_core.progress import Reporter
from grice_core.recipes.config import EvaluationConfig, LoraSettings

CPU = torch.device("cpu")
CONFIG = EvaluationConfig()


@dataclass(frozen=True)
class Work:
    """What both contenders are given."""

    folder: Path
    """Holds base and detector, and each stage's adapter where a pipeline would have put it."""
    prompts: tuple[str, ...]
    stages: tuple[str, ...]
    precision: Precision
    device: str

    @property
    def base(self) -> Path:
        """Folder of the base model, which stages begin from again."""
        return self.folder / "base"


@dataclass(frozen=True)
class Cost:
    """What an evaluation took, once the first model was in memory."""

    writing_s: float
    judging_s: float
    peak_bytes: int

    @property
    def seconds(self) -> float:
        return self.writing_s + self.judging_s


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument(
        "--prompts", type=int, default=100, help="that each model answers; else %(default)s"
    )
    parser.add_argument(
        "--models", type=int, default=3, help="that answer, one after the other; else %(default)s"
    )
    add_precision(parser, "auto", "fp32", "bf16")
    add_device(parser)
    add_json(parser)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prompts = scoring.sample(arguments.prompts)[0][::2]
        stages = tuple(f"stage{number}" for number in range(1, arguments.models))
        work = Work(Path(folder), tuple(prompts), stages, arguments.precision, arguments.device)
        _alone(write_models, work)
        costs = {name: _alone(function, work) for name, function in CONTENDERS.items()}
    ratio = costs["notebook"].seconds / costs["ours"].seconds
    memory = costs["ours"].peak_bytes / costs["notebook"].peak_bytes
    if arguments.json:
        print(json.dumps({"ratio": round(ratio, 3), "memory_ratio": round(memory, 3)}))
        return
    print(f"{len(prompts)} prompts, {arguments.models} models, {CONFIG.max_new_tokens} tokens each")
    print(f"{'':10}{'writing':>10}{'judging':>10}{'all':>10}{'memory':>13}")
    for name, cost in costs.items():
        print(
            f"{name:10}{cost.writing_s:8.1f} s{cost.judging_s:8.1f} s{cost.seconds:8.1f} s"
            f"{cost.peak_bytes / 2**20:9,.0f} MiB"
        )
    print(f"{ratio:.1f} times as fast, with {memory:.0%} of the memory")


def write_models(work: Work) -> None:
    """The detector, and an adapter that changes something for each stage."""
    tokenizer = scoring.make_tokenizer(work.prompts, work.prompts)
    write_detector(
        work.folder / "detector", scoring.make_model(tokenizer), tokenizer, scoring.make_record()
    )
    base = BaseModel("random weights", make_model("small", CPU), make_tokenizer())
    base.model.save_pretrained(work.base)
    base.tokenizer.save_pretrained(work.base)
    policy = add_adapter(base, LoraSettings(), seed=0)
    with torch.no_grad():
        for name, parameter in policy.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.01)
    for stage in work.stages:
        save_adapter(adapter_of(policy), OutputFolder(work.folder).stage(stage).final_model)


def ours(work: Work) -> Cost:
    """This package, as the pipeline calls it."""
    device = resolve_device(work.device)
    job = EvaluationJob(
        stages=work.stages,
        selection=select_prompts(
            Prompts.of_texts(work.prompts),
            (),
            policy="keep",
            num_prompts=len(work.prompts),
            seed=0,
        ),
        config=CONFIG,
        detector=load_detector(str(work.folder / "detector"), device, work.precision),
        output=OutputFolder(work.folder),
        sampling=Sampling.of(CONFIG, seed=0),
        dtype=resolve_precision(work.precision, device),
    )
    models = StageModels(str(work.base), device, job.output)
    models.after(None)
    started, judging_s, began = time.perf_counter(), 0.0, 0.0

    def progress(task: str, done: int, total: int) -> None:
        nonlocal judging_s, began
        now = time.perf_counter()
        if "generate" in task:
            began = now  # the last answer ends the writing
        elif done == total:
            judging_s += now - began

    evaluate_stages(models, job, Reporter(progress))
    return Cost(time.perf_counter() - started - judging_s, judging_s, peak_bytes(device))


def notebook(work: Work) -> Cost:
    """The guide's loop, in fp32, all models in memory, unseeded."""
    device = resolve_device(work.device)
    detector = load_detector(str(work.folder / "detector"), device, "fp32")
    tokenizer = make_tokenizer()
    base = BaseModel("random weights", make_model("small", device), tokenizer)
    models = [base.model]
    for stage in work.stages:
        last = BaseModel(base.name, copy.deepcopy(base.model), tokenizer)
        adapter = OutputFolder(work.folder).stage(stage).final_model
        models.append(merge_saved(last, adapter).model)
    started = time.perf_counter()
    answers = [[_ask(model, tokenizer, prompt) for prompt in work.prompts] for model in models]
    written = time.perf_counter()
    for texts in answers:
        scoring.score_as_notebook(
            detector.model, detector.encoder.tokenizer, work.prompts, texts, device
        )
    judged = time.perf_counter()
    return Cost(written - started, judged - written, peak_bytes(device))


def _ask(model: Any, tokenizer: Any, prompt: str) -> str:
    inputs = tokenizer(prompt, return_tensors="pt").to(model.device)
    with torch.no_grad():
        output = model.generate(
            **inputs,
            max_new_tokens=CONFIG.max_new_tokens,
            do_sample=True,
            temperature=CONFIG.temperature,
            top_p=CONFIG.top_p,
            pad_token_id=tokenizer.eos_token_id,
        )
    text: str = tokenizer.decode(output[0, inputs["input_ids"].shape[1] :])
    return text


def _alone(function: Callable[[Work], Any], work: Work) -> Any:
    """Call in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(function, work).result()


CONTENDERS = {"ours": ours, "notebook": notebook}


if __name__ == "__main__":
    main()
