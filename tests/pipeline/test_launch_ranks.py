"""Two processes that train one stage, against one process."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from grice_core.dpo.checkpointing.history import read_history
from grice_core.dpo.distributed.launcher import place_of
from grice_core.dpo.distributed.process_group import free_port
from grice_core.errors import InputError, InterruptedRunError, LostProcessError, TrainingError
from grice_core.evaluation.generation import generate
from grice_core.pipeline import answer_shares
from grice_core.pipeline.judging import evaluate_stages
from grice_core.pipeline.launch_ranks import check_several, count_processes, found_ranks
from grice_core.pipeline.parts import PipelineParts
from grice_core.progress import Reporter
from grice_core.recipes.config import ParallelSettings
from tests.dpo import tiny
from tests.pipeline import killable
from tests.pipeline.world import config

TOLERANCE = 1e-5
ROOT = Path(__file__).parents[2]
FILES = {"data": "pairs.json", "eval": "eval.json"}


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


def other_process(world, home, place, **changes):
    """`grice pipeline` as srun starts it for a task beside the first, with a home and a folder of its own."""
    home.mkdir()
    command = [str(Path(sys.executable).with_name("grice")), "pipeline", "--out", "nowhere"]
    for name in ("data", "eval", "base", "detector"):
        command += [f"--{name}", str(world / FILES.get(name, name))]
    environment = os.environ | place | {"GRICE_HOME": str(home), "PYTHONPATH": str(ROOT)} | changes
    return subprocess.Popen(command, cwd=home, env=environment, stderr=subprocess.PIPE, text=True)


def slurm_step():
    """What srun says to every task of two."""
    port = {"SLURM_JOB_ID": str(free_port()), "SLURM_STEP_ID": "0"}
    return port | {"SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_NODELIST": "localhost,never[1-2]"}


@contextmanager
def beside_another(world, home, said):
    """The other of two processes that srun has started, with a home and a folder of its own."""
    step = slurm_step()
    other = other_process(world, home, step | {"SLURM_PROCID": "1", "SLURM_LOCALID": "0"})
    try:
        with found_ranks(place_of(step | {"SLURM_PROCID": "0"}), said.append) as launched:
            yield launched, other
        other.said = other.communicate(timeout=60)[1]
    finally:
        other.kill()
        other.wait()
        other.stderr.close()


def answers_of(parts, **changes):
    """What baseline and first stage answer, twice each."""
    job = parts.evaluation_job(parts.inputs.selection)
    sampling = replace(job.sampling, samples_per_prompt=2, max_new_tokens=6)
    job = replace(job, stages=("stage1",), sampling=sampling, **changes)
    told = []
    evaluation = evaluate_stages(parts.models, job, Reporter(lambda *heard: told.append(heard)))
    counts = [done for task, done, _ in told if task == "stage1: generate responses"]
    return [model.responses for model in evaluation.models], counts


def test_two_tasks_of_slurm_learn_and_answer_bit_for_bit_what_our_own_processes_do(
    world, together, tmp_path, monkeypatch
):
    """On two hosts as far as one can be two: they share nothing but a port and the base."""
    asked_here, out, said = [], tmp_path / "out", []

    def counted(model, tokenizer, prompts, *told, **named):
        asked_here.append(len(prompts))
        return generate(model, tokenizer, prompts, *told, **named)

    monkeypatch.setattr(answer_shares, "generate", counted)
    out.mkdir()
    with beside_another(world, tmp_path / "other", said) as (launched, other):
        asked = config(world, out, **killable.TOGETHER)
        parts = PipelineParts(asked, Reporter(say=said.append), launched=launched)
        parts.train("stage1")
        answers, counts = answers_of(parts)
        lines = parts.output.answers.read_text().splitlines(keepends=True)
        lines = [line for line in lines if json.loads(line).get("model") != "stage1"]
        parts.output.answers.write_text("".join(lines))
        again, _ = answers_of(parts)
    assert other.returncode == 0
    assert other.said == "process 2 of 2 works for the first one, which writes the results\n"
    assert not list((tmp_path / "other").iterdir())
    assert "2 processes, started by srun on" in said[0]

    assert numbers(out) == numbers(together)
    learned, expected = adapter(out), adapter(together)
    assert all((learned[name] == expected[name]).all() for name in expected)
    parts.output.answers.unlink()
    assert again == answers == answers_of(parts, num_processes=1, launched=None)[0]
    assert asked_here == [3, 3, 3]  # of six prompts, for each of two models; then for one of them
    assert counts == sorted(counts)
    assert counts[-1] == 12


@pytest.mark.stack
def test_losing_a_process_of_a_launcher_leaves_what_any_number_can_resume(
    world, together, tmp_path
):
    out, said, taken = tmp_path / "out", [], []
    out.mkdir()
    asked = config(world, out, **killable.TOGETHER)
    stopping = Reporter(on_step=taken.append, should_stop=lambda: len(taken) == 2)
    with (
        beside_another(world, tmp_path / "stopped", said) as (launched, other),
        pytest.raises(InterruptedRunError, match="stopped before step 3 of 6"),
    ):
        PipelineParts(asked, stopping, launched=launched).train("stage1")
    assert other.returncode == 0

    with beside_another(world, tmp_path / "killed", said) as (launched, other):

        def lose_the_other(record):
            if record["step"] == 4:
                other.kill()

        with pytest.raises(TrainingError, match=r"another process .* has ended.*--resume"):
            PipelineParts(asked, Reporter(on_step=lose_the_other), launched=launched).train(
                "stage1"
            )
    train(world, out, 2)
    assert numbers(out) == numbers(together)


@pytest.mark.stack
def test_another_base_under_the_same_name_is_refused(world, tmp_path):
    base, out, said = tmp_path / "base", tmp_path / "out", []
    shutil.copytree(world / "base", base)
    out.mkdir()
    with beside_another(world, tmp_path / "other", said) as (launched, other):
        asked = config(world, out, **killable.TOGETHER, base=str(base))
        parts = PipelineParts(asked, Reporter(), launched=launched)
        parts.load_base()
        changed = tiny.gpt2()
        torch.nn.init.zeros_(changed.transformer.wpe.weight)
        changed.save_pretrained(base)
        with pytest.raises(LostProcessError, match=r"process 2 of 2 ended: the weights of .*base"):
            parts.train("stage1")
    assert other.returncode == 2
    assert "all hosts need the same files" in other.said
