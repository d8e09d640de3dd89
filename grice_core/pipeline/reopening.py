"""What a pipeline was asked to do, read back from its output folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grice_core.data.layouts.opening import Reading
from grice_core.errors import InputError
from grice_core.pipeline.config import AskedHalf, PipelineConfig
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.sources import Source, UserFile
from grice_core.recipes.load import read_stored


@dataclass(frozen=True)
class Places:
    """Where a pipeline's inputs are now, if not where they were."""

    data: Source | None = None
    eval: Source | None = None
    base: str | None = None
    detector: str | None = None
    second_judge: str | None = None


def reopened(output: OutputFolder, places: Places, device: str = "auto") -> PipelineConfig:
    """The same request again; whether its inputs still have the same content is to be seen by their hashes.

    Raises: InputError, if the folder holds no pipeline's results; RecipeError.
    """
    record = output.read_run()
    if record is None or "base" not in record.get("inputs", {}):
        raise InputError(
            f"{output.path} holds no pipeline's results: name the --out folder of one, or studio:NUMBER"
        )
    inputs = record["inputs"]
    data = places.data or _source(inputs["data"])
    half = inputs["eval"].get("asked")
    return PipelineConfig(
        data=data,
        eval=places.eval or _prompts(record, data),
        base=places.base or inputs["base"]["name"],
        detector=places.detector or inputs["detector"]["path"],
        second_judge=places.second_judge or inputs.get("second_judge", {}).get("path"),
        recipe=read_stored(record["recipe"], str(output.run)),
        out=output.path,
        asked=None if half is None else AskedHalf(**half),
        device=device,
        seed=record["seed"],
        precision="bf16" if record["precision"] == "bfloat16" else "fp32",
        base_dtype=inputs["base"].get("dtype", "fp32"),
        leakage=record["leakage"],
        leakage_similarity=record.get("leakage_similarity", 1.0),
        samples_per_prompt=record["samples_per_prompt"],
        num_processes=1,
    )


def _prompts(record: dict[str, Any], data: Source) -> Source:
    """Held out of the data, they are the same source."""
    inputs = record["inputs"]
    same = inputs["eval"]["path"] == inputs["data"]["path"]
    return data if same and record["leakage"] == "hold-out" else _source(inputs["eval"])


def _source(recorded: dict[str, Any]) -> Source:
    path, reading = Path(recorded["path"]), Reading.of(recorded.get("reading"))
    return UserFile(path, reading) if reading else path
