"""The runs of a pipeline: score → train stage by stage → evaluate → export.

Each starts from the output folder that the one before left, and keeps it as it is afterwards.
"""

import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from grice_core.errors import InputError, InterruptedRunError
from grice_core.evaluation.results import Evaluation, evaluation_document, guide_results
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.kernels.memory import peak_bytes
from grice_core.maxims import MAXIMS, Maxim
from grice_core.pipeline.config import PipelineConfig
from grice_core.pipeline.kept_steps import CHECKPOINT
from grice_core.pipeline.output import OutputFolder, keep_stages_only
from grice_core.pipeline.parts import PipelineParts
from grice_core.progress import Reporter
from grice_core.registry import Keeper
from grice_core.store import generations, runs
from grice_core.store.generations import Answer, Judgement
from grice_core.store.kept import kept_work
from grice_core.store.tables import JsonObject
from worker.jobs.context import JobContext
from worker.roles import ADAPTER, ARCHIVE, OUTPUT
from worker.round_report import RoundReport
from worker.shared_sampling import WorkerHelp, free_workers
from worker.sharing import CheckpointWatch
from worker.spec import PipelineSpec, parse_pipeline

_KEPT_OF_A_STAGE = (
    "num_train",
    "num_heldout",
    "num_steps",
    "before",
    "after",
    "seconds",
    "taken_over",
    CHECKPOINT,
)
_EPOCH_OF_ZIP = (1980, 1, 1, 0, 0, 0)

Counts = Callable[[str, int, int], tuple[int, int] | None]


def score(context: JobContext) -> JsonObject:
    """Check everything that the user gave, and score what comes without scores."""
    parts = _parts(context, lambda task, done, total: (done, total) if "scoring" in task else None)
    parts.prepare()
    context.keep(OUTPUT, parts.output.path)
    inputs: JsonObject = parts.record.content["inputs"]
    return {
        "data": {name: value for name, value in inputs["data"].items() if name != "path"},
        "prompts": inputs["eval"]["prompts"],
        "prompt_format": parts.record.content["prompt_format"],
        "base_dtype": inputs["base"]["dtype"],
        "stages": [
            {
                "name": stage.config.name,
                "num_train": len(stage.train_indices),
                "num_steps": stage.num_steps,
            }
            for stage in parts.inputs.stages
        ],
    }


def train(context: JobContext) -> JsonObject:
    """Train one stage."""
    stage = context.run.stage or ""
    folder = OutputFolder(context.workspace.out).stage(stage)
    watch = CheckpointWatch(context.sharing, context.workspace, folder.checkpoints)
    round_ = RoundReport(context.database, context.claim, context.run.result)

    def counts(task: str, done: int, total: int) -> tuple[int, int] | None:
        if task != stage:
            return None
        watch.look()
        return done, total

    def on_round(noted: Mapping[str, Any]) -> None:
        round_.on_round(noted)
        if "kept" in noted and "data_set_id" not in round_.others:
            round_.keep(_kept_pairs(context, folder.own_pairs, noted))

    helpers = _helpers(context)
    parts = _parts(context, counts, helpers, on_phase=round_.on_phase, on_round=on_round)
    if not parts.is_trained(stage):  # else this process's predecessor was killed while keeping it
        try:
            parts.train(stage)
        except InterruptedRunError:
            watch.share()
            if runs.get(context.database, context.run.id).stop_requested:
                helpers.stop()
            raise
        except Exception:
            helpers.stop()
            raise
    context.reporting.close()
    record = parts.record.stage_of(stage) or {}
    noted = parts.record.round_of(stage)
    if noted.get("in_effect", True):  # not a round that was left out
        context.keep(ADAPTER, folder.final_model)
    context.keep(OUTPUT, parts.output.path)
    context.sharing.forget()
    helpers.dismiss()
    return {
        **{name: record[name] for name in _KEPT_OF_A_STAGE if name in record},
        **({"round": noted} if noted else {}),
        **_kept_pairs(context, folder.own_pairs, noted),
        "peak_bytes": peak_bytes(parts.device),
    }


def _helpers(context: JobContext) -> WorkerHelp:
    """Other workers, who may help with the answers that a round samples."""
    return WorkerHelp(
        context.database,
        context.artifacts,
        context.claim,
        context.run,
        context.parent_output or "",
        context.workspace.path,
        free_workers(context.database),
        context.reporting.say,
    )


def _kept_pairs(context: JobContext, pairs: Path, noted: Mapping[str, Any]) -> JsonObject:
    """The pairs that a stage took from the model, kept as a data set; the same pairs are kept once."""
    if not pairs.is_file() or not noted["sampled"]["num_pairs"]:
        return {}
    run = context.run
    name = f"pipeline {run.pipeline_id}, {run.stage}: answers of {noted['model']}"
    data_set = Keeper(context.database, context.artifacts).keep_pairs(pairs, name)
    return {"data_set_id": data_set.id}


def evaluate(context: JobContext) -> JsonObject:
    """Ask the baseline and every stage, and judge their answers."""
    spec = parse_pipeline(context.run.spec)
    num_judges = 1 if spec.second_judge is None else 2
    parts = _parts(context, _answers_so_far(1 + len(spec.recipe.stages), num_judges))
    evaluation = parts.evaluate()
    second = evaluation.second
    by_second = [None] * len(evaluation.models) if second is None else second.models
    for model, other in zip(evaluation.models, by_second, strict=True):
        generations.replace(context.database, context.claim, model.name, _answers(model, other))
    context.keep(OUTPUT, parts.output.path)
    return _summary(evaluation)


def export(context: JobContext) -> JsonObject:
    """Pack the output folder into one file to download."""
    parts = _parts(context, lambda *_: None)
    target = context.workspace.path / "results.zip"
    _pack(parts.output.path, target)
    context.keep_file(ARCHIVE, target)
    context.keep(OUTPUT, parts.output.path)
    return {"size_bytes": target.stat().st_size}


def _parts(
    context: JobContext,
    counts: Counts,
    helpers: WorkerHelp | None = None,
    **callbacks: Callable[..., None],
) -> PipelineParts:
    """The pipeline's parts, in an output folder that holds what the runs before made."""
    spec = parse_pipeline(context.run.spec)
    out = context.workspace.out
    if not out.exists():
        if context.parent_output is not None:
            context.artifacts.fetch_folder(context.parent_output, out)
        elif spec.trained is not None:
            _fetch_stages(context, spec.trained)
        else:
            out.mkdir()
    reporter = context.reporting.reporter(counts, **callbacks)
    return parts_of(context, spec, reporter, helpers)


def parts_of(
    context: JobContext, spec: PipelineSpec, reporter: Reporter, helpers: WorkerHelp | None = None
) -> PipelineParts:
    """A pipeline's parts, in the output folder of the job's workspace, which is there."""
    return PipelineParts(config_of(context, spec), reporter, kept_work(), helpers=helpers)


def _fetch_stages(context: JobContext, trained: str) -> None:
    """The stages that another pipeline trained, and nothing else of it."""
    fetched = context.workspace.path / "trained"
    shutil.rmtree(fetched, ignore_errors=True)
    context.artifacts.fetch_folder(trained, fetched)
    keep_stages_only(OutputFolder(fetched))
    fetched.rename(context.workspace.out)


def config_of(context: JobContext, spec: PipelineSpec) -> PipelineConfig:
    """What the library is asked to do, with everything fetched that it needs."""
    second = spec.second_judge
    return PipelineConfig(
        data=context.fetch_data(spec.data),
        eval=context.fetch_data(spec.eval),
        base=spec.base,
        detector=context.fetch_detector(spec.detector),
        second_judge=None if second is None else context.fetch_detector(second),
        recipe=spec.recipe,
        out=context.workspace.out,
        asked=spec.asked,
        device=context.device,
        **spec.options(),
    )


def _answers_so_far(num_models: int, num_judges: int = 1) -> Counts:
    """Counts answers written and answers judged, over all models."""
    finished: dict[str, int] = {}

    def counts(task: str, done: int, total: int) -> tuple[int, int] | None:
        if ": " not in task:  # reading the inputs
            return None
        finished[task] = done
        return sum(finished.values()), (1 + num_judges) * num_models * total

    return counts


def _answers(model: EvaluatedModel, by_second: EvaluatedModel | None) -> list[Answer]:
    """A model's answers as both judges see them."""
    return [
        Answer(
            prompt_index=index,
            prompt=model.prompts[index],
            response=model.responses[index],
            judgements=_judgements(model, index),
            second_judgements={} if by_second is None else _judgements(by_second, index),
        )
        for index in range(len(model.prompts))
    ]


def _judgements(model: EvaluatedModel, index: int) -> dict[Maxim, Judgement]:
    return {
        maxim: Judgement(
            float(model.scores[index, maxim.column]), bool(model.violated[index, maxim.column])
        )
        for maxim in MAXIMS
    }


def _summary(evaluation: Evaluation) -> JsonObject:
    document = evaluation_document(evaluation)
    return {
        "verdict": document["verdict"],
        "percent": guide_results(evaluation.models),
        "num_taken_over": sum(model.num_taken_over for model in evaluation.models),
    }


def _pack(folder: Path, target: Path) -> None:
    """A zip file whose bytes depend on the files' names and contents only.

    Raises:
        InputError: there is nothing to pack.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise InputError("the pipeline made nothing that could be exported")
    with zipfile.ZipFile(target, "w") as archive:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH_OF_ZIP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as sink:
                while chunk := source.read(1 << 20):
                    sink.write(chunk)
