import subprocess
import sys

from worker.presence import is_dead, new_owner, present

HOLD = """
import sys
from pathlib import Path
from worker.presence import present
with present(Path(sys.argv[1]), sys.argv[2]):
    print("here", flush=True)
    sys.stdin.read()
"""


def test_a_worker_is_alive_until_it_is_killed(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), "host:1:a"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout.readline() == b"here\n"
        assert not is_dead(tmp_path, "host:1:a")
        process.kill()
        process.wait()
        assert is_dead(tmp_path, "host:1:a")


def test_a_worker_of_another_home_is_not_taken_for_dead(tmp_path):
    assert not is_dead(tmp_path, "elsewhere:1:b")


def test_a_worker_that_ended_in_good_order_leaves_nothing(tmp_path):
    with present(tmp_path, "host:2:c"):
        pass
    assert list((tmp_path / "workers").iterdir()) == []


def test_no_two_workers_have_the_same_name():
    assert new_owner() != new_owner()
