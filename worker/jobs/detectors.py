"""Detectors made as runs: imported, trained, distilled, calibrated or evaluated, then kept for everybody."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from grice_core.data.load import load_pairs
from grice_core.detector.distill import distill_detector
from grice_core.detector.evaluate import calibrate_detector, evaluate_detector, write_evaluation
from grice_core.detector.fit import FitSettings, Place
from grice_core.detector.folder import Destination, update_record
from grice_core.detector.importing import import_checkpoint, import_classifier
from grice_core.detector.labels import load_labels
from grice_core.detector.load import load_detector
from grice_core.detector.record import read_record
from grice_core.detector.student import new_student
from grice_core.detector.train import train_detector
from grice_core.kernels.precision import resolve_device, resolve_precision
from grice_core.progress import Reporter
from grice_core.store import detectors
from grice_core.store.tables import JsonObject
from worker.jobs.context import JobContext
from worker.roles import OUTPUT
from worker.spec import FitDetectorSpec, parse_fit_detector, parse_import_detector


def fit(context: JobContext) -> JsonObject:
    """Make a detector and add it to those that can be chosen."""
    spec = parse_fit_detector(context.run.spec)
    reporter = context.reporting.reporter(
        lambda task, done, total: (done, total) if task == "training" else None
    )
    folder = _new_folder(context)
    data = context.fetch_file(spec.data)
    remarks: Sequence[str] = ()
    if spec.how in ("calibrate", "evaluate"):
        remarks = _judge(context, spec, data, folder, reporter)
    else:
        _train(context, spec, data, folder, reporter)
    return _kept(context, folder, spec.name) | {"remarks": list(remarks)}


def import_detector(context: JobContext) -> JsonObject:
    """Make a foreign detector one of ours and add it to those that can be chosen."""
    spec = parse_import_detector(context.run.spec)
    out = Destination(_new_folder(context))
    given = spec.temperatures
    temperatures = None if given is None else context.fetch_file(given)
    if spec.encoder is not None and temperatures is not None:
        import_checkpoint(context.fetch_file(spec.files[0]), spec.encoder, temperatures, out)
    else:
        source = context.fetch_files(spec.files, spec.name)
        import_classifier(str(source), temperatures, out)
    return _kept(context, out.folder, spec.name)


def _new_folder(context: JobContext) -> Path:
    """Where the detector is made."""
    folder = context.workspace.out
    shutil.rmtree(folder, ignore_errors=True)  # what an attempt before left can't be continued from
    return folder


def _kept(context: JobContext, folder: Path, name: str) -> JsonObject:
    """Keep a detector that was made; returns the run's result."""
    context.keep(OUTPUT, folder)
    card = read_record(folder).model_dump(mode="json")
    address = context.artifacts.put_folder(folder)
    return {"detector_id": detectors.add(context.database, name, address, card)}


def _train(
    context: JobContext, spec: FitDetectorSpec, data: Path, folder: Path, reporter: Reporter
) -> None:
    """From labels, or from the scores of another detector."""
    settings = FitSettings.model_validate(spec.settings)
    device = resolve_device(context.device)
    place = Place(device, resolve_precision(spec.precision, device))
    start = context.fetch_detector(spec.start)
    student = new_student(start, spec.pooling, place, settings.seed)
    out = Destination(folder)
    if spec.how == "train":
        labelled = load_labels(data, reporter.interruptible)
        train_detector(labelled, student, settings, out, reporter.interruptible)
    else:
        loaded = load_pairs(data, reporter.interruptible)
        distill_detector(
            loaded.table, loaded.sha256, student, settings, out, reporter.interruptible
        )


def _judge(
    context: JobContext, spec: FitDetectorSpec, data: Path, folder: Path, reporter: Reporter
) -> Sequence[str]:
    """A copy of a detector with its figures on these labels, or with thresholds that fit them as well.

    Returns what to say of them.
    """
    shutil.copytree(context.fetch_detector(spec.start), folder)
    detector = load_detector(str(folder), resolve_device(context.device), spec.precision)
    labelled = load_labels(data, reporter.interruptible)
    if spec.how == "calibrate":
        calibrated = calibrate_detector(detector, labelled, progress=reporter.interruptible)
        update_record(folder, calibrated.record)
        return [calibrated.note] if calibrated.note else []
    evaluation = evaluate_detector(detector, labelled, reporter.interruptible)
    write_evaluation(folder, detector.record, evaluation)
    return evaluation.remarks(detector.record)
