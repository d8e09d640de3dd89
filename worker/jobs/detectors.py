"""Detectors made as runs: trained, distilled, calibrated or evaluated, then kept for everybody."""

import shutil
from pathlib import Path

from grice_core.data.load import load_pairs
from grice_core.detector.distill import distill_detector
from grice_core.detector.evaluate import calibrate_detector, evaluate_detector, write_evaluation
from grice_core.detector.fit import FitSettings, Place
from grice_core.detector.folder import Destination, update_record
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
from worker.spec import FitDetectorSpec, parse_fit_detector


def fit(context: JobContext) -> JsonObject:
    """Make a detector and add it to those that can be chosen."""
    spec = parse_fit_detector(context.run.spec)
    reporter = context.reporting.reporter(
        lambda task, done, total: (done, total) if task == "training" else None
    )
    folder = context.workspace.out
    shutil.rmtree(folder, ignore_errors=True)  # what an attempt before left can't be continued from
    data = context.fetch_file(spec.data)
    if spec.how in ("calibrate", "evaluate"):
        _judge(context, spec, data, folder, reporter)
    else:
        _train(context, spec, data, folder, reporter)
    context.keep(OUTPUT, folder)
    card = read_record(folder).model_dump(mode="json")
    address = context.artifacts.put_folder(folder)
    return {"detector_id": detectors.add(context.database, spec.name, address, card)}


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
) -> None:
    """A copy of a detector with its figures on these labels, or with thresholds that fit them as well."""
    shutil.copytree(context.fetch_detector(spec.start), folder)
    detector = load_detector(str(folder), resolve_device(context.device), spec.precision)
    labelled = load_labels(data, reporter.interruptible)
    if spec.how == "calibrate":
        calibrated = calibrate_detector(detector, labelled, progress=reporter.interruptible)
        update_record(folder, calibrated.record)
    else:
        evaluation = evaluate_detector(detector, labelled, reporter.interruptible)
        write_evaluation(folder, detector.record, evaluation)
