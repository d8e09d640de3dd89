"""Which kernels run, and that everything that has to be exact is so without the fast ones."""

import os
import subprocess
import sys
import threading

import pytest
import torch

from grice_core.errors import InputError
from grice_core.kernels.choice import VARIABLE, plain_kernels, uses_plain
from grice_core.kernels.dropout import BulkDropout
from grice_core.kernels.gelu import FusedGELU
from tests.kernels.environment import kernels_set_to

EXACTNESS = (
    "tests/dpo/test_train.py::test_losses_and_gradients_equal_the_slow_reference[gpt2-shared]",
    "tests/dpo/test_logps.py",
    "tests/dpo/distributed/test_dropout_slices.py",
)
"""Little of what can be run so: most of a subprocess's seconds are imports."""


@pytest.mark.parametrize(("value", "plain"), [("", False), ("fast", False), ("plain", True)])
def test_the_environment_chooses(value, plain):
    with kernels_set_to(value):
        assert uses_plain() is plain


def test_anything_else_is_refused_in_a_sentence():
    sentence = "^GRICE_KERNELS is 'Plain': set it to fast or plain, or leave it unset$"
    with kernels_set_to("Plain"), pytest.raises(InputError, match=sentence):
        uses_plain()


def test_a_block_of_plain_kernels_ends_and_is_one_threads_own():
    seen = []
    with kernels_set_to("fast"):
        with plain_kernels():
            with plain_kernels():
                assert uses_plain()
            assert uses_plain()
            other = threading.Thread(target=lambda: seen.append(uses_plain()))
            other.start()
            other.join()
        assert seen == [False]
        assert not uses_plain()


def test_a_plain_twin_leaves_the_work_to_torch():
    x = torch.ones(8, requires_grad=True)
    operations = {}
    for value in ("fast", "plain"):
        with kernels_set_to(value):
            outputs = FusedGELU()(x), BulkDropout(0.5)(x)
        operations[value] = [type(out.grad_fn).__name__ for out in outputs]
    assert operations["fast"] == ["_SigmoidGELUBackward", "_DropBackward"]
    assert operations["plain"][0] == "GeluBackward0"
    assert operations["plain"][1] != "_DropBackward"


def test_training_is_exact_with_plain_kernels():
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *EXACTNESS],
        env=os.environ | {VARIABLE: "plain"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
