"""What a worker says about its device."""

import shutil

import pytest

from worker.hardware import Hardware, look_at_hardware, parse_gpu

GIB = 2**30


def test_what_nvidia_smi_says_is_read() -> None:
    found = parse_gpu("NVIDIA H100 80GB HBM3, 81559, 81004\n")
    assert found == Hardware("NVIDIA H100 80GB HBM3", 81559 * 2**20, 81004 * 2**20)


def test_a_name_with_a_comma_is_a_name() -> None:
    assert parse_gpu("Tesla, old, 100, 50").name == "Tesla, old"


@pytest.mark.parametrize("answer", ["", "No devices were found", "x, [N/A], [N/A]"])
def test_another_answer_is_refused(answer: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - int's and unpacking's own words
        parse_gpu(answer)


def test_this_machine_has_cores_and_memory() -> None:
    found = look_at_hardware(None)
    assert "cores" in found.name
    if found.memory_bytes is not None and found.free_bytes is not None:
        assert 0 < found.free_bytes < found.memory_bytes < 100_000 * GIB


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="there may be a GPU 99")
def test_a_gpu_that_can_not_be_asked_has_a_number_only() -> None:
    assert look_at_hardware(99) == Hardware("GPU 99", None, None)
