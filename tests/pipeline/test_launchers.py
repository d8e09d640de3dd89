"""`grice pipeline` under real launchers, as on two hosts: nothing shared but a port and the base."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from safetensors.torch import load_file

from grice_core.dpo.checkpointing.history import read_history
from grice_core.dpo.distributed.process_group import free_port

pytestmark = pytest.mark.stack

BIN = Path(sys.executable).parent
STAGES = ("stage1", "stage2")


def pipeline(world, out, *options, epochs=2):
    inputs = {"data": world / "pairs.json", "eval": world / "eval.json", "base": world / "base"}
    inputs |= {"detector": world / "detector", "out": out}
    words = [word for name, path in inputs.items() for word in (f"--{name}", str(path))]
    changes = (f"stage1.epochs={epochs}", "stage2.epochs=1", "evaluation.max_new_tokens=6")
    changes += ("stage1.lora.dropout=0.3", "stage1.learning_rate=1e-3")
    words += [word for change in changes for word in ("--set", change)]
    precise = ("--device", "cpu", "--precision", "fp32", "--samples-per-prompt", "2")
    return [str(BIN / "grice"), "pipeline", *words, *precise, *options]


def start(command, home):
    home.mkdir(exist_ok=True)
    environment = os.environ | {"GRICE_HOME": str(home), "OMP_NUM_THREADS": "1"}
    with (home / "log").open("w") as log:
        return subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=log)


def torchrun(world, home, out, *options, **settings):
    """Two hosts' agents, with a process each."""
    port = str(free_port())
    agents = []
    for node in range(2):
        words = ("--nnodes", "2", "--nproc-per-node", "1", "--node-rank", str(node))
        words += ("--master-addr", "127.0.0.1", "--master-port", port, "--no-python")
        command = [str(BIN / "torchrun"), *words, *pipeline(world, out, *options, **settings)]
        agents.append(start(command, Path(f"{home}-{node}")))
    return agents


def ended(processes, patience_s=500):
    try:
        return [process.wait(patience_s) for process in processes]
    finally:
        for process in processes:
            process.kill()


@pytest.fixture(scope="module")
def ours(world, tmp_path_factory):
    """A run by two processes of this machine, and one by a single process."""
    outs = {count: tmp_path_factory.mktemp(f"by-{count}") / "out" for count in (1, 2)}
    for count, out in outs.items():
        command = pipeline(world, out, "--num-processes", str(count))
        home = out.parent / "home"
        assert ended([start(command, home)]) == [0], (home / "log").read_text()
    return outs


def learned(out):
    """What says what was learned: every number of every step but the speed, and the adapters."""
    numbers = [
        {name: value for name, value in record.items() if name != "tokens_per_s"}
        for stage in STAGES
        for record in read_history(out / stage / "history.jsonl")
    ]
    adapters = [
        (out / stage / "final_model" / "adapter_model.safetensors").read_bytes() for stage in STAGES
    ]
    return numbers, adapters


def answers(out):
    lines = (out / "generations.jsonl").read_text().splitlines()
    return [(line["model"], line["prompt"], line["response"]) for line in map(json.loads, lines)]


def test_torchrun_on_two_hosts_gives_what_two_processes_of_ours_give(world, ours, tmp_path):
    out = tmp_path / "out"
    codes = ended(torchrun(world, tmp_path / "home", out))
    logs = [(tmp_path / f"home-{node}" / "log").read_text() for node in range(2)]
    assert codes == [0, 0], logs
    assert learned(out) == learned(ours[2])
    assert answers(out) == answers(ours[2])
    assert "2 processes, started by torchrun" in logs[0]
    assert "process 2 of 2 works for the first one" in logs[1]
    assert "cooperative" in logs[0]
    assert [path.name for path in (tmp_path / "home-1").iterdir()] == ["log"]


def test_two_processes_learn_and_answer_what_one_does_but_for_rounding(ours):
    for stage in STAGES:
        path = f"{stage}/final_model/adapter_model.safetensors"
        one, two = (load_file(ours[count] / path) for count in (1, 2))
        assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-5
    baseline = [
        [each for each in answers(ours[count]) if each[0] == "baseline"] for count in (1, 2)
    ]
    assert baseline[0] == baseline[1]


def test_accelerate_launch_joins_its_processes_too(world, ours, tmp_path):
    out = tmp_path / "out"
    words = ("launch", "--multi_gpu", "--num_processes", "2", "--mixed_precision", "bf16")
    words += ("--main_process_port", str(free_port()), "--no_python")
    command = [str(BIN / "accelerate"), *words, *pipeline(world, out)]
    assert ended([start(command, tmp_path / "home")]) == [0], (
        tmp_path / "home" / "log"
    ).read_text()
    assert learned(out) == learned(ours[2])


def test_a_killed_process_ends_the_run_and_it_resumes(world, tmp_path):
    out, home = tmp_path / "out", tmp_path / "home"
    agents = torchrun(world, home, out, epochs=60)
    checkpoints = out / "stage1" / "checkpoints"
    until = time.monotonic() + 400
    while not list(checkpoints.glob("step-*")):
        assert time.monotonic() < until, (tmp_path / "home-0" / "log").read_text()
        time.sleep(0.1)
    (other,) = psutil.Process(agents[1].pid).children()
    other.send_signal(signal.SIGKILL)
    assert all(ended(agents))
    log = (tmp_path / "home-0" / "log").read_text()
    assert "--resume" in log

    resumed = start(pipeline(world, out, "--resume", epochs=60), tmp_path / "again")
    assert ended([resumed]) == [0], (tmp_path / "again" / "log").read_text()
    assert "continues" in (tmp_path / "again" / "log").read_text()
