"""`grice sample`: pairs of a model's own answers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grice_core.cli.detector.options import Device, Overwrite, Precision
from grice_core.cli.local_copies import local_detector, local_file
from grice_core.cli.stopping import stop_on_signals
from grice_core.cli.terminal import progress_bars, stdout
from grice_core.cli.training import say
from grice_core.errors import InputError, InterruptedRunError, OutputError

if TYPE_CHECKING:
    from grice_core.pipeline.sample_pairs import AskedModel
    from grice_core.recipes.config import MaximWeights
    from grice_core.rounds.own_pairs import OwnPairs

_SUFFIXES = (".json", ".jsonl", ".parquet")

PromptsFile = Annotated[
    Path,
    typer.Argument(help="File of prompts or of pairs, or studio:NAME.", show_default=False),
]
DetectorName = Annotated[
    str,
    typer.Option(
        help="Detector folder, a four-label classifier (folder or hub id), or studio:NAME.",
        show_default=False,
    ),
]
OutFile = Annotated[
    Path, typer.Option(help="File to write: .json, .jsonl or .parquet.", show_default=False)
]
Base = Annotated[str | None, typer.Option(help="Base model to ask: a hub id or a folder.")]
After = Annotated[
    Path | None, typer.Option(help="Or: the --out of a pipeline, whose last stage is asked.")
]
Stage = Annotated[str | None, typer.Option(help="Of --after: another stage than the last.")]
Without = Annotated[
    Path | None, typer.Option(help="Prompts that are not asked, such as those of an evaluation.")
]
NumAnswers = Annotated[int, typer.Option("--k", "-k", min=2, max=64, help="Answers per prompt.")]
Temperature = Annotated[float, typer.Option(min=0.01)]
TopP = Annotated[float, typer.Option(min=0.01, max=1)]
NumTokens = Annotated[
    int, typer.Option(min=1, help="Most tokens of an answer; a longer one is never chosen.")
]
NumPrompts = Annotated[int | None, typer.Option(min=1, help="Prompts to ask; all if none.")]
Maxims = Annotated[
    str | None,
    typer.Option(
        help="Those that say which answer is best, and may not get worse elsewhere: manner, or "
        "quantity,relation; all four if none."
    ),
]
MinGain = Annotated[
    float, typer.Option(min=0.001, max=1, help="How much better chosen must be on them.")
]
MaxLoss = Annotated[
    float, typer.Option(min=0, max=1, help="How much worse it may be on each other maxim.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(sample)


def sample(
    prompts: PromptsFile,
    detector: DetectorName,
    out: OutFile,
    base: Base = None,
    after: After = None,
    stage: Stage = None,
    without: Without = None,
    k: NumAnswers = 4,
    temperature: Temperature = 1.0,
    top_p: TopP = 1.0,
    max_new_tokens: NumTokens = 80,
    num_prompts: NumPrompts = None,
    maxims: Maxims = None,
    min_gain: MinGain = 0.1,
    max_loss: MaxLoss = 0.1,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1)] = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Sample a model's answers and pair the best with the worst; a run that was killed continues."""
    from grice_core.data.load import load_prompts
    from grice_core.detector.load import load_detector
    from grice_core.kernels.precision import resolve_device
    from grice_core.pipeline.sample_pairs import SampleRequest, sample_pairs
    from grice_core.progress import Reporter
    from grice_core.recipes.samples import SampleSettings
    from grice_core.store.kept import kept_work

    _check_out(out, overwrite=overwrite)
    model, weights = _model(base, after, stage), _weights(maxims)
    settings = SampleSettings(
        k=k,
        temperature=temperature,
        top_p=top_p,
        max_new_tokens=max_new_tokens,
        num_prompts=num_prompts,
        min_gain=min_gain,
        max_loss=max_loss,
    )
    with local_file(prompts) as path:
        asked = load_prompts(path)
    with local_detector(detector) as source:
        judge = load_detector(source, resolve_device(device), precision)
    request = SampleRequest(
        model,
        asked,
        load_prompts(without).prompts if without else (),
        judge,
        settings,
        weights,
        journal=out.with_name(f"{out.name}.partial"),
        seed=seed,
        device=device,
        precision=precision,
    )
    with progress_bars() as progress, stop_on_signals() as should_stop:
        try:
            found = sample_pairs(request, Reporter(progress, say, should_stop), kept_work())
        except InterruptedRunError as error:
            raise InterruptedRunError(
                f"{error}; what is done is kept in {request.journal}, and the same command continues"
            ) from error
    _write(out, found)
    request.journal.unlink()
    stdout().print(f"{found.sentence()} → {out}", highlight=False, soft_wrap=True)
    stdout().print(f"Next: grice check {out}, or give it to `grice pipeline --data`.")


def _model(base: str | None, after: Path | None, stage: str | None) -> "AskedModel":
    from grice_core.pipeline.sample_pairs import AskedModel

    if (base is None) == (after is None):
        raise InputError("give either --base or --after")
    if after is not None:
        return AskedModel.of_pipeline(after, stage)
    if stage is not None:
        raise InputError("--stage is of --after")
    return AskedModel(str(base))


def _weights(maxims: str | None) -> "MaximWeights":
    from grice_core.maxims import MAXIMS
    from grice_core.recipes.config import MaximWeights

    names = [*map(str, MAXIMS)] if maxims is None else [name.strip() for name in maxims.split(",")]
    unknown = set(names) - set(map(str, MAXIMS))
    if unknown:
        raise InputError(
            f"{unknown.pop()!r} is no maxim: name some of {', '.join(map(str, MAXIMS))}"
        )
    return MaximWeights.model_validate(dict.fromkeys(names, 1))


def _check_out(out: Path, *, overwrite: bool) -> None:
    if out.suffix not in _SUFFIXES:
        raise OutputError(f"{out}: name a file that ends in {', '.join(_SUFFIXES)}")
    if out.exists() and not overwrite:
        raise OutputError(f"{out} exists; name another file, or add --overwrite")
    out.parent.mkdir(parents=True, exist_ok=True)


def _write(out: Path, found: "OwnPairs") -> None:
    from grice_core.data.columnar import write_pairs
    from grice_core.data.export import write_json, write_jsonl

    if out.suffix == ".parquet":
        write_pairs(out, found.table)
    else:
        (write_json if out.suffix == ".json" else write_jsonl)(out, found.table)
