"""Two processes that train one stage, against one process."""

import multiprocessing
import signal
import time

import psutil
import pytest
import torch
from safetensors.torch import load_file

from grice_core.dpo.checkpointing.history import read_history
from grice_core.errors import InputError, InterruptedRunError, TrainingError
from grice_core.pipeline.launch_ranks import check_several, count_processes
from grice_core.pipeline.parts import PipelineParts
from grice_core.progress import Reporter
from grice_core.recipes.config import ParallelSettings
from tests.pipeline import killable
from tests.pipeline.world import config

TOLERANCE = 1e-5


def train(world, out, num_processes, **told):
    """Train the stage, or continue with it; returns what was said."""
    out.mkdir(exist_ok=True)
    said = []
    asked = config(world, out, **killable.TOGETHER, num_processes=num_processes)
    PipelineParts(asked, Reporter(say=said.append, **told)).train("stage1")
    return said


@pytest.fixture(scope="module")
def alone(world, tmp_path_factory):
    out = tmp_path_factory.mktemp("alone")
    train(world, out, 1)
    return out


@pytest.fixture(scope="module")
def together(world, tmp_path_factory):
    out = tmp_path_factory.mktemp("together")
    train(world, out, 2)
    return out


def numbers(out, stage="stage1"):
    """Every number of every step but the speed."""
    records = read_history(out / stage / "history.jsonl")
    return [{k: v for k, v in record.items() if k != "tokens_per_s"} for record in records]


def adapter(out, stage="stage1"):
    return load_file(out / stage / "final_model" / "adapter_model.safetensors")


def assert_the_same_but_for_rounding(one, other, stage="stage1"):
    for record, expected in zip(numbers(other, stage), numbers(one, stage), strict=True):
        assert record == pytest.approx(expected, abs=TOLERANCE, rel=TOLERANCE)
    tensors, expected = adapter(other, stage), adapter(one, stage)
    assert tensors.keys() == expected.keys()
    assert all((tensors[name] - expected[name]).abs().max() < TOLERANCE for name in expected)


def stop_after(step, world, out, num_processes):
    taken = []
    told = {"on_step": taken.append, "should_stop": lambda: len(taken) == step}
    with pytest.raises(InterruptedRunError, match=f"stopped before step {step + 1} of 6"):
        train(world, out, num_processes, **told)


def other_ranks():
    """The processes of a training beside this one; what other tests have started is none of them."""
    return [
        child
        for child in psutil.Process().children()
        if any("grice_core.pipeline.rank_main" in part for part in child.cmdline())
    ]


def wait_for_end(pid):
    """Whether a process ends before long; one that no one has buried yet has ended too."""
    try:
        process = psutil.Process(pid)
        for _ in range(600):
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
            time.sleep(0.1)
    except psutil.NoSuchProcess:
        return True
    return False


def test_two_processes_learn_what_one_learns(alone, together):
    # 23 pairs in steps of 11: each third step has one pair, and leaves a process without any.
    assert [record["step"] for record in numbers(alone)] == [1, 2, 3, 4, 5, 6]
    assert_the_same_but_for_rounding(alone, together)
    texts = [(out / "stage1" / "pairs.jsonl").read_text().splitlines() for out in (alone, together)]
    assert len(texts[0]) == len(texts[1]) == 23


def test_with_a_part_of_the_base_each_they_learn_both_stages_and_leave_the_base_whole(
    world, tmp_path
):
    outs, said = {}, []
    for count in (1, 2):
        outs[count] = tmp_path / str(count)
        outs[count].mkdir()
        asked = config(world, outs[count], **killable.IN_SHARDS, num_processes=count)
        parts = PipelineParts(asked, Reporter(say=said.append))
        for stage in ("stage1", "stage2"):
            parts.train(stage)
    for stage in ("stage1", "stage2"):
        assert_the_same_but_for_rounding(outs[1], outs[2], stage)
        assert f"{stage}: 2 processes with a part of the base, 1 threads each" in said
        assert f"{stage}: one process, so it holds the whole base in spite of parallel.fsdp" in said


def test_stopped_and_losing_a_process_it_goes_on_bit_for_bit(world, together, tmp_path):
    stop_after(2, world, tmp_path, num_processes=2)
    assert [path.name for path in (tmp_path / "stage1" / "checkpoints").iterdir()] == [
        "step-00000002"
    ]
    assert not other_ranks()

    def lose_the_other(record):
        if record["step"] == 4:
            (other,) = other_ranks()
            other.send_signal(signal.SIGKILL)

    with pytest.raises(TrainingError, match=r"process 2 of 2 was killed \(SIGKILL\).*--resume"):
        train(world, tmp_path, 2, on_step=lose_the_other)
    assert not other_ranks()

    train(world, tmp_path, 2)
    assert numbers(tmp_path) == numbers(together)
    last, expected = adapter(tmp_path), adapter(together)
    assert all((last[name] == expected[name]).all() for name in expected)


def test_killed_it_leaves_no_process_and_another_number_goes_on(world, alone, tmp_path):
    stop_after(2, world, tmp_path, num_processes=1)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.pipeline.killable"])
    hear, heard = context.Pipe(duplex=False)
    process = context.Process(target=killable.train_together, args=(world, tmp_path, heard, 4))
    process.start()
    said, others = hear.recv()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert any("began with 1 processes and continues with 2" in sentence for sentence in said)
    assert len(others) == 1
    assert wait_for_end(others[0])

    assert "stage1: continues after step 2" in train(world, tmp_path, 1)
    assert_the_same_but_for_rounding(alone, tmp_path)


def test_auto_is_one_process_for_each_gpu_and_one_on_a_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert count_processes("auto", torch.device("cuda")) == 4
    assert count_processes("auto", torch.device("cuda:1")) == 1
    assert count_processes("auto", torch.device("cpu")) == 1
    assert count_processes(3, torch.device("cpu")) == 3


def test_what_a_device_can_not_do_is_refused(monkeypatch):
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    plain = ParallelSettings()
    with pytest.raises(InputError, match="one GPU each, and torch sees 1"):
        check_several(2, cuda, plain)
    with pytest.raises(InputError, match="CUDA_VISIBLE_DEVICES"):
        check_several(2, torch.device("cuda:1"), plain)
    with pytest.raises(InputError, match="between GPUs only"):
        check_several(2, cpu, ParallelSettings.model_validate({"ddp": {"comm_hook": "bf16"}}))
    check_several(2, cpu, plain)
    check_several(1, torch.device("cuda:1"), plain)
