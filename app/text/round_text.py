"""Rounds in words: which phase one is in, and what its pairs came from."""

from dataclasses import dataclass

from app.text.formatting import count_of
from grice_core.durations import rough_duration
from grice_core.rounds.phases import Phase
from grice_core.store.states import RunState
from grice_core.store.tables import JsonObject, Run

_DOING = {
    Phase.ASK: "writing answers to held-out prompts",
    Phase.JUDGE_ASKED: "judging answers to held-out prompts",
    Phase.SAMPLE: "sampling answers to training prompts",
    Phase.JUDGE: "judging sampled answers",
    Phase.PAIR: "pairing answers",
    Phase.TRAIN: "training",
    Phase.CHECK: "writing answers to held-out prompts again",
    Phase.JUDGE_CHECKED: "judging answers to held-out prompts again",
}


@dataclass(frozen=True)
class RoundPhase:
    """The phase that a round is in, or was in when it was stopped."""

    phase: Phase
    done: int
    total: int
    """0: not known yet."""
    pace_s: float | None
    """Seconds per answer; None: not known yet."""

    @property
    def share(self) -> float:
        """How much of the phase is done, 0 to 1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    @property
    def doing(self) -> str:
        """`sampling answers to training prompts`"""
        return _DOING[self.phase]

    def __str__(self) -> str:
        """`sampling answers to training prompts, 640 of 1,536`"""
        return f"{self.doing}, {self.done:,} of {self.total:,}" if self.total else self.doing

    def left(self) -> str:
        """How long the phase will still take; empty if that is not known."""
        if self.pace_s is None or not self.total or self.done == self.total:
            return ""
        return f"about {rough_duration(self.pace_s * (self.total - self.done))} left of this step"


def phase_of(run: Run) -> RoundPhase | None:
    """The phase of a round that is not done; None of anything else, and where nothing is known of it yet."""
    found = (run.result or {}).get("round", {}).get("phase")
    if not found or run.state is RunState.SUCCEEDED:
        return None
    return RoundPhase(Phase(found["name"]), found["done"], found["total"], found["pace_s"])


def beyond_steps(run: Run) -> RoundPhase | None:
    """The phase of a round that does something else than optimizer steps."""
    phase = phase_of(run)
    return None if phase is None or phase.phase is Phase.TRAIN else phase


def yield_sentences(noted: JsonObject) -> list[str]:
    """What the prompts of a round yielded, as far as that is known, without full stops."""
    sampled: JsonObject = noted.get("sampled", {})
    if not sampled:
        return []
    prompts, pairs = sampled["num_prompts"], sampled["num_pairs"]
    share = 100 * pairs / max(prompts, 1)
    without = _counts(sampled["dropped"])
    found = [
        f"{count_of(prompts, 'training prompt')} asked, {count_of(pairs, 'pair')} made ({share:.0f} %)"
        + (f"; no pair: {without}" if without else "")
    ]
    kept: JsonObject = noted.get("kept", {})
    if kept:
        dropped = _counts(kept["dropped"])
        found.append(
            f"{count_of(kept['num_train'], 'pair')} to train on, {kept['num_heldout']:,} held out"
            + (f"; left out by the stage's filter: {dropped}" if dropped else "")
        )
    return found


def _counts(dropped: JsonObject) -> str:
    """`12 answers too alike, 3 no finished answer`"""
    return ", ".join(f"{count:,} {reason}" for reason, count in dropped.items() if count)
