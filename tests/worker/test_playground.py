"""Questions to a pipeline's models through the real server, answered by a real worker."""

import os
import signal
import subprocess

import pytest
import torch
from pydantic import ValidationError
from redis import Redis

from grice_core.detector.load import load_detector
from grice_core.errors import StoreError
from grice_core.registry import Keeper
from grice_core.store import runs
from grice_core.store.states import RunState
from tests.worker.asked import ask, short
from tests.worker.processes import alive, eventually
from worker.client import DetectorTrial, Standing
from worker.playground.board import ASKED, PlaygroundAnswer, PlaygroundBoard, PlaygroundRequest

PROMPT = "where do cats sleep?"


@pytest.fixture
def board(quiet_server):
    client = quiet_server.queue().redis
    client.flushall()
    return PlaygroundBoard(client)


def request(pipeline_id=1, **changes):
    return PlaygroundRequest(pipeline_id=pipeline_id, prompt=PROMPT, **changes)


def test_what_was_asked_is_taken_once_and_in_order(board):
    first, second = board.ask(request()), board.ask(request(seed=1))
    assert [board.take(0.1), board.take(0.1), board.take(0.1)] == [first, second, None]
    assert board.read(second).request.seed == 1


def test_a_request_that_has_to_make_room_comes_first_and_begins_anew(board):
    first = board.ask(request())
    board.ask(request())
    taken = board.take(0.1)
    board.say(taken, Standing.ANSWERING)
    assert board.write(taken, [PlaygroundAnswer(model="baseline", text="They sl")], [0])
    assert [answer.text for answer in board.read(taken).answers] == ["They sl"]

    board.hang_back(taken, "a run needs the device")

    view = board.read(first)
    assert (view.standing, view.remark) == (Standing.WAITING, "a run needs the device")
    assert view.answers == ()
    assert board.take(0.1) == first


def test_a_stopped_request_is_not_taken_and_nothing_more_is_written(board):
    waiting, begun = board.ask(request()), board.ask(request())
    board.stop(waiting)
    assert board.take(0.1) == begun
    board.stop(begun)
    board.say(begun, Standing.DONE)
    assert not board.write(begun, [PlaygroundAnswer(model="baseline", text="late")], [0])
    assert board.read(begun).standing is Standing.STOPPED
    assert board.read(begun).answers == ()


def test_a_request_without_a_sign_of_life_is_lost(board):
    asked = board.ask(request())
    assert board.read(asked).standing is Standing.WAITING
    assert board.take(0.1) == asked
    assert board.read(asked).standing is Standing.WAITING
    board.say(asked, Standing.ANSWERING)
    assert board.read(asked).standing is Standing.ANSWERING
    board.redis.delete(f"grice-playground:{asked}:alive")
    assert board.read(asked).standing is Standing.LOST


def test_what_others_write_there_is_no_request(board):
    board.redis.hset("grice-playground:forged", mapping={"standing": "done", "request": "{}"})
    board.redis.hset("grice-playground:worse", mapping={"standing": "x", "request": "\x80\x04."})
    assert board.read("forged") is None
    assert board.read("worse") is None
    assert board.read("never-made") is None


def test_without_the_server_it_is_said_what_to_do(tmp_path):
    nowhere = PlaygroundBoard(Redis(unix_socket_path=str(tmp_path / "nowhere.sock")))
    for attempt in (lambda: nowhere.ask(request()), lambda: nowhere.read("x")):
        with pytest.raises(StoreError, match=r"can't be reached.*`grice up`"):
            attempt()


@pytest.mark.parametrize(
    "change", [{"temperature": 0}, {"top_p": 1.1}, {"max_new_tokens": 0}, {"seed": -1}]
)
def test_settings_that_mean_nothing_are_refused(change):
    with pytest.raises(ValidationError):
        request(**change)


@pytest.fixture(scope="module")
def trained(quiet, world):
    """A pipeline that ran through."""
    asked = ask(quiet.queue(), world)
    asked.until_done()
    return asked


def answered(queue, asked):
    """The request once it is finished."""

    def look():
        view = queue.playground.read(asked)
        return view if view.standing.is_finished() else None

    return eventually(look, "the request is finished")


def process_of(worker):
    """The process that answers for this worker, if there is one."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(worker.pid)], capture_output=True, text=True
    ).stdout.splitlines()
    found = [int(line.split()[0]) for line in listed if "worker.playground" in line]
    return found[0] if found else None


def test_all_models_answer_and_are_judged_and_the_same_seed_gives_the_same_again(trained):
    board = PlaygroundBoard(trained.queue.redis)
    question = request(trained.pipeline_id, max_new_tokens=6)

    first, second = (answered(trained.queue, board.ask(question)) for _ in range(2))

    assert first.standing is Standing.DONE, first.remark
    assert [answer.model for answer in first.answers] == ["baseline", "stage1"]
    assert all(len(answer.scores) == len(answer.violated) == 4 for answer in first.answers)
    assert first.answers == second.answers


def test_a_detector_judges_each_response_as_it_does_without_a_queue(quiet, world):
    queue = quiet.queue()
    kept = Keeper(queue.database, queue.artifacts).keep_detector(world / "detector")
    responses = ("on the roof", "Bridges. By the way, I like fish.")
    trial = DetectorTrial(detector_sha256=kept.artifact_sha256, prompt=PROMPT, responses=responses)
    view = answered(queue, queue.playground.ask(trial))

    assert view.standing is Standing.DONE, view.remark
    assert tuple(answer.text for answer in view.answers) == responses
    detector = load_detector(str(world / "detector"), torch.device("cpu"))
    expected = detector.score([PROMPT] * 2, responses)
    for answer, scores in zip(view.answers, expected, strict=True):
        assert answer.scores == pytest.approx(scores, abs=1e-2)  # the worker may compute in bf16
        assert answer.violated == tuple(answer.scores > detector.thresholds)


def test_a_detector_that_is_not_there_is_said_so(quiet):
    queue = quiet.queue()
    trial = DetectorTrial(detector_sha256="0" * 64, prompt=PROMPT, responses=("yes",))
    view = answered(queue, queue.playground.ask(trial))
    assert view.standing is Standing.FAILED
    assert view.remark


def test_a_pipeline_that_is_not_there_is_said_so(trained):
    view = answered(trained.queue, trained.queue.playground.ask(request(9999)))
    assert view.standing is Standing.FAILED
    assert "9999" in view.remark


def test_the_models_leave_when_a_run_needs_the_device_and_come_back(quiet, trained, world):
    queue = quiet.queue()
    worker = quiet.workers[0]
    answered(queue, queue.playground.ask(request(trained.pipeline_id)))
    warm = process_of(worker)
    assert alive(warm)

    other = ask(queue, world, recipe=short())
    run = other.until("train", lambda run: run.state is RunState.RUNNING)
    assert not alive(warm)
    assert process_of(worker) is None
    waiting = queue.playground.ask(request(trained.pipeline_id))
    assert queue.playground.read(waiting).standing is Standing.WAITING
    other.until_done()

    assert answered(queue, waiting).standing is Standing.DONE
    assert runs.get(queue.database, run.id).attempt == 1


def test_a_killed_process_is_told_and_the_next_question_gets_another(quiet, trained):
    queue, worker = quiet.queue(), quiet.workers[0]
    answered(queue, queue.playground.ask(request(trained.pipeline_id)))
    os.kill(process_of(worker), signal.SIGKILL)
    view = answered(queue, queue.playground.ask(request(trained.pipeline_id)))
    assert view.standing is Standing.DONE
    assert queue.redis.llen(ASKED) == 0


def test_the_models_die_with_their_worker_and_another_answers(installation, world):
    worker = installation.stand()
    queue = installation.queue()
    asked = ask(queue, world)
    asked.until_done()
    answered(queue, queue.playground.ask(request(asked.pipeline_id)))
    warm = process_of(worker)
    long = queue.playground.ask(request(asked.pipeline_id, max_new_tokens=20))
    eventually(lambda: queue.playground.read(long).standing is not Standing.WAITING, "it has begun")
    worker.kill()
    worker.wait()
    eventually(lambda: not alive(warm), "the process is gone")
    # Anyone who was at it gives no sign of life, unless it was through already.
    assert answered(queue, long).standing in {Standing.LOST, Standing.DONE}

    installation.stand()
    assert answered(queue, queue.playground.ask(request(asked.pipeline_id))).answers
