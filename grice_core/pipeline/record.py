"""run.json: enough to know what was run, and to run it again."""

import importlib.metadata
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch

from grice_core.chat.format import PromptFormat
from grice_core.detector.judge import Detector
from grice_core.dpo.base import BaseModel
from grice_core.dpo.reference import weights_hash
from grice_core.errors import OutputError
from grice_core.kernels.precision import WeightFormat
from grice_core.pipeline.config import PipelineConfig
from grice_core.pipeline.inputs import PipelineInputs
from grice_core.pipeline.options import BaseDtype
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.sources import StoredPairs, read_as_asked
from grice_core.pipeline.trial import BaseTrial
from grice_core.recipes.config import StageConfig

_LIBRARIES = ("torch", "transformers", "peft", "tokenizers", "numpy", "scipy", "statsmodels")


@dataclass(frozen=True)
class ComputedIn:
    """Where and in which number formats a base computes."""

    device: torch.device
    dtype: torch.dtype
    """Of matrix products."""
    base_dtype: WeightFormat
    """How its weights are held."""


def begun_base_dtype(output: OutputFolder, choice: BaseDtype) -> BaseDtype:
    """In which number format the folder's pipeline holds its base, which the first part decides; what is asked
    for if it has not begun.

    Raises: OutputError, if another one is asked for now.
    """
    base = (output.read_run() or {}).get("inputs", {}).get("base")
    if base is None:
        return choice
    begun: BaseDtype = base.get("dtype", "fp32")  # before there was a choice
    if choice not in ("auto", begun):
        raise OutputError(
            f"{output.path} holds a pipeline whose base is held in {begun}: give --base-dtype {begun} or "
            "auto to continue with it, or choose another --out"
        )
    return begun


class RunRecord:
    """Grows with the pipeline and is on disk after each of its parts."""

    def __init__(self, config: PipelineConfig, num_processes: int, output: OutputFolder) -> None:
        """Continue with the record that an earlier part of this pipeline left, or begin one."""
        self.output = output
        begun = {
            "state": "running",
            "seed": config.seed,
            "leakage": config.leakage,
            "leakage_similarity": config.leakage_similarity,
            "samples_per_prompt": config.samples_per_prompt,
            "recipe": config.recipe.model_dump(mode="json"),
            "versions": versions(),
            "stages": [],
            "seconds": {},
        }
        before = output.read_run()
        if before is not None:  # which may not have been asked yet what counts as the same prompt
            before = {"leakage_similarity": 1.0} | before
        self.content: dict[str, Any] = begun | (before or {})
        for name in ("seed", "leakage", "leakage_similarity", "samples_per_prompt", "recipe"):
            self._must_be_the_same(name, self.content.get(name), begun[name])
        self.content |= {"state": "running", "num_processes": num_processes}
        for about_the_end in ("ended_in", "error"):
            self.content.pop(about_the_end, None)
        self.write()

    def inputs(
        self,
        config: PipelineConfig,
        inputs: PipelineInputs,
        detector: Detector,
        second_judge: Detector | None = None,
    ) -> None:
        """Note the files and what became of them."""
        before = self.content.get("inputs")
        self.content["name"] = config.title(config.recipe.name, inputs.opened.name)
        self.content["inputs"] = {
            "data": {
                "path": inputs.opened.where,
                "sha256": inputs.opened.sha256,
                "reading": inputs.opened.reading.document(),
                "num_rows": inputs.opened.num_rows,
                "num_usable": len(inputs.opened.table),
                "num_scored": int(inputs.opened.table.scored.sum()),
                "num_left_out_by_leakage": inputs.num_leaking_pairs,
            },
            "eval": {
                "path": config.eval.name
                if isinstance(config.eval, StoredPairs)
                else str(config.eval),
                "sha256": inputs.eval_sha256,
                "reading": read_as_asked(config.eval)[1].document()
                if not isinstance(config.eval, StoredPairs)
                else {},
                "asked": None if config.asked is None else asdict(config.asked),
                "prompts": inputs.selection.counts(),
            },
            "detector": _judge(config.detector, detector),
        }
        if second_judge is not None:
            self.content["inputs"]["second_judge"] = _judge(config.second_judge, second_judge)
        if before:
            if "base" in before:  # which says in which format a resumed pipeline holds it
                self.content["inputs"]["base"] = before["base"]
            for name, proof in (
                ("data", "sha256"),
                ("data", "reading"),
                ("eval", "sha256"),
                ("detector", "fingerprint"),
                ("second_judge", "fingerprint"),
            ):
                now = self.content["inputs"].get(name, {}).get(proof)
                # Before there were readings, files were read by their looks.
                then = before.get(name, {}).get(proof, {} if proof == "reading" else None)
                self._must_be_the_same(name, then, now)
        self.write()

    def base(self, base: BaseModel, how: ComputedIn, trial: BaseTrial) -> None:
        """Note the base model, how it is computed and how its trial went."""
        self.content["inputs"]["base"] = {
            "name": base.name,
            "weights_sha256": weights_hash(base.model),
            "dtype": how.base_dtype,
            "trial": asdict(trial),
        }
        self.content["device"] = str(how.device)
        self.content["precision"] = str(how.dtype).removeprefix("torch.")
        self.write()

    def prompt_format(self, choice: str, form: PromptFormat) -> None:
        """Note how the models are asked: what the recipe says, and what it means for this base.

        Raises: OutputError, if stages in the folder were trained in another format.
        """
        now = {"choice": choice, **form.described()}
        # Before there was a choice, every stage was trained in plain text.
        begun = {"is": "plain"} if self.content["stages"] else now
        before = self.content.get("prompt_format", begun)
        self._must_be_the_same("prompt_format", {**before, "choice": choice}, now)
        self.content["prompt_format"] = now
        self.write()

    def answers_at_once(self, batch_size: int) -> None:
        """Note how many answers each model writes at once, which goes by this machine's memory."""
        self.content["answers_at_once"] = batch_size
        self.write()

    def stage(self, record: dict[str, Any]) -> None:
        """Note a finished stage."""
        others = [stage for stage in self.content["stages"] if stage["name"] != record["name"]]
        self.content["stages"] = [*others, record]
        self.write()

    def stage_of(self, name: str) -> dict[str, Any] | None:
        """What is noted of a finished stage; None if it isn't finished."""
        return next((each for each in self.content["stages"] if each["name"] == name), None)

    def round(self, name: str, facts: dict[str, Any]) -> None:
        """Note more of what became of a stage that takes its pairs from the model."""
        others = [each for each in self.rounds() if each["name"] != name]
        self.content["rounds"] = [*others, {"name": name, **self.round_of(name), **facts}]
        self.write()

    def rounds(self) -> list[dict[str, Any]]:
        """What became of such stages so far."""
        return list(self.content.get("rounds", ()))

    def round_of(self, name: str) -> dict[str, Any]:
        """What is noted of one of them; nothing if it has not begun."""
        return next((each for each in self.rounds() if each["name"] == name), {})

    def why_rounds_ended(self) -> str:
        """In words; empty if no rule ended them."""
        ends = [each["ended_by"]["sentence"] for each in self.rounds() if each.get("ended_by")]
        return "; ".join(ends)

    def counts(self, stage: StageConfig) -> bool:
        """Whether later stages and the evaluation build on this one: not on a round that was left out."""
        return not stage.is_from_model or bool(self.round_of(stage.name).get("in_effect"))

    def _must_be_the_same(self, name: str, before: Any, now: Any) -> None:
        """Raises: OutputError, if the folder holds another pipeline's results."""
        if before != now:
            raise OutputError(
                f"{self.output.path} holds a pipeline with another {name}: give the same options "
                "to continue with it, or choose another --out"
            )

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Note how long a part takes, and how it ended if it didn't."""
        started = time.perf_counter()
        try:
            yield
        except BaseException as error:
            self.content |= {"state": "interrupted", "ended_in": part, "error": str(error)}
            raise
        finally:
            self.content["seconds"][part] = round(time.perf_counter() - started, 1)
            self.write()

    def finish(self) -> None:
        """Note that everything is done."""
        self.content["state"] = "finished"
        parts = [taken for part, taken in self.content["seconds"].items() if part != "all"]
        self.content["seconds"]["all"] = round(sum(parts), 1)
        self.write()

    def write(self) -> None:
        """Replace run.json."""
        self.output.write_run(self.content)


def _judge(source: str | None, judge: Detector) -> dict[str, Any]:
    return {
        "path": source,
        "fingerprint": judge.record.fingerprint,
        "weights_sha256": judge.record.weights_sha256,
    }


def versions() -> dict[str, str]:
    """Versions of Python, this package and what its numbers depend on."""
    libraries = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    own = importlib.metadata.version("grice-studio")
    return {"grice-studio": own, "python": platform.python_version(), **libraries}
