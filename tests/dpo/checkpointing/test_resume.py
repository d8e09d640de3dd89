import multiprocessing
import signal

import numpy as np
import pytest
import torch

from grice_core.dpo.budget import TokenBudget
from grice_core.dpo.checkpointing.history import read_history
from grice_core.dpo.checkpointing.resume import CheckpointPlan
from grice_core.errors import InputError, InterruptedRunError
from grice_core.kernels.choice import kernels_of_process
from grice_core.progress import Reporter
from tests.dpo import killable
from tests.dpo.killable import EVERY, NUM_STEPS, new_trainer
from tests.kernels.environment import kernels_set_to


@pytest.fixture(scope="module")
def processes():
    """Starts processes that have everything imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.dpo.killable"])
    return context


@pytest.fixture(scope="module")
def undisturbed(processes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    assert run(processes, folder) == 0
    return folder


def run(processes, folder, last=None, target=killable.train):
    """Exit code of a process that trains in this folder, up to some moment."""
    process = processes.Process(target=target, args=(folder, last))
    process.start()
    process.join()
    return process.exitcode


def losses(records):
    """Every number of every step but the speed."""
    return [{k: v for k, v in record.items() if k != "tokens_per_s"} for record in records]


@pytest.mark.parametrize("seed", range(4))
def test_a_run_killed_at_any_moment_goes_on_bit_for_bit(processes, undisturbed, tmp_path, seed):
    draw = np.random.default_rng(seed)
    num_moments = int((undisturbed / "moments").read_text())
    first, second = draw.integers(1, num_moments + 1, 2).tolist()
    assert run(processes, tmp_path, last=first) == -signal.SIGKILL
    assert run(processes, tmp_path, last=second) in (0, -signal.SIGKILL)
    assert run(processes, tmp_path) == 0

    expected, records = (read_history(path / "history.jsonl") for path in (undisturbed, tmp_path))
    assert [record["step"] for record in records] == list(range(1, NUM_STEPS + 1))
    assert losses(records) == losses(expected)
    adapters = [
        (path / "final_model" / "adapter_model.safetensors").read_bytes()
        for path in (undisturbed, tmp_path)
    ]
    assert adapters[0] == adapters[1]


def test_a_stage_that_keeps_its_best_step_goes_on_bit_for_bit_after_a_kill(processes, tmp_path):
    folders = [tmp_path / "undisturbed", tmp_path / "killed"]
    for folder in folders:
        folder.mkdir()
    choosing = killable.train_choosing
    assert run(processes, folders[0], target=choosing) == 0
    num_moments = int((folders[0] / "moments").read_text())
    # At the end of the last checkpoint, which holds the best step's adapter, and that training has ended.
    for last in (num_moments // 2, num_moments):
        assert run(processes, folders[1], last, choosing) in (0, -signal.SIGKILL)
    assert run(processes, folders[1], target=choosing) == 0
    expected, records = (losses(read_history(path / "history.jsonl")) for path in folders)
    assert [record["step"] for record in expected] == [1, 2, 3, 4, 5, 6]  # of ten
    assert records == expected
    kept = [(path / "final_model" / "adapter_model.safetensors").read_bytes() for path in folders]
    assert kept[0] == kept[1]


class Recorder:
    """Watches a run in this process, and stops it before a step if asked to."""

    def __init__(self, stop_before=None):
        self.records, self.said, self.started_at = [], [], None
        self.synced = 0
        self._stop_before = stop_before

    def reporter(self):
        return Reporter(
            on_step=self.records.append,
            should_stop=lambda: self._taken() + 1 == self._stop_before,
            on_start=self._start,
            on_checkpoint=self._sync,
            say=self.said.append,
        )

    def _taken(self):
        return self.started_at + len(self.records)

    def _start(self, step, _before):
        self.started_at = step

    def _sync(self):
        self.synced += 1


def train(folder, *, stop_before=None, trainer=None, num_steps=NUM_STEPS, seed=0, **planned):
    recorder, trainer = Recorder(stop_before), trainer or new_trainer()
    plan = CheckpointPlan(folder, "base", **({"every": EVERY, "resume": True} | planned))
    try:
        recorder.outcome = trainer.run(num_steps, seed, recorder.reporter(), plan)
    except InterruptedRunError as error:
        recorder.said.append(str(error))
    return recorder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run."""
    return train(tmp_path_factory.mktemp("whole"))


def test_a_stop_writes_a_checkpoint_and_says_how_to_continue(tmp_path, whole):
    first = train(tmp_path, stop_before=6)
    assert first.said == ["stopped before step 6 of 10: rerun with --resume to continue from there"]
    assert names(tmp_path) == ["step-00000003", "step-00000005"]
    second = train(tmp_path)
    assert second.started_at == 5
    assert losses(first.records + second.records) == losses(whole.records)
    assert second.outcome == whole.outcome


def test_a_stop_before_the_first_step_loses_nothing(tmp_path, whole):
    assert train(tmp_path, stop_before=1).records == []
    again = train(tmp_path)
    assert again.started_at == 0
    assert losses(again.records) == losses(whole.records)


def test_checkpoints_come_every_few_steps_and_at_the_end(tmp_path):
    recorder = train(tmp_path)
    assert recorder.synced == 4  # after steps 3, 6, 9 and 10
    assert names(tmp_path) == ["step-00000009", "step-00000010"]


def test_slow_steps_get_checkpoints_by_the_clock(tmp_path, whole):
    recorder = train(tmp_path, stop_before=9, at_least_every_s=0)
    assert recorder.synced == 9  # after each of the eight, and when it stops
    again = train(tmp_path, at_least_every_s=0)
    assert losses(recorder.records + again.records) == losses(whole.records)


def test_a_finished_run_is_not_trained_again(tmp_path, whole):
    train(tmp_path)
    trainer = new_trainer()
    again = train(tmp_path, trainer=trainer)
    assert again.records == []
    assert again.outcome == whole.outcome
    assert trainer.measure() == whole.outcome.after


def test_the_best_step_so_far_is_remembered_by_checkpoints(tmp_path):
    whole = train(tmp_path / "whole", trainer=killable.choosing_trainer())
    assert whole.outcome.choice.step < whole.outcome.num_steps
    for stop_before in (3, 4, 6):
        folder = tmp_path / str(stop_before)
        train(folder, stop_before=stop_before, trainer=killable.choosing_trainer())
        trainer = killable.choosing_trainer()
        again = train(folder, trainer=trainer)
        assert again.outcome == whole.outcome
        assert trainer.measure() == whole.outcome.after
    # The stage has ended, though it was planned longer.
    assert train(folder, trainer=killable.choosing_trainer()).records == []


def test_a_damaged_checkpoint_costs_some_steps_and_no_digits(tmp_path, whole):
    train(tmp_path, stop_before=9)
    assert names(tmp_path) == ["step-00000006", "step-00000008"]
    with (tmp_path / "step-00000008" / "optimizer.safetensors").open("r+b") as file:
        file.truncate(100)
    again = train(tmp_path)
    assert again.started_at == 6
    assert "passed over the damaged checkpoint" in again.said[0]
    assert losses(again.records) == losses(whole.records[6:])


def test_the_reference_that_training_began_with_is_used_to_the_end(tmp_path, whole):
    train(tmp_path, stop_before=5)
    trainer = new_trainer()
    trainer.ref_logps.chosen.add_(1e-6)  # as if it had been computed in other company
    again = train(tmp_path, trainer=trainer)
    assert losses(again.records) == losses(whole.records[4:])


def test_without_resume_the_run_starts_anew(tmp_path):
    train(tmp_path, stop_before=6)
    again = train(tmp_path, stop_before=2, resume=False)
    assert again.started_at == 0
    assert names(tmp_path) == ["step-00000001"]


def test_another_token_budget_may_go_on(tmp_path):
    train(tmp_path, stop_before=9)
    assert train(tmp_path, trainer=new_trainer(budget=TokenBudget(40))).started_at == 8


def test_resuming_with_another_number_of_threads_works_and_is_reported(tmp_path, monkeypatch):
    train(tmp_path, stop_before=9)
    threads = torch.get_num_threads()
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads + 1)
    again = train(tmp_path)
    assert again.started_at == 8
    assert again.said == [
        f"the run began with {threads} threads and continues with {threads + 1}: its last digits will "
        "not be those of an undisturbed run"
    ]


def test_resuming_with_other_kernels_works_and_is_reported(tmp_path):
    train(tmp_path, stop_before=9)
    before = kernels_of_process()
    other = "fast" if before == "plain" else "plain"
    with kernels_set_to(other):
        again = train(tmp_path)
    assert again.started_at == 8
    assert again.said == [
        f"the run began with {before} kernels and continues with {other}: its last digits will "
        "not be those of an undisturbed run"
    ]


def changed_setting(trainer):
    trainer.config = trainer.config.model_copy(update={"learning_rate": 0.1, "beta": 0.5})


def changed_pairs(trainer):
    trainer.examples.margins[3, 1] += 0.1


def changed_precision(trainer):
    object.__setattr__(trainer.compute, "dtype", torch.bfloat16)


@pytest.mark.parametrize(
    ("change", "how", "reason"),
    [
        (changed_setting, {}, "beta was 1.0 and is 0.5, learning_rate was 0.005 and is 0.1"),
        (changed_pairs, {}, "pairs changed"),
        (changed_precision, {}, "precision was float32 and is bfloat16"),
        (lambda _: None, {"seed": 1}, "seed was 0 and is 1"),
        (lambda _: None, {"num_steps": 12}, "steps was 10 and is 12"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, change, how, reason):
    train(tmp_path, stop_before=4)
    trainer = new_trainer()
    change(trainer)
    with pytest.raises(InputError) as refusal:
        train(tmp_path, trainer=trainer, **how)
    assert str(refusal.value) == (
        f"can't resume from the checkpoints in {tmp_path}: {reason}. "
        "Use the old settings and files again, or start over without --resume"
    )
    assert names(tmp_path) == ["step-00000003"]
