"""What a run that no one disturbed comes to, and that a disturbed one came to the same."""

import json
import math
from pathlib import Path
from typing import Any

from grice_core.progress import SampledAnswer
from grice_core.store import metrics, references, sampled_answers
from tests.worker.asked import NUM_STEPS, Asked
from worker.roles import ADAPTER

_OF_THE_MACHINE = {"tokens_per_s", "seconds"}
WEIGHTS = Path("stage1") / "final_model" / "adapter_model.safetensors"


def numbers_of(history: Path) -> dict[int, dict[str, Any]]:
    """Each step's record, without what depends on the machine's mood."""
    records = [json.loads(line) for line in history.read_text().splitlines()]
    return {record.pop("step"): _steady(record) for record in records}


def _steady(record: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in record.items()
        if name not in _OF_THE_MACHINE
    }


def assert_undisturbed(asked: Asked, expected: Path, tmp_path: Path) -> None:
    """All that the pipeline made is what `grice pipeline` made in the folder `expected`."""
    run = asked.run("train")
    stored = metrics.since(asked.queue.database, run.id)
    assert [row.step for row in stored] == list(range(1, NUM_STEPS + 1)), "a gap, or a double"
    history = numbers_of(expected / "stage1" / "history.jsonl")
    assert {row.step: _steady(dict(row.numbers)) for row in stored} == history
    lines = (expected / "stage1" / "answers.jsonl").read_text().splitlines()
    answers = [SampledAnswer(**json.loads(line)) for line in lines]
    assert {answer.step for answer in answers} >= {0, 50, 100}
    assert sampled_answers.of_run(asked.queue.database, run.id) == sorted(
        answers, key=lambda answer: (answer.step, answer.place)
    )
    (stage,) = json.loads((expected / "run.json").read_text())["stages"]
    assert run.result["checkpoint"] == stage["checkpoint"]
    out = tmp_path / f"results-{asked.pipeline_id}"
    asked.queue.fetch_results(asked.pipeline_id, out)
    assert numbers_of(out / "stage1" / "history.jsonl") == history
    assert (out / WEIGHTS).read_bytes() == (expected / WEIGHTS).read_bytes()
    for name in (
        "multistage_results.json",
        "evaluation.json",
        "generations.jsonl",
        "stage1/answers.jsonl",
    ):
        assert (out / name).read_text() == (expected / name).read_text()
    assert not (out / "stage1" / "checkpoints").exists()
    assert references.of_run(asked.queue.database, run.id)[ADAPTER].is_folder
