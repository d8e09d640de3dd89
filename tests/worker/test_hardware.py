"""What a worker says about its device."""

import shutil

import pytest

from worker.hardware import Hardware, gpu_numbers, look_at_hardware, parse_gpus

GIB = 2**30


def test_what_nvidia_smi_says_is_read() -> None:
    found = parse_gpus("NVIDIA H100 80GB HBM3, 81559, 81004\n")
    assert found == Hardware("NVIDIA H100 80GB HBM3", 81559 * 2**20, 81004 * 2**20)


def test_a_name_with_a_comma_is_a_name() -> None:
    assert parse_gpus("Tesla, old, 100, 50").name == "Tesla, old"


@pytest.mark.parametrize("answer", ["", "No devices were found", "x, [N/A], [N/A]"])
def test_another_answer_is_refused(answer: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - int's and unpacking's own words
        parse_gpus(answer)


def test_this_machine_has_cores_and_memory() -> None:
    found = look_at_hardware(())
    assert "cores" in found.name
    if found.memory_bytes is not None and found.free_bytes is not None:
        assert 0 < found.free_bytes < found.memory_bytes < 100_000 * GIB


def test_of_several_gpus_the_one_with_the_least_room_counts() -> None:
    found = parse_gpus(
        "NVIDIA H100, 81559, 81004\nNVIDIA L4, 23034, 900\nNVIDIA H100, 81559, 700\n"
    )
    assert found == Hardware("2 × NVIDIA H100 + NVIDIA L4", 81559 * 2**20, 700 * 2**20)


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="there may be a GPU 99")
def test_a_gpu_that_can_not_be_asked_has_a_number_only() -> None:
    assert look_at_hardware((99,)) == Hardware("GPU 99", None, None)
    assert look_at_hardware((98, 99)) == Hardware("GPU 98,99", None, None)


@pytest.mark.parametrize(("given", "numbers"), [("0", (0,)), ("2,0", (2, 0)), (" 1, 3", (1, 3))])
def test_gpus_are_named_by_their_numbers(given: str, numbers: tuple[int, ...]) -> None:
    assert gpu_numbers(given) == numbers


@pytest.mark.parametrize("given", ["x", "", "0,0", "-1", "0,,1", "1.5", "ALL"])
def test_what_names_no_gpu_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"GPU"):
        gpu_numbers(given)


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="all GPUs are known")
def test_all_gpus_that_can_not_be_found_out_are_refused() -> None:
    with pytest.raises(OSError, match="give their numbers"):
        gpu_numbers("all")
