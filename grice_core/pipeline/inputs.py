"""The inputs of a pipeline, checked and cut before any model learns anything."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from grice_core.data.excerpts import excerpt
from grice_core.data.export import write_json
from grice_core.data.joining import join_pairs
from grice_core.data.leakage import leaking
from grice_core.data.load import Prompts, load_pairs
from grice_core.data.pairs import BoolArray, PairTable
from grice_core.detector.judge import Detector
from grice_core.detector.pairs import score_pairs
from grice_core.errors import DataError
from grice_core.evaluation.selection import (
    LeakagePolicy,
    NearAsked,
    PromptSelection,
    left_out_of_training,
    near_asked,
    select_prompts,
)
from grice_core.kept import Kept
from grice_core.pipeline.config import PipelineConfig
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.sources import OpenedPairs, open_pairs, open_prompts
from grice_core.progress import Reporter
from grice_core.recipes.config import Recipe
from grice_core.recipes.plan import FROM_DATA, PlannedStage, plan_stages

_POLICIES: dict[LeakagePolicy, str] = {
    "drop-eval": "left out of the evaluation",
    "hold-out": "those that are asked are left out of training",
    "drop-train": "left out of training",
    "keep": "kept in both",
}

_EXCERPT = 160
"""Characters of a prompt that is an example."""


@dataclass(frozen=True, eq=False)
class PipelineInputs:
    """Everything that comes from the user's files."""

    opened: OpenedPairs
    table: PairTable
    """The usable pairs, all scored."""
    eval_sha256: str
    selection: PromptSelection
    leaks: BoolArray
    """(len(table),) pairs left out of training since their prompt is also evaluated."""
    evaluated: BoolArray
    """(len(table),) pairs whose prompt is evaluated, left out of training or not."""
    stages: tuple[PlannedStage, ...]

    @property
    def num_leaking_pairs(self) -> int:
        return int(self.leaks.sum())

    def with_own_pairs(
        self, recipe: Recipe, seed: int, own: Mapping[int, PairTable]
    ) -> "PipelineInputs":
        """The same with pairs that were sampled for some stages, whose numbers count from 0.

        None of their prompts is evaluated.
        """
        if not own:
            return self
        num_own = sum(map(len, own.values()))
        none_of_them = np.zeros(num_own, dtype=np.bool_)
        table = join_pairs([self.table, *own.values()])
        leaks, evaluated = (
            np.concatenate([mask, none_of_them]) for mask in (self.leaks, self.evaluated)
        )
        numbers = [FROM_DATA, *own]
        sources = np.repeat(numbers, [len(self.table), *map(len, own.values())])
        stages = plan_stages(recipe, table, seed, leaks, sources)
        return replace(self, table=table, leaks=leaks, evaluated=evaluated, stages=stages)


def read_inputs(
    config: PipelineConfig,
    load_detector: Callable[[], Detector],
    output: OutputFolder,
    reporter: Reporter,
    kept: Kept | None = None,
) -> PipelineInputs:
    """Load, score what is unscored, choose the evaluation prompts and cut every stage's set.

    Raises: DataError, if a file can't be used or a stage's set is too small to train on.
    """
    opened = open_pairs(config.data, reporter.interruptible)
    reporter.say(f"{opened.name}: {len(opened.table):,} usable of {opened.num_rows:,} rows")
    if opened.read_as:
        reporter.say(f"read as: {opened.read_as}")
    for fault in opened.faults:
        reporter.say(fault)
    table = _score_missing(opened.table, load_detector, output, reporter, kept)
    return cut_inputs(config, opened, table, reporter)


def cut_inputs(
    config: PipelineConfig, opened: OpenedPairs, table: PairTable, reporter: Reporter
) -> PipelineInputs:
    """Choose the evaluation prompts and cut every stage's set out of a scored table.

    Raises: DataError, if a file can't be used or a stage's set is too small to train on.
    """
    holds_out = config.leakage == "hold-out" and config.eval == config.data
    prompts = Prompts.of_table(table, opened.sha256) if holds_out else open_prompts(config.eval)
    selection = select_prompts(
        prompts,
        table.prompts,
        policy=config.leakage,
        num_prompts=config.recipe.evaluation.num_prompts,
        seed=config.seed if config.asked is None else config.asked.seed,
        similarity=config.leakage_similarity,
    )
    leaks = left_out_of_training(table.prompts, prompts.prompts, selection)
    evaluated = leaking(table.prompts, selection.prompts)
    if config.asked is not None:
        selection = selection.half(config.asked.half)
    reporter.say(_about_prompts(selection))
    trained = table.take(~leaks).prompts
    near = near_asked(selection.prompts, trained, reporter.interruptible)
    selection = replace(selection, near=near)
    if near.count:
        reporter.say(_about_near(near, len(selection.prompts)))
    if config.leakage == "hold-out":
        reporter.say(f"{int(leaks.sum()):,} pairs with these prompts are held out of training")
    stages = plan_stages(config.recipe, table, config.seed, leaks)
    for stage in stages:
        _check_size(stage, reporter)
    return PipelineInputs(opened, table, prompts.sha256, selection, leaks, evaluated, stages)


def _about_prompts(selection: PromptSelection) -> str:
    sentence = (
        f"evaluation: {len(selection.prompts):,} prompts out of "
        f"{selection.num_distinct - selection.num_left_out:,} distinct ones"
    )
    if not selection.num_leaking_rows:
        return sentence
    return (
        f"{sentence}; {selection.num_leaking_rows:,} of {selection.num_rows:,} rows share a prompt "
        f"with the data ({selection.policy}: {_POLICIES[selection.policy]})"
    )


def _about_near(near: NearAsked, num_prompts: int) -> str:
    asked, trained = (
        "".join(piece.text for piece in excerpt(text, "", _EXCERPT))
        for text in (near.prompt, near.training_prompt)
    )
    return f"{near.sentence(num_prompts)}; “{asked}” is like “{trained}”"


def _score_missing(
    table: PairTable,
    load_detector: Callable[[], Detector],
    output: OutputFolder,
    reporter: Reporter,
    kept: Kept | None,
) -> PairTable:
    """The table with the detector's scores where it had none; kept in the output folder too."""
    num_missing = int((~table.scored).sum())
    if not num_missing:
        return table
    if output.scored_pairs.exists():  # an earlier part of this pipeline wrote it, whole
        known = load_pairs(output.scored_pairs).table
        return replace(
            table, chosen_scores=known.chosen_scores, rejected_scores=known.rejected_scores
        )
    reporter.say(f"{num_missing:,} pairs come without scores: the detector scores them")
    journal = output.path / "scoring.journal"
    scored = score_pairs(
        load_detector(), table, journal, progress=reporter.interruptible, kept=kept
    )
    if scored.num_taken_over:
        reporter.say(f"{scored.num_taken_over:,} of them had been scored by an earlier run")
    if scored.note:
        reporter.say(scored.note)
    write_json(output.scored_pairs, scored.table)
    journal.unlink()
    return scored.table


def _check_size(stage: PlannedStage, reporter: Reporter) -> None:
    if stage.awaits_pairs:
        asked = stage.config.own_samples
        reporter.say(
            f"{stage.config.name}: its pairs are sampled from the model when it begins, {asked.k} answers "
            "to each training prompt"
        )
        return
    if not stage.fills_a_step:
        raise DataError(str(stage.caution))
    if stage.caution:
        reporter.say(stage.caution)
    reporter.say(
        f"{stage.config.name}: {len(stage.train_indices):,} pairs to train on, "
        f"{len(stage.heldout_indices):,} held out, {stage.num_steps:,} optimizer steps"
    )
