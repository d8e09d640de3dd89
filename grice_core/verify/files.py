"""The files of a folder, and those that it was made from, by their hashes."""

from collections.abc import Iterator
from dataclasses import replace

from grice_core.data.pairs import IntArray
from grice_core.pipeline.kept_steps import num_planned
from grice_core.pipeline.receipt import hashes, read_receipt
from grice_core.recipes.plan import PlannedStage
from grice_core.verify.claims import Check, Claims


def check_files(claims: Claims) -> Check:
    """Every file is the one that the finished pipeline left."""
    receipt = read_receipt(claims.output)
    if receipt is None:
        why = "receipt.json is missing: the folder was made before there were receipts, or it was taken away"
        return Check("files", "no receipt", (why,))
    now = hashes(claims.output, tuple(stage.name for stage in claims.config.recipe.stages))
    problems = tuple(
        f"{path} is missing" if path not in now else f"{path} was changed"
        for path, sha256 in receipt.items()
        if now.get(path) != sha256
    )
    return Check("files", f"{len(receipt)} files by SHA-256", problems)


def check_inputs(claims: Claims) -> Check:
    """Data, prompts, detector and base are those of run.json, and are cut as it says."""
    return Check(
        "inputs", "data, prompts, detector, base, what each stage kept", tuple(_inputs(claims))
    )


def _inputs(claims: Claims) -> Iterator[str]:
    recorded, inputs = claims.record["inputs"], claims.inputs
    for what, now, then in (
        ("the data", inputs.opened.sha256, recorded["data"]["sha256"]),
        ("the evaluation prompts", inputs.eval_sha256, recorded["eval"]["sha256"]),
        (
            "the detector",
            claims.detector.record.fingerprint,
            recorded["detector"]["fingerprint"],
        ),
        ("the base", claims.base_sha256, recorded["base"]["weights_sha256"]),
    ):
        if now != then:
            yield f"{what} is not what run.json says (SHA-256 {now[:16]}… instead of {then[:16]}…)"
    counts = inputs.selection.counts()
    for name, then in recorded["eval"]["prompts"].items():
        if counts.get(name) != then:
            yield f"prompts: {name} is {counts.get(name)}, not {then} as run.json says"
    for stage in claims.planned:
        yield from _cut(claims, stage)


def _cut(claims: Claims, stage: PlannedStage) -> Iterator[str]:
    record = claims.stage_record(stage.config.name)
    fitting = fitting_stage(claims, stage)
    for name, now, then in (
        ("num_train", len(fitting.train_indices), record["num_train"]),
        ("num_heldout", len(fitting.heldout_indices), record["num_heldout"]),
        ("num_steps", fitting.num_steps, num_planned(record)),
    ):
        if then != now:
            yield f"{stage.config.name}: {name} is {now}, not {then} as run.json says"


def fitting_stage(claims: Claims, stage: PlannedStage) -> PlannedStage:
    """Without the pairs that were too long for the model, as run.json names them."""
    skipped = set(claims.stage_record(stage.config.name)["skipped_rows"])
    rows = claims.inputs.table.rows

    def fitting(indices: IntArray) -> IntArray:
        return indices[[int(row) not in skipped for row in rows[indices]]] if skipped else indices

    return replace(
        stage,
        train_indices=fitting(stage.train_indices),
        heldout_indices=fitting(stage.heldout_indices),
    )
