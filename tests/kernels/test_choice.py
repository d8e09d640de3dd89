"""Which kernels run, and that everything that has to be exact is so without the fast ones."""

import os
import subprocess
import sys
import threading

import pytest
import torch

from grice_core.errors import InputError
from grice_core.kernels import choice
from grice_core.kernels.choice import kernels_of_process, plain_kernels, uses_plain
from grice_core.kernels.dropout import BulkDropout
from grice_core.kernels.gelu import FusedGELU

EXACTNESS = (
    "tests/dpo/test_train.py::test_losses_and_gradients_equal_the_slow_reference[gpt2-shared]",
    "tests/dpo/test_logps.py",
    "tests/dpo/distributed/test_dropout_slices.py",
)
"""Little of what can be run so: most of a subprocess's seconds are imports."""


@pytest.fixture
def environment(monkeypatch):
    """Sets the variable, as if the process had started with it."""

    def set_to(value):
        monkeypatch.setenv(choice.VARIABLE, value)
        kernels_of_process.cache_clear()

    yield set_to
    monkeypatch.undo()
    kernels_of_process.cache_clear()


@pytest.mark.parametrize(("value", "plain"), [("", False), ("fast", False), ("plain", True)])
def test_the_environment_chooses(environment, value, plain):
    environment(value)
    assert uses_plain() is plain


def test_anything_else_is_refused_in_a_sentence(environment):
    environment("Plain")
    with pytest.raises(InputError, match=r"^GRICE_KERNELS is 'Plain': set it to fast or plain, or"):
        uses_plain()


def test_plain_kernels_are_those_of_a_block_in_a_thread(environment):
    environment("fast")
    seen = []
    with plain_kernels():
        with plain_kernels():
            assert uses_plain()
        assert uses_plain()
        other = threading.Thread(target=lambda: seen.append(uses_plain()))
        other.start()
        other.join()
    assert seen == [False]
    assert not uses_plain()


def test_a_plain_twin_leaves_the_work_to_torch(environment):
    x = torch.ones(8, requires_grad=True)
    operations = []
    for value in ("fast", "plain"):
        environment(value)
        operations.append([type(op(x).grad_fn).__name__ for op in (FusedGELU(), BulkDropout(0.5))])
    assert operations[0] == ["_SigmoidGELUBackward", "_DropBackward"]
    assert operations[1][0] == "GeluBackward0"
    assert not operations[1][1].startswith("_")


def test_training_is_exact_with_plain_kernels():
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *EXACTNESS],
        env=os.environ | {choice.VARIABLE: "plain"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
