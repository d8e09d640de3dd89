"""A search from end to end: trials on one half of the prompts, repeats, and a check on the other half.

    OUT/sweep.journal          the trials, as Optuna keeps them
    OUT/trials/as-it-is-0      the recipe as it is, with seed 0: an ordinary pipeline's folder
    OUT/trials/003-0           trial 3, with seed 0
    OUT/confirmed/003-0        the winner and the recipe as it is, on prompts that the search did not see
    OUT/sweep.json             all of it in figures
    OUT/winner.yaml            the winner's recipe

Equal stages are trained once and equal models asked once, as far as `kept` has room. The best of many looks
better than it is, so the winner is named after repeats with other seeds and both figures are printed.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from grice_core.errors import GriceError, InterruptedRunError, OutputError
from grice_core.evaluation.pareto import pareto_front
from grice_core.evaluation.selection import Half
from grice_core.evaluation.stored import read_evaluation
from grice_core.evaluation.violations import COOPERATIVE, EvaluatedModel
from grice_core.files import write_text_atomic
from grice_core.kept import Kept
from grice_core.maxims import MAXIMS
from grice_core.pipeline.config import AskedHalf, PipelineConfig
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.run import run_pipeline
from grice_core.progress import Reporter
from grice_core.recipes.config import Recipe
from grice_core.recipes.documents import to_yaml
from grice_core.sweep.space import RecipeOf, Varied, checked
from grice_core.sweep.study import Study, Trial

JOURNAL = "sweep.journal"
WINNER_FILE = "winner.yaml"
AS_IT_IS = "as-it-is"
NUM_FINALISTS = 2
"""Trials that are repeated with other seeds, besides the recipe as it is."""


@dataclass(frozen=True)
class SweepConfig:
    """What is searched, how, and for how long."""

    pipeline: PipelineConfig
    """With the recipe as it is; `out` is the sweep's folder."""
    recipe_of: RecipeOf
    varied: tuple[Varied, ...]
    num_trials: int = 8
    num_seeds: int = 3
    """That the finalists run with, the search's own among them."""
    minutes: float | None = None
    """After which no further trial begins; None: all of them are made."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """One recipe, and what it came to."""

    name: str
    """`as-it-is`, or its trial's number in three digits."""
    overrides: tuple[str, ...]
    recipe: Recipe
    models: tuple[EvaluatedModel, ...] = ()
    """Baseline and stages on the prompts that were searched on, answers of all seeds together."""
    num_seeds: int = 1
    failure: str = ""
    """Why there are none."""

    @property
    def final(self) -> EvaluatedModel:
        """After the last stage."""
        return self.models[-1]


@dataclass(frozen=True, eq=False)
class SweepResult:
    """What a search came to."""

    folder: Path
    candidates: tuple[Candidate, ...]
    """The recipe as it is, then every trial."""
    front: tuple[str, ...]
    """Names of those that no other one beats on all four maxims."""
    winner: Candidate
    confirmed: tuple[tuple[EvaluatedModel, ...], ...]
    """The recipe as it is, then the winner, if that is another one: baseline and stages, on the prompts
    that the search did not see."""
    num_prompts: tuple[int, int]
    """Searched on, and confirmed on."""
    importances: dict[str, float] = field(default_factory=dict)
    """How much each field matters for the cooperative rate; empty where there are too few trials to say."""


def run_sweep(
    config: SweepConfig, reporter: Reporter | None = None, kept: Kept | None = None
) -> SweepResult:
    """Search, name a winner, confirm it; what `out` holds of the same search is taken over.

    Raises:
        InputError: the space is none, optuna is missing, or `out` holds another search.
        RecipeError: a field does not take a value.
        InterruptedRunError: a stop was asked for; calling it again continues.
        GriceError: the recipe as it is fails.
    """
    checked(config.varied, config.recipe_of)
    return _Sweep(config, reporter or Reporter(), kept).run()


@dataclass(frozen=True, eq=False)
class _Sweep:
    config: SweepConfig
    reporter: Reporter
    kept: Kept | None

    def run(self) -> SweepResult:
        study = self._study()
        as_it_is = self._ran(Candidate(AS_IT_IS, (), self.config.pipeline.recipe))
        trials = self._trials(study)
        searched = [as_it_is, *(each for each in trials if not each.failure)]
        front = _front(searched)
        finalists = [self._repeated(each) for each in _finalists(as_it_is, front)]
        winner = max(finalists, key=lambda each: each.final.rates[COOPERATIVE])
        self.reporter.say(f"winner over {winner.num_seeds} seeds: {_described(winner)}")
        contenders = [finalists[0], *([winner] if winner is not finalists[0] else [])]
        confirmed = tuple(self._answers(each, "confirmation") for each in contenders)
        cooperative = {int(each.name): each.final.rates[COOPERATIVE] for each in searched[1:]}
        write_text_atomic(self.config.pipeline.out / WINNER_FILE, to_yaml(winner.recipe))
        return SweepResult(
            folder=self.config.pipeline.out,
            candidates=(as_it_is, *trials),
            front=tuple(each.name for each in front),
            winner=winner,
            confirmed=confirmed,
            num_prompts=(as_it_is.final.num_prompts, confirmed[0][-1].num_prompts),
            importances=study.importances(cooperative),
        )

    def _study(self) -> Study:
        out, pipeline = self.config.pipeline.out, self.config.pipeline
        try:
            out.mkdir(parents=True, exist_ok=True)
            if any(out.iterdir()) and not (out / JOURNAL).exists():
                raise OutputError(f"{out} is not empty and holds no sweep: choose another --out")
        except OSError as error:
            raise OutputError(f"can't write to {out}: {error.strerror}") from error
        # Files by their names: what a studio keeps is copied to another place each time. Whether they are the
        # same is for each pipeline to see.
        asked = {
            "varied": [str(each) for each in self.config.varied],
            "recipe": to_yaml(pipeline.recipe),
            "data": Path(str(pipeline.data)).name,
            "eval": Path(str(pipeline.eval)).name,
            "base": pipeline.base,
            "detector": Path(pipeline.detector).name,
            **pipeline.options(),
        }
        return Study(out / JOURNAL, self.config.varied, asked, self.config.num_trials)

    def _trials(self, study: Study) -> list[Candidate]:
        """Those of before, then new ones as long as there is time."""
        ends_at = None
        if self.config.minutes is not None:
            ends_at = time.monotonic() + 60 * self.config.minutes
        found = [self._ran(self._candidate(trial)) for trial in study.ended()]
        while len(found) < self.config.num_trials:
            if ends_at is not None and time.monotonic() >= ends_at:
                self.reporter.say(
                    f"{self.config.minutes:g} minutes are over: {len(found)} of "
                    f"{self.config.num_trials} trials were made"
                )
                break
            self.reporter.progress("trials", len(found), self.config.num_trials)
            trial = study.next()
            candidate = self._ran(self._candidate(trial))
            if candidate.failure:
                study.fail(trial)
            else:
                study.tell(trial, candidate.final.rates)
            found.append(candidate)
        self.reporter.progress("trials", len(found), max(len(found), 1))
        return found

    def _candidate(self, trial: Trial) -> Candidate:
        return Candidate(
            f"{trial.number:03}", trial.overrides, self.config.recipe_of(trial.overrides)
        )

    def _ran(self, candidate: Candidate) -> Candidate:
        """On the prompts of the search, with the search's own seed.

        Raises: GriceError, if the recipe as it is fails; a trial that does has its failure noted.
        """
        try:
            ran = replace(candidate, models=self._answers(candidate, "search"))
        except InterruptedRunError:
            raise
        except GriceError as error:
            if candidate.name == AS_IT_IS:
                raise
            self.reporter.say(f"trial {candidate.name} came to nothing: {error}")
            return replace(candidate, failure=str(error))
        self.reporter.say(_described(ran))
        return ran

    def _repeated(self, candidate: Candidate) -> Candidate:
        """With all seeds."""
        repeated = replace(candidate, num_seeds=self.config.num_seeds)
        return replace(repeated, models=self._answers(repeated, "search"))

    def _answers(self, candidate: Candidate, half: Half) -> tuple[EvaluatedModel, ...]:
        """Baseline and stages on half of the prompts, answers of all its seeds together."""
        first = self.config.pipeline.seed
        of_seeds = [
            self._evaluated(candidate, first + number, half)
            for number in range(candidate.num_seeds)
        ]
        return tuple(map(_pooled, zip(*of_seeds, strict=True)))

    def _evaluated(self, candidate: Candidate, seed: int, half: Half) -> tuple[EvaluatedModel, ...]:
        place = "trials" if half == "search" else "confirmed"
        pipeline = self.config.pipeline
        out = pipeline.out / place / f"{candidate.name}-{seed}"
        record = OutputFolder(out).read_run()
        if (record or {}).get("state") != "finished":
            asked = replace(
                pipeline,
                recipe=candidate.recipe,
                seed=seed,
                asked=AskedHalf(half, pipeline.seed),
                out=out,
                resume=record is not None,
                overwrite=False,
            )
            run_pipeline(asked, self._quiet(), self.kept)
        return read_evaluation(out).models

    def _quiet(self) -> Reporter:
        """What a pipeline reports to: it can be stopped, and its sentences stay in its own folder."""
        return Reporter(should_stop=self.reporter.should_stop)


def _front(searched: Sequence[Candidate]) -> list[Candidate]:
    """Those that no other one beats on all four maxims, the most cooperative first."""
    rates = np.array([[each.final.rates[maxim] for maxim in MAXIMS] for each in searched])
    on_front = [each for each, is_on in zip(searched, pareto_front(rates), strict=True) if is_on]
    return sorted(on_front, key=lambda each: -each.final.rates[COOPERATIVE])


def _finalists(as_it_is: Candidate, front: Sequence[Candidate]) -> list[Candidate]:
    """The recipe as it is, and the best that the search has found."""
    found = [each for each in front if each.name != AS_IT_IS]
    return [as_it_is, *found[:NUM_FINALISTS]]


def _pooled(models: Sequence[EvaluatedModel]) -> EvaluatedModel:
    """One model's answers with several seeds, as several answers to each prompt."""
    first = models[0]
    return EvaluatedModel(
        name=first.name,
        prompts=[prompt for model in models for prompt in model.prompts],
        responses=[response for model in models for response in model.responses],
        scores=np.concatenate([model.scores for model in models]),
        thresholds=first.thresholds,
    )


def _described(candidate: Candidate) -> str:
    settings = ", ".join(candidate.overrides) or "the recipe as it is"
    rate = candidate.final.rates[COOPERATIVE]
    return f"{candidate.name}: {settings}: cooperative {100 * rate:.1f} %"
