"""`grice export`: a trained stage for other programs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grice_core.cli.terminal import progress_bars, stdout
from grice_core.cli.training import Device, say
from grice_core.export.choices import COMPANIONS, DTYPES, FORMS, Companion

if TYPE_CHECKING:
    from grice_core.export.hub import HubTarget
    from grice_core.export.run import Export

HUB = "hub:"

Stage = Annotated[
    str,
    typer.Argument(
        metavar="STAGE",
        help="OUT/stage2 of a pipeline's output folder (OUT: its last stage), or studio:NUMBER/stage2.",
    ),
]
To = Annotated[
    str,
    typer.Option(
        metavar="adapter|merged|gguf|hub:OWNER/NAME",
        help="adapter: for the plain base; merged: a whole model; gguf: for llama.cpp and Ollama; hub: push.",
    ),
]
OutFolder = Annotated[
    Path | None,
    typer.Option(help="Folder to write, not there yet; a push to the hub can do without."),
]
As = Annotated[
    str | None,
    typer.Option("--as", metavar="|".join(FORMS), help="Form that is pushed to the hub. [adapter]"),
]
Dtype = Annotated[
    str,
    typer.Option(
        metavar="|".join(DTYPES),
        help="Number format of a whole model's weights; q8_0: GGUF only. fp32 gives the evaluated model exactly.",
    ),
]
Base = Annotated[
    str | None, typer.Option(help="Where the base model is, if not where it was trained on.")
]
BaseId = Annotated[
    str | None,
    typer.Option(help="The base's hub id, where it was loaded from a folder: cards name it."),
]
With = Annotated[
    str | None,
    typer.Option(
        "--with",
        metavar="data,evaluation",
        help="What goes along, as datasets loads it: the stages' pairs, all answers with their scores.",
    ),
]
Data = Annotated[Path | None, typer.Option(help="The file of pairs, if not where it was.")]
Eval = Annotated[
    Path | None, typer.Option("--eval", help="The file of prompts, if not where it was.")
]
Public = Annotated[bool, typer.Option("--public", help="Make the hub's repository public.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print what would be sent to the hub, and send nothing.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(export)


def export(
    stage: Stage,
    to: To,
    out: OutFolder = None,
    form: As = None,
    dtype: Dtype = "fp32",
    base: Base = None,
    base_id: BaseId = None,
    companions: With = None,
    data: Data = None,
    eval_: Eval = None,
    public: Public = False,
    dry_run: DryRun = False,
    device: Device = "auto",
) -> None:
    """Write a trained stage as adapter, whole model or GGUF, or push it; each is read back and compared."""
    from grice_core.export.job import ExportJob
    from grice_core.export.run import export_stage
    from grice_core.export.stage import TrainedStage
    from grice_core.kernels.precision import resolve_device
    from grice_core.pipeline.reopening import Places
    from grice_core.pipeline.stored_output import local_output
    from grice_core.progress import Reporter

    target = _target(to, public=public)
    if target is None and (form or public or dry_run):
        raise typer.BadParameter(
            "--as, --public and --dry-run are about the hub: --to hub:OWNER/NAME"
        )
    if target is None and out is None:
        raise typer.BadParameter("name the folder to write with --out")
    with local_output(stage) as (where, places), _folder(out) as folder:
        trained = TrainedStage.open(where, base)
        chosen = form or ("merged" if trained.is_whole else "adapter")
        job = ExportJob(
            trained,
            _one_of("--to" if target is None else "--as", to if target is None else chosen, FORMS),
            folder,
            _one_of("--dtype", dtype, DTYPES),
            base_id,
            target is not None,
            _companions(companions),
            Places(data or places.data, eval_ or places.eval, base, places.detector),
        )
        if target is not None and job.form == "adapter" and job.base_is_folder:
            raise typer.BadParameter(
                f"the base is the folder {job.shown_base} of this machine, which readers don't have: say with "
                "--base-id which model of the hub it is, or push --as merged"
            )
        with progress_bars() as progress:
            done = export_stage(job, resolve_device(device), Reporter(progress, say))
        _show(done, is_kept=out is not None)
        if target is not None:
            _push(done, target, dry_run=dry_run)


def _target(to: str, *, public: bool) -> "HubTarget | None":
    if not to.startswith(HUB):
        return None
    from grice_core.export.hub import HubTarget

    return HubTarget.parse(to, is_public=public)


def _one_of(option: str, given: str, known: tuple[str, ...]) -> Any:
    if given not in known:
        raise typer.BadParameter(f"{option} {given}: give one of {', '.join(known)}")
    return given


def _companions(given: str | None) -> tuple[Companion, ...]:
    names = [name.strip() for name in (given or "").split(",") if name.strip()]
    return tuple(_one_of("--with", name, COMPANIONS) for name in names)


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """The folder to write; one that is gone afterwards if none is named."""
    if out is not None:
        yield out
        return
    with TemporaryDirectory() as scratch:
        yield Path(scratch) / "export"


def _show(done: "Export", *, is_kept: bool) -> None:
    console = stdout()
    console.print(f"{done.manifest['stage']}, {done.comparison.sentence()}.", soft_wrap=True)
    if not is_kept:
        return
    console.print(f"Written to {done.folder}. Serve it there:", soft_wrap=True)
    for command in done.serving.commands:
        console.print(f"  {command}", soft_wrap=True, highlight=False, markup=False)


def _push(done: "Export", target: "HubTarget", *, dry_run: bool) -> None:
    from grice_core.export.hub import push

    for part in target.parts(done.folder):
        size = f"{len(part.files)} files, {part.num_bytes / 1e6:,.1f} MB"
        if dry_run:
            stdout().print(f"Would push to {part.kind} {part.repo} ({target.visibility}): {size}")
            for file in part.files:
                num_bytes = (part.folder / file).stat().st_size
                stdout().print(f"  {file}  {num_bytes:,} bytes", highlight=False, markup=False)
            continue
        say(f"pushing {size} to {part.kind} {part.repo} ({target.visibility})")
        address = push(part, done.manifest)
        stdout().print(f"Pushed, and what arrived is the same: {address}", soft_wrap=True)
