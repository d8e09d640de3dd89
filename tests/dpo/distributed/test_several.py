"""Several processes that train together, against one."""

import multiprocessing
import signal

import numpy as np
import pytest
from safetensors.torch import load_file

from grice_core.dpo.adapters import adapter_of
from grice_core.dpo.checkpointing.history import read_history
from grice_core.dpo.distributed.launcher import RankPlace
from grice_core.dpo.distributed.process_group import RankInfo, free_port
from grice_core.dpo.prefix_trees import num_shared_tokens
from tests.dpo import killable
from tests.dpo.killable import CPU, LOST, NUM_STEPS

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def processes():
    """Starts processes that have everything imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.dpo.killable"])
    return context


def train(processes, folder, count, last=None, target=killable.take_part):
    """Exit codes of so many processes that train together, rank 0's first."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    ranks = [
        processes.Process(
            target=target, args=(folder, RankInfo(RankPlace(index, count, port), CPU), last)
        )
        for index in range(count)
    ]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join()
    return [rank.exitcode for rank in ranks]


@pytest.fixture(scope="module")
def trained(processes, tmp_path_factory):
    """Folders of undisturbed runs, by the number of their processes."""
    folders = {count: tmp_path_factory.mktemp(f"by-{count}") for count in (1, 2, 3)}
    for count, folder in folders.items():
        assert train(processes, folder, count) == [0] * count
    return folders


def numbers(folder):
    """Every number of every step but the speed."""
    records = read_history(folder / "history.jsonl")
    return [{k: v for k, v in record.items() if k != "tokens_per_s"} for record in records]


def adapter(folder):
    return load_file(folder / "final_model" / "adapter_model.safetensors")


def assert_the_same_but_for_rounding(folder, expected):
    assert [record["step"] for record in numbers(folder)] == list(range(1, NUM_STEPS + 1))
    for record, other in zip(numbers(folder), numbers(expected), strict=True):
        assert record == pytest.approx(other, abs=TOLERANCE, rel=TOLERANCE)
    ours, theirs = adapter(folder), adapter(expected)
    assert ours.keys() == theirs.keys()
    assert max(float((ours[name] - theirs[name]).abs().max()) for name in ours) < TOLERANCE


def assert_the_same(folder, expected):
    assert numbers(folder) == numbers(expected)
    path = "final_model/adapter_model.safetensors"
    assert (folder / path).read_bytes() == (expected / path).read_bytes()


@pytest.mark.parametrize("count", [2, 3])
def test_several_processes_learn_what_one_learns(trained, count):
    assert_the_same_but_for_rounding(trained[count], trained[1])
    for index in range(count):
        margins, alone = (
            np.load(trained[number] / f"rank-{rank}.npz")["margins"]
            for number, rank in ((count, index), (1, 0))
        )
        np.testing.assert_allclose(margins, alone, atol=TOLERANCE)


@pytest.mark.parametrize(("rank", "step"), [(0, 5), (1, 8)])
def test_a_killed_rank_ends_the_others_and_training_resumes_bit_for_bit(
    processes, trained, tmp_path, rank, step
):
    endings = [LOST, LOST]
    endings[rank] = -signal.SIGKILL
    assert train(processes, tmp_path, 2, last=(rank, step)) == endings
    checkpoint = f"step-{(step - 1) // killable.EVERY * killable.EVERY:08d}"
    assert max(path.name for path in (tmp_path / "checkpoints").iterdir()) == checkpoint
    assert train(processes, tmp_path, 2) == [0, 0]
    assert_the_same(tmp_path, trained[2])


@pytest.mark.stack
def test_several_processes_keep_the_same_best_step_and_end_at_the_same(processes, tmp_path):
    choosing = killable.take_part_choosing
    assert train(processes, tmp_path, 2, (1, 4), choosing) == [LOST, -signal.SIGKILL]
    # By now the best step is past; what it learned comes from the checkpoint.
    assert train(processes, tmp_path, 2, target=choosing) == [0, 0]
    assert [record["step"] for record in numbers(tmp_path)] == [1, 2, 3, 4, 5, 6]
    alone = killable.choosing_trainer(num_train=9)
    outcome = alone.run(NUM_STEPS, 0)
    assert (outcome.num_steps, outcome.choice.step) == (6, 2)
    expected = alone.reward_margins(alone.preferences())
    for index in range(2):
        margins = np.load(tmp_path / f"rank-{index}.npz")["margins"]
        np.testing.assert_allclose(margins, expected, atol=TOLERANCE)
    ours, theirs = adapter(tmp_path), adapter_of(alone.policy).tensors
    assert max(float((ours[name] - theirs[name]).abs().max()) for name in ours) < TOLERANCE


def test_resuming_with_another_number_of_processes_works_and_is_reported(
    processes, trained, tmp_path
):
    assert train(processes, tmp_path, 2, last=(0, 8)) == [-signal.SIGKILL, LOST]
    assert train(processes, tmp_path, 1) == [0]
    assert "the run began with 2 processes and continues with 1" in (tmp_path / "said").read_text()
    assert_the_same_but_for_rounding(tmp_path, trained[1])


@pytest.fixture(scope="module")
def sharded(processes, tmp_path_factory):
    """Folder of an undisturbed run by two processes with half of the base each."""
    folder = tmp_path_factory.mktemp("sharded")
    assert train(processes, folder, 2, target=killable.take_part_in_shards) == [0, 0]
    return folder


def test_two_processes_with_half_of_the_base_each_learn_what_one_learns(
    processes, sharded, tmp_path
):
    assert train(processes, tmp_path, 1, target=killable.take_part_in_small_passes) == [0]
    assert_the_same_but_for_rounding(sharded, tmp_path)
    alone = np.load(tmp_path / "rank-0.npz")
    ranks = [np.load(sharded / f"rank-{index}.npz") for index in range(2)]
    for rank in ranks:
        np.testing.assert_allclose(rank["margins"], alone["margins"], atol=TOLERANCE)
        assert rank["held"] == pytest.approx(alone["held"] / 2, rel=0.05)
    assert sum(rank["held"] for rank in ranks) == alone["held"]


def test_with_half_of_the_base_each_training_resumes_after_a_killed_rank(
    processes, sharded, tmp_path
):
    in_shards = killable.take_part_in_shards
    assert train(processes, tmp_path, 2, (1, 8), in_shards) == [LOST, -signal.SIGKILL]
    assert train(processes, tmp_path, 2, target=in_shards) == [0, 0]
    assert_the_same(tmp_path, sharded)


def test_memory_that_runs_out_on_one_rank_makes_passes_smaller_on_all(processes, tmp_path):
    pairs = killable.new_trainer(num_train=8).examples.pairs
    largest = max(num_shared_tokens([pair]) for pair in pairs)
    found = {}
    for name, count, memory in (("alone", 1, None), ("short", 2, largest)):
        folder, target = tmp_path / name, killable.take_part_where_memory_is_short
        assert train(processes, folder, count, memory, target) == [0] * count
        found[name] = [np.load(folder / f"rank-{index}.npz") for index in range(count)]

    (alone,), (first, last) = found["alone"], found["short"]
    assert alone["budget"] > 2 * largest >= 2 * first["budget"]
    assert first["budget"] == last["budget"]
    for rank in (first, last):
        np.testing.assert_allclose(rank["losses"], alone["losses"], rtol=TOLERANCE, atol=TOLERANCE)
