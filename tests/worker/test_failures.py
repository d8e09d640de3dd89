import errno
from pathlib import Path

import pytest
from safetensors import SafetensorError

from grice_core.errors import ArtifactError, LostProcessError, OutputError, TrainingError
from worker.failures import in_words, without_folders


def chained(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT])
def test_a_full_disk_is_told_wherever_it_was_noticed(number):
    cause = OSError(number, "no room")
    written_in_rust = SafetensorError(f"I/O error: no room (os error {number})")
    chain = chained(OutputError("can't write a checkpoint"), cause)
    for error in (cause, chain, written_in_rust):
        sentence = in_words(error, 7)
        assert "the disk is full" in sentence
        assert "grice runs resume 7" in sentence


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_out_of_memory_says_what_to_lower(error):
    assert "lower the stage's batch_size" in in_words(error, 7)


def test_a_lost_artifact_says_how_it_comes_back():
    sentence = in_words(ArtifactError("artifacts has no file objects/5c/5c01"), 7)
    assert sentence.startswith("artifacts has no file objects/5c/5c01; ")
    assert "submit the same files again" in sentence
    assert "grice runs resume 7" in sentence


def test_a_lost_process_says_how_the_run_goes_on():
    assert in_words(LostProcessError("process 2 of 2 was killed (SIGKILL)"), 7) == (
        "process 2 of 2 was killed (SIGKILL); `grice runs resume 7` continues from the last checkpoint"
    )


def test_our_own_errors_speak_for_themselves():
    assert in_words(TrainingError("the loss is NaN: lower learning_rate"), 7) == (
        "the loss is NaN: lower learning_rate"
    )


def test_what_nobody_expected_names_its_kind_and_the_log():
    sentence = in_words(ZeroDivisionError("division by zero\nmore"), 7)
    assert sentence == "unexpected ZeroDivisionError: division by zero; its log shows where"


def test_a_users_file_is_called_what_the_user_called_it():
    home = Path("/home/ada/my work")
    path = home / "work" / "7" / "0" / "attempt-1" / "inputs" / ("a" * 64) / "half.pt"
    assert without_folders(f"{path} is cut off", home) == "half.pt is cut off"
    assert (
        without_folders("data/inputs/half.pt is cut off", home) == "data/inputs/half.pt is cut off"
    )
