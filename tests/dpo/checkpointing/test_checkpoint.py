import errno
import os
import shutil

import pytest
import torch

from grice_core.dpo.checkpointing.checkpoint import Checkpoint, CheckpointFolder
from grice_core.errors import OutputError


def checkpoint(step):
    tensors = {
        "adapter": {"a": torch.arange(6.0).view(2, 3) + step},
        "optimizer": {"a.step": torch.tensor(float(step))},
    }
    return Checkpoint(step, tensors, {"before": {"heldout/loss": 0.1}})


@pytest.fixture
def folder(tmp_path):
    return CheckpointFolder(tmp_path / "checkpoints")


def refuse(message):
    raise AssertionError(f"unexpected message: {message}")


def names(folder):
    return sorted(path.name for path in folder.path.iterdir())


def test_what_is_written_is_read(folder):
    folder.write(checkpoint(50))
    again = folder.latest(refuse)
    assert (again.step, again.notes) == (50, {"before": {"heldout/loss": 0.1}})
    for group, tensors in checkpoint(50).tensors.items():
        for name, tensor in tensors.items():
            assert torch.equal(again.tensors[group][name], tensor)


def test_an_empty_group_of_tensors_is_kept(folder):
    folder.write(Checkpoint(0, {"optimizer": {}}, {}))
    assert folder.latest(refuse).tensors == {"optimizer": {}}


def test_no_checkpoint_is_none(folder):
    assert folder.latest(refuse) is None


def test_two_are_kept_and_the_latest_is_taken(folder):
    for step in (50, 100, 1000):
        folder.write(checkpoint(step))
    assert names(folder) == ["step-00000100", "step-00001000"]
    assert folder.latest(refuse).step == 1000


def test_all_can_be_deleted(folder):
    folder.clear()
    folder.write(checkpoint(50))
    folder.clear()
    assert folder.latest(refuse) is None


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def delete(path):
    path.unlink()


FILES = ("adapter.safetensors", "optimizer.safetensors", "state.json", "manifest.json")


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, delete])
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(folder, file, damage):
    folder.write(checkpoint(50))
    folder.write(checkpoint(100))
    damage(folder.path / "step-00000100" / file)
    said = []
    assert folder.latest(said.append).step == 50
    assert len(said) == 1
    assert said[0].startswith(f"passed over the damaged checkpoint {folder.path}/step-00000100: ")


def test_every_byte_of_a_checkpoint_is_watched(folder):
    folder.write(checkpoint(50))
    whole = folder.path / "step-00000050"
    for path in whole.iterdir():
        good = path.read_bytes()
        for place in range(0, len(good), 7):
            path.write_bytes(good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :])
            assert folder.latest(lambda _: None) is None, (path.name, place)
        path.write_bytes(good)
    assert folder.latest(refuse).step == 50


def test_a_half_renamed_checkpoint_is_passed_over(folder):
    folder.write(checkpoint(50))
    (folder.path / "step-00000100").mkdir()
    shutil.copy(folder.path / "step-00000050" / "state.json", folder.path / "step-00000100")
    said = []
    assert folder.latest(said.append).step == 50
    assert "manifest.json" in said[0]


def test_a_crash_while_writing_leaves_nothing_that_counts_and_is_swept_up(folder):
    folder.write(checkpoint(50))
    shutil.copytree(folder.path / "step-00000050", folder.path / ".step-00000100.cafe")
    assert folder.latest(refuse).step == 50
    folder.write(checkpoint(100))
    assert names(folder) == ["step-00000050", "step-00000100"]


def test_a_damaged_checkpoint_is_replaced_when_its_step_is_reached_again(folder):
    for step in (50, 100, 150):
        folder.write(checkpoint(step))
    flip_a_bit(folder.path / "step-00000150" / "adapter.safetensors")
    folder.write(checkpoint(110))  # continued from 100, with another interval
    assert names(folder) == ["step-00000100", "step-00000110"]
    delete(folder.path / "step-00000110" / "manifest.json")
    folder.write(checkpoint(110))
    assert folder.latest(refuse).step == 110


def test_a_full_disk_leaves_the_checkpoint_before(folder, monkeypatch):
    folder.write(checkpoint(50))

    def no_space(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OutputError, match=r"No space left on device.*free some space.*--resume"):
        folder.write(checkpoint(100))
    assert names(folder) == ["step-00000050"]
    assert folder.latest(refuse).step == 50
