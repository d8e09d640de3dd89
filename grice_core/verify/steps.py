"""One optimizer step of each stage, taken again from the state that was kept before it; or the first, from the seed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from grice_core.data.pairs import IntArray
from grice_core.dpo.adapters import load_adapter, put_adapter
from grice_core.dpo.base import BaseModel
from grice_core.dpo.checkpointing.checkpoint import Checkpoint, CheckpointFolder
from grice_core.dpo.checkpointing.history import read_history
from grice_core.dpo.encode import encode_pairs
from grice_core.dpo.examples import Compute, StageExamples, StagePreferences
from grice_core.dpo.head import prepacked_head
from grice_core.dpo.loss import maxim_weights
from grice_core.dpo.metrics import Metrics
from grice_core.dpo.policy import add_adapter
from grice_core.dpo.reference import reference_logps
from grice_core.dpo.schedules import final_beta, step_batches
from grice_core.dpo.train import StageTrainer
from grice_core.evaluation.preference_shift import PAIRS_FILE, read_shifts
from grice_core.pipeline.output import is_whole_model
from grice_core.recipes.plan import PlannedStage
from grice_core.verify.claims import Check, Claims
from grice_core.verify.files import fitting_stage

_OF_THE_MACHINE = ("step", "tokens_per_s")
_NATS = {torch.float32: 2e-3, torch.bfloat16: 0.5}
"""Of a pair's log-probability: what other passes than those of the training may change."""


def check_steps(claims: Claims) -> Check:
    """A step of each stage gives what its history says, and moves pairs as `pairs.jsonl` says."""
    problems: list[str] = []
    taken: list[str] = []
    for number, stage in enumerate(claims.planned):
        step = _Step.of(claims, number)
        taken.append(f"{stage.config.name} step {step.step + 1}")
        problems += (f"{stage.config.name}: {problem}" for problem in step.problems())
    return Check("training", f"taken again: {', '.join(taken)}", tuple(problems))


@dataclass(frozen=True, eq=False)
class _Step:
    """One step of one stage."""

    claims: Claims
    number: int
    """Of the stage, from 0."""
    planned: PlannedStage
    """Without pairs that did not fit."""
    step: int
    """Steps taken before."""
    anchor: Checkpoint | None

    @classmethod
    def of(cls, claims: Claims, number: int) -> "_Step":
        planned = fitting_stage(claims, claims.planned[number])
        folder = CheckpointFolder(claims.output.stage(planned.config.name).anchor)
        anchor = folder.latest(lambda _: None)
        return cls(claims, number, planned, anchor.step if anchor else 0, anchor)

    def problems(self) -> Iterator[str]:
        """Sentences about what does not hold."""
        claims, name = self.claims, self.planned.config.name
        earlier = claims.names[self.number - 1] if self.number else None
        base = claims.models.after(earlier)
        reference = claims.stage_record(name)["reference"]["sha256"]
        # Later references are merged on this machine, whose last digits may be others.
        if self.number == 0 and reference != claims.base_sha256:
            yield "its reference is not the base"
        trainer, rows = self._trainer(base)
        try:
            yield from self._step(trainer)
            yield from self._moved(trainer, rows)
        finally:
            trainer.policy.unload()

    def _trainer(self, base: BaseModel) -> tuple[StageTrainer, IntArray]:
        """A trainer of the step's pairs alone, and their rows in the data."""
        claims, config = self.claims, self.planned.config
        record, train = claims.stage_record(config.name), self.planned.train_indices
        batches = step_batches(
            len(train), config.pairs_per_step, self.planned.num_steps, claims.config.seed
        )
        wanted = train[batches[self.step]]
        table = claims.inputs.table.take(wanted)
        limit = min(config.max_length, base.max_positions or config.max_length)
        form = claims.format_choice.of(base.tokenizer)
        encoding = encode_pairs(table, base.tokenizer, limit, form)
        examples = StageExamples(
            pairs=tuple(pair for _, pair in sorted(encoding.pairs.items())),
            margins=table.margins,
            shares=maxim_weights(table.margins, config.weights.as_array(), config.min_margin),
            train=np.arange(len(wanted)),
            watched={},
        )
        policy = add_adapter(base, config.lora, claims.config.seed)
        compute = Compute(
            claims.device,
            claims.dtype,
            record["passes"]["passes"],
            head=prepacked_head(policy),
            recomputes=record.get("gradient_checkpointing", False),
        )
        known = reference_logps(policy, examples.pairs, compute)
        return StageTrainer(policy, config, examples, known, compute), table.rows

    def _step(self, trainer: StageTrainer) -> Iterator[str]:
        claims, config = self.claims, self.planned.config
        if self.anchor is not None:
            # Its reference is of all pairs; that of these ones has been computed again.
            own = {
                "chosen": trainer.ref_logps.chosen.clone(),
                "rejected": trainer.ref_logps.rejected.clone(),
            }
            trainer.load(replace(self.anchor, tensors={**self.anchor.tensors, "reference": own}))
        found = trainer.take_step(
            trainer.examples.train, self.step, self.planned.num_steps, claims.config.seed
        )
        history = read_history(claims.output.stage(config.name).history)
        yield from _differences(found, history[self.step], claims.rounding)

    def _moved(self, trainer: StageTrainer, rows: IntArray) -> Iterator[str]:
        """Of the step's pairs, how far the stage has moved them in the end."""
        config = self.planned.config
        folder = self.claims.output.stage(config.name)
        path = folder.path / PAIRS_FILE
        final = folder.final_model if self.number == 0 else folder.own_adapter
        if not path.is_file() or is_whole_model(final):
            return
        put_adapter(trainer.policy, load_adapter(final))
        shifts = read_shifts(path, config.name)[0]
        places = {row: place for place, row in enumerate(shifts.rows)}
        beta, nats = final_beta(config), _NATS[self.claims.dtype]
        preferences = StagePreferences(
            trainer.examples.pairs,
            trainer.examples.margins,
            trainer.ref_logps.at(trainer.examples.train, torch.device("cpu"))
            .margin.double()
            .numpy(),
            beta,
        )
        moved = trainer.reward_margins(preferences)
        for row, reward, reference, margins in zip(
            rows.tolist(), moved, preferences.reference, preferences.margins, strict=True
        ):
            place = places.get(row)
            if place is None:
                yield f"{PAIRS_FILE} lacks row {row}"
                continue
            told = shifts.reward_margins[place]
            if abs(told - reward) > beta * nats:
                yield f"{PAIRS_FILE}, row {row}: reward margin {told:.4g}, derived again {reward:.4g}"
            if shifts.references is not None and abs(shifts.references[place] - reference) > nats:
                yield f"{PAIRS_FILE}, row {row}: another reference than the stage's"
            if not np.allclose(shifts.data_margins[place], margins):
                yield f"{PAIRS_FILE}, row {row}: other data margins than the data's"


def _differences(found: Metrics, told: Mapping[str, float], rounding: float) -> Iterator[str]:
    for name, value in found.items():
        if name in _OF_THE_MACHINE:
            continue
        if abs(told[name] - value) > rounding * max(abs(value), 1.0):
            yield f"step {int(told['step'])}: {name} is {told[name]:.6g}, taken again {value:.6g}"
