"""A search in one process and one folder; `plan.py` says what comes next.

    OUT/trials.json            what is searched, and the trials so far
    OUT/trials/as-it-is-0      the recipe as it is, with seed 0: an ordinary pipeline's folder
    OUT/trials/003-0           trial 3, with seed 0
    OUT/confirmed/003-0        the winner and the recipe as it is, on prompts that the search did not see
    OUT/sweep.json             all of it in figures
    OUT/winner.yaml            the winner's recipe

Equal stages are trained once and equal models asked once, as far as `kept` has room.
"""

import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from grice_core.errors import GriceError, InputError, InterruptedRunError, OutputError
from grice_core.evaluation.stored import read_evaluation
from grice_core.evaluation.violations import COOPERATIVE
from grice_core.files import write_json_atomic, write_text_atomic
from grice_core.kept import Kept
from grice_core.pipeline.config import AskedHalf, PipelineConfig
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.run import run_pipeline
from grice_core.progress import Reporter
from grice_core.recipes.documents import to_yaml
from grice_core.sweep.plan import Models, is_out_of_time, next_step, trials_among
from grice_core.sweep.result import SweepResult, sweep_document
from grice_core.sweep.search import Entry, Member, Search, rates_of
from grice_core.sweep.space import checked

TRIALS_FILE = "trials.json"
SWEEP_FILE = "sweep.json"
WINNER_FILE = "winner.yaml"


@dataclass(frozen=True)
class SweepConfig:
    """What is searched, and with what."""

    pipeline: PipelineConfig
    """With the recipe as it is; `out` is the sweep's folder."""
    search: Search


def run_sweep(
    config: SweepConfig, reporter: Reporter | None = None, kept: Kept | None = None
) -> SweepResult:
    """Search, name a winner, confirm it; what `out` holds of the same search is taken over.

    Raises:
        InputError: the space is none, optuna is missing, or `out` holds another search.
        RecipeError: a field does not take a value.
        InterruptedRunError: a stop was asked for; calling it again continues.
        GriceError: another pipeline than a trial fails.
    """
    checked(config.search.varied, config.search.changed)
    return _Sweep(config, reporter or Reporter(), kept).run()


@dataclass
class _Noted:
    """`trials.json`: what must not be drawn again."""

    path: Path
    asked: dict[str, Any]
    trials: dict[str, Entry] = field(default_factory=dict)
    """By name; how they ended is read from their folders."""

    def read(self, search: Search) -> None:
        """Take over what is there of the same search."""
        if not self.path.exists():
            return
        document = json.loads(self.path.read_text(encoding="utf-8"))
        if (before := document["asked"]) != self.asked:
            changed = ", ".join(name for name in self.asked if self.asked[name] != before.get(name))
            raise InputError(
                f"{self.path.parent} holds another search ({changed} changed): give the same options to "
                "continue with it, or choose another --out"
            )
        for each in document["trials"]:
            member = Member(each["name"], search.seed, "search", each["params"])
            self.trials[member.name] = Entry(member, seconds=each["seconds"])

    def note(self, entry: Entry) -> None:
        self.trials[entry.member.name] = entry
        self.write()

    def write(self) -> None:
        trials = [
            {
                "name": each.member.name,
                "params": dict(each.member.params),
                "seconds": round(each.seconds, 1),
            }
            for each in self.trials.values()
        ]
        write_json_atomic(self.path, {"asked": self.asked, "trials": trials})


class _Sweep:
    def __init__(self, config: SweepConfig, reporter: Reporter, kept: Kept | None) -> None:
        self._pipeline = config.pipeline
        self._search = config.search
        self._reporter = reporter
        self._kept = kept
        self._noted = _Noted(config.pipeline.out / TRIALS_FILE, self._asked())

    def run(self) -> SweepResult:
        self._make_folder()
        self._noted.read(self._search)
        self._noted.write()
        entries = [self._ended(each) for each in [*self._noted.trials.values()]]
        while (step := next_step(self._search, entries, self._answers)).result is None:
            if not step.members:
                raise GriceError(step.failure)
            for member in step.members:
                entries.append(self._ended(Entry(member)))
                self._tell_progress(entries)
        self._say_winner(step.result, entries)
        self._write(step.result)
        return step.result

    def _make_folder(self) -> None:
        out = self._pipeline.out
        try:
            out.mkdir(parents=True, exist_ok=True)
            if any(out.iterdir()) and not (out / TRIALS_FILE).exists():
                raise OutputError(f"{out} is not empty and holds no sweep: choose another --out")
        except OSError as error:
            raise OutputError(f"can't write to {out}: {error.strerror}") from error

    def _asked(self) -> dict[str, Any]:
        # Files by their names: what a studio keeps is copied to another place each time. Whether they are the
        # same is for each pipeline to see.
        pipeline = self._pipeline
        return {
            "varied": [str(each) for each in self._search.varied],
            "recipe": to_yaml(pipeline.recipe),
            "data": Path(str(pipeline.data)).name,
            "eval": Path(str(pipeline.eval)).name,
            "base": pipeline.base,
            "detector": Path(pipeline.detector).name,
            **pipeline.options(),
        }

    def _ended(self, entry: Entry) -> Entry:
        """The same once it has run.

        Raises: GriceError, if it is no trial; of a trial that fails the reason is noted.
        """
        member = entry.member
        is_trial = bool(trials_among(self._search, [entry]))
        if is_trial:
            self._noted.note(entry)
        began = time.monotonic()
        try:
            self._run(member)
        except InterruptedRunError:
            raise
        except GriceError as error:
            if not is_trial:
                raise
            self._reporter.say(f"trial {member.name} came to nothing: {error}")
            ended = replace(entry, failure=str(error))
        else:
            ended = replace(entry, rates=rates_of(self._answers(member)[-1]))
            self._reporter.say(self._described(ended))
        ended = replace(ended, seconds=entry.seconds + time.monotonic() - began)
        if is_trial:
            self._noted.note(ended)
        return ended

    def _run(self, member: Member) -> None:
        out = self._folder(member)
        record = OutputFolder(out).read_run()
        if (record or {}).get("state") == "finished":
            return
        asked = replace(
            self._pipeline,
            recipe=self._search.recipe_of(member.params),
            seed=member.seed,
            asked=AskedHalf(member.half, self._search.seed),
            out=out,
            resume=record is not None,
            overwrite=False,
        )
        # It can be stopped; its sentences stay in its own folder.
        run_pipeline(asked, Reporter(should_stop=self._reporter.should_stop), self._kept)

    def _answers(self, member: Member) -> Models:
        return read_evaluation(self._folder(member)).models

    def _folder(self, member: Member) -> Path:
        place = "trials" if member.half == "search" else "confirmed"
        return self._pipeline.out / place / f"{member.name}-{member.seed}"

    def _tell_progress(self, entries: list[Entry]) -> None:
        num = len(trials_among(self._search, entries))
        self._reporter.progress("trials", num, self._search.num_trials)

    def _described(self, entry: Entry) -> str:
        member = entry.member
        settings = ", ".join(self._search.overrides(member.params)) or "the recipe as it is"
        rate = 100 * (entry.rates or {})[COOPERATIVE]["rate"]
        return f"{member.name}, seed {member.seed}, {member.half}: {settings}: cooperative {rate:.1f} %"

    def _say_winner(self, result: SweepResult, entries: list[Entry]) -> None:
        num_trials = len(result.candidates) - 1
        if num_trials < self._search.num_trials and is_out_of_time(self._search, entries):
            self._reporter.say(
                f"{self._search.minutes:g} minutes are over: {num_trials} of {self._search.num_trials} "
                "trials were made"
            )
        winner = result.winner
        settings = ", ".join(winner.overrides) or "the recipe as it is"
        self._reporter.say(f"winner over {winner.num_seeds} seeds: {winner.name}: {settings}")

    def _write(self, result: SweepResult) -> None:
        out = self._pipeline.out
        write_text_atomic(out / WINNER_FILE, to_yaml(result.winner.recipe))
        write_json_atomic(out / SWEEP_FILE, sweep_document(result))
