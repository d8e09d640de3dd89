"""Answers while a stage trains: what is asked, that nothing is learned otherwise, and that nothing gets lost."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from grice_core.data.load import load_pairs
from grice_core.data.split import holdout_mask
from grice_core.dpo.checkpointing.history import read_history
from grice_core.errors import InterruptedRunError
from grice_core.pipeline.parts import PipelineParts
from grice_core.pipeline.sampled_answers import read_answers
from grice_core.progress import Reporter, SampledAnswer
from grice_core.recipes.load import load_recipe
from grice_core.store.kept import KeptWork
from grice_core.store.objects import ObjectStore
from tests.pipeline.world import QUICK, config

RECIPE = load_recipe(
    "content-then-manner",
    [*QUICK, "holdout_share=0.4", "stage1.num_steps=5", "stage1.eval_steps=5"],
)
EVERY = 2


class Listener:
    """Hears what a stage answers, and stops it before a step if asked to."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.answers: list[SampledAnswer] = []
        self.said: list[str] = []
        self._taken = 0
        self._stop_after = stop_after
        self.reporter = Reporter(
            say=self.said.append,
            should_stop=lambda: self._taken == stop_after,
            on_step=self._on_step,
            on_answers=self._on_answers,
        )

    def _on_step(self, record: dict[str, float]) -> None:
        self._taken = int(record["step"])

    def _on_answers(self, answers: Sequence[SampledAnswer]) -> None:
        self.answers += answers


def train(
    world: Path, out: Path, listener: Listener, kept: KeptWork | None = None, **options: object
) -> PipelineParts:
    """Train stage 1 alone."""
    out.mkdir(exist_ok=True)
    settings = {"recipe": RECIPE, "precision": "fp32", "sample_every": EVERY} | options
    parts = PipelineParts(config(world, out, **settings), listener.reporter, kept)
    parts.prepare()
    parts.train("stage1")
    return parts


def adapter(parts: PipelineParts) -> bytes:
    return (parts.output.stage("stage1").final_model / "adapter_model.safetensors").read_bytes()


def numbers(parts: PipelineParts) -> list[dict[str, float]]:
    history = read_history(parts.output.stage("stage1").history)
    return [{n: v for n, v in record.items() if n != "tokens_per_s"} for record in history]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> KeptWork:
    return KeptWork(ObjectStore(f"file://{tmp_path_factory.mktemp('kept')}"), 10 << 20)


@pytest.fixture(scope="module")
def heard() -> Listener:
    return Listener()


@pytest.fixture(scope="module")
def sampled(
    world: Path, heard: Listener, kept: KeptWork, tmp_path_factory: pytest.TempPathFactory
) -> PipelineParts:
    return train(world, tmp_path_factory.mktemp("sampled") / "out", heard, kept)


def test_held_out_prompts_are_asked_before_training_every_so_many_steps_and_at_the_end(
    sampled: PipelineParts, heard: Listener, world: Path
) -> None:
    answers = read_answers(sampled.output.stage("stage1").answers)
    assert answers == heard.answers
    prompts = {answer.place: answer.prompt for answer in answers}
    assert sorted(prompts) == [0, 1, 2, 3]
    assert [(answer.step, answer.place) for answer in answers] == [
        (step, place) for step in (0, 2, 4, 5) for place in prompts
    ]
    assert all(answer.prompt == prompts[answer.place] for answer in answers)
    table = load_pairs(world / "pairs.json").table
    held_out = set(table.take(holdout_mask(table.prompts, 0.4, 0)).prompts)
    assert set(prompts.values()) <= held_out
    assert not held_out & set(
        sampled.inputs.table.take(sampled.inputs.stages[0].train_indices).prompts
    )
    first, last = ([answer.answer for answer in answers if answer.step == step] for step in (0, 5))
    assert first != last
    assert any(
        "4 held-out prompts are asked every 2 steps, which takes" in each for each in heard.said
    )


def test_nothing_that_is_learned_depends_on_it(
    sampled: PipelineParts, world: Path, tmp_path: Path
) -> None:
    listener = Listener()
    without = train(world, tmp_path / "out", listener, sample_every=0)
    assert adapter(without) == adapter(sampled)
    assert numbers(without) == numbers(sampled)
    assert listener.answers == []
    assert not without.output.stage("stage1").answers.exists()


def test_an_interrupted_stage_answers_as_if_it_had_not_been(
    sampled: PipelineParts, world: Path, tmp_path: Path
) -> None:
    with pytest.raises(InterruptedRunError):
        train(world, tmp_path / "out", Listener(stop_after=3))
    again = Listener()
    parts = train(world, tmp_path / "out", again)
    path = sampled.output.stage("stage1").answers
    assert read_answers(parts.output.stage("stage1").answers) == read_answers(path)
    assert [answer.step for answer in again.answers][::4] == [4, 5]


@pytest.mark.usefixtures("sampled")
def test_a_stage_that_is_taken_over_brings_its_answers_along(
    heard: Listener, kept: KeptWork, world: Path, tmp_path: Path
) -> None:
    again = Listener()
    parts = train(world, tmp_path / "out", again, kept)
    assert (parts.record.stage_of("stage1") or {})["taken_over"]
    assert again.answers == heard.answers
    # One that was asked nothing has none to bring along.
    other = train(world, tmp_path / "other", Listener(), kept, sample_every=3)
    assert not (other.record.stage_of("stage1") or {})["taken_over"]


def test_with_nothing_held_out_it_says_why_no_one_is_asked(world: Path, tmp_path: Path) -> None:
    listener = Listener()
    everything = load_recipe(
        "content-then-manner", [*QUICK, "holdout_share=0", "stage1.num_steps=1"]
    )
    train(world, tmp_path / "out", listener, recipe=everything)
    assert listener.answers == []
    assert (
        "stage1: no answers are sampled while it trains, since no prompt is held out that is not evaluated: raise "
        "holdout_share" in listener.said
    )
