"""Evaluating baseline and stages: this package against the notebook's loop, same weights, same prompts.

    python -m benchmarks.evaluation [--prompts 100] [--models 3] [--precision bf16] [--against DIR] [--json]

The notebook keeps all models in memory, asks one prompt at a time and judges one answer at a time,
padded to 512 tokens; `--notebook-prompts` gives it fewer prompts, 0 none. Models have the shape of GPT-2 small, the
detector that of DeBERTa-v3-base, both with random weights, which never end an answer early. Each contender has a
process of its own. With `--against`, a checkout of an earlier commit, its code takes turns with ours, `--rounds`
times. Ratios are of seconds, and of the processes' CPU seconds, which say more on a busy machine.
"""

import argparse
import copy
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from benchmarks import scoring
from benchmarks.evaluation_contest import Contest, Cost, Work, show, take_turn
from benchmarks.options import add_device, add_json, new_parser
from benchmarks.trainer.work import make_model, make_tokenizer
from grice_core.data.load import Prompts
from grice_core.detector.load import load_detector
from grice_core.detector.model import MaximHeads
from grice_core.detector.score import NetworkDetector
from grice_core.detector.weights import write_detector
from grice_core.dpo.adapters import adapter_of, save_adapter
from grice_core.dpo.base import BaseModel
from grice_core.dpo.policy import add_adapter, merge_saved
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.selection import select_prompts
from grice_core.kernels.memory import peak_bytes
from grice_core.kernels.precision import (
    Precision,
    multiplies_bf16_fast,
    resolve_device,
    resolve_precision,
)
from grice_core.pipeline.evaluation_job import EvaluationJob
from grice_core.pipeline.judging import evaluate_stages
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.published import StageModels
from grice_core.progress import Reporter
from grice_core.recipes.config import EvaluationConfig, LoraSettings

CPU = torch.device("cpu")
CONFIG = EvaluationConfig()


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument(
        "--prompts", type=int, default=100, help="that each model answers; else %(default)s"
    )
    parser.add_argument(
        "--models", type=int, default=3, help="that answer, one after the other; else %(default)s"
    )
    parser.add_argument(
        "--notebook-prompts",
        type=int,
        metavar="N",
        help="of these, for the notebook's loop, whose time goes by their number; else all",
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help="a checkout of an earlier commit, measured beside",
    )
    parser.add_argument(
        "--rounds", type=int, default=1, help="of an earlier commit and ours; else %(default)s"
    )
    parser.add_argument(
        "--precision",
        choices=("fp32", "bf16"),
        action="append",
        help="may be given twice; else fp32, and bf16 where it is fast",
    )
    add_device(parser)
    add_json(parser)
    arguments = parser.parse_args()
    fast = multiplies_bf16_fast(resolve_device(arguments.device))
    contests = {
        precision: _measure(arguments, precision)
        for precision in arguments.precision or (("fp32", "bf16") if fast else ("fp32",))
    }
    if arguments.json:
        documents = {precision: contest.document() for precision, contest in contests.items()}
        print(json.dumps(documents, indent=2))
        return
    print(
        f"{arguments.prompts} prompts, {arguments.models} models, {CONFIG.max_new_tokens} tokens each"
    )
    for precision, contest in contests.items():
        show(precision, contest)


def _measure(arguments: argparse.Namespace, precision: Precision) -> Contest:
    with tempfile.TemporaryDirectory() as folder:
        prompts = tuple(scoring.sample(arguments.prompts)[0][::2])
        stages = tuple(f"stage{number}" for number in range(1, arguments.models))
        work = Work(Path(folder), prompts, stages, precision, arguments.device)
        _alone(write_models, work)
        turns = []
        for _ in range(arguments.rounds if arguments.against else 0):
            turns.append(
                (take_turn(work, arguments.against), take_turn(work, Path(__file__).parents[1]))
            )
        return Contest(
            _alone(ours, work), _notebook_on(work, arguments.notebook_prompts), tuple(turns)
        )


def _notebook_on(work: Work, num_prompts: int | None) -> Cost | None:
    if num_prompts == 0:
        return None
    some = replace(work, prompts=work.prompts[:num_prompts])
    cost: Cost = _alone(notebook, some)
    return cost.times(len(work.prompts) / len(some.prompts))


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
            Prompts.of_texts(list(work.prompts)),
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
    started, cpu_started = time.perf_counter(), time.process_time()
    judging_s = began = 0.0

    def progress(task: str, done: int, total: int) -> None:
        nonlocal judging_s, began
        now = time.perf_counter()
        if "generate" in task:
            began = now  # the last answer ends the writing
        elif done == total:
            judging_s += now - began

    evaluate_stages(models, job, Reporter(progress))
    writing_s, cpu_s = time.perf_counter() - started - judging_s, time.process_time() - cpu_started
    job.output.answers.unlink()  # or another contender would take them over
    return Cost(writing_s, judging_s, cpu_s, peak_bytes(device))


def notebook(work: Work) -> Cost:
    """The guide's loop, in fp32, all models in memory, unseeded."""
    device = resolve_device(work.device)
    detector = load_detector(str(work.folder / "detector"), device, "fp32")
    assert isinstance(detector, NetworkDetector)
    assert isinstance(detector.model, MaximHeads)
    tokenizer = make_tokenizer()
    base = BaseModel("random weights", make_model("small", device), tokenizer)
    models = [base.model]
    for stage in work.stages:
        last = BaseModel(base.name, copy.deepcopy(base.model), tokenizer)
        adapter = OutputFolder(work.folder).stage(stage).final_model
        models.append(merge_saved(last, adapter).model)
    started, cpu_started = time.perf_counter(), time.process_time()
    answers = [[_ask(model, tokenizer, prompt) for prompt in work.prompts] for model in models]
    written = time.perf_counter()
    for texts in answers:
        scoring.score_as_notebook(
            detector.model, detector.encoder.tokenizer, work.prompts, texts, device
        )
    judged, cpu_s = time.perf_counter(), time.process_time() - cpu_started
    return Cost(written - started, judged - written, cpu_s, peak_bytes(device))


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


if __name__ == "__main__":
    main()
