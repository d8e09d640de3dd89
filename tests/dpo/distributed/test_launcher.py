"""What launchers say in the environment of the processes that they start."""

import pytest

from grice_core.dpo.distributed.launcher import RankPlace, first_host, place_of
from grice_core.errors import InputError

TORCH = {
    "RANK": "3",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "gpu7",
    "MASTER_PORT": "29500",
}
SLURM = {
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "1",
    "SLURM_JOB_ID": "123456",
    "SLURM_STEP_ID": "2",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_STEP_NODELIST": "gpu[07-08]",
}


def test_torchrun_says_it_whole_and_holds_the_store():
    place = RankPlace(3, 4, 29500, "gpu7", local_index=1)
    assert place_of(TORCH) == place
    held = place_of(TORCH | {"TORCHELASTIC_USE_AGENT_STORE": "True"})
    assert held is not None
    assert held.is_held


def test_slurm_says_who_and_where_and_the_job_decides_on_the_port():
    place = place_of(SLURM)
    assert place == RankPlace(3, 4, 23458, "gpu07", local_index=1, launcher="srun")
    assert place_of(SLURM | {"MASTER_ADDR": "head", "MASTER_PORT": "5000"}) == RankPlace(
        3, 4, 5000, "head", local_index=1, launcher="srun"
    )


def test_torchrun_started_by_srun_counts_before_it():
    assert place_of(SLURM | TORCH) == place_of(TORCH)


@pytest.mark.parametrize(
    "alone",
    [
        {},
        {"RANK": "0", "WORLD_SIZE": "1"},
        SLURM | {"SLURM_STEP_NUM_TASKS": "1"},
        # A batch script that does not call srun: it has tasks to give, but is no task.
        {"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_JOB_NODELIST": "gpu[07-08]"},
    ],
)
def test_a_process_may_be_alone(alone):
    assert place_of(alone) is None


def test_what_is_said_by_halves_is_refused():
    with pytest.raises(InputError, match="MASTER_ADDR and MASTER_PORT are not set"):
        place_of({"RANK": "0", "WORLD_SIZE": "2"})
    with pytest.raises(InputError, match="SLURM_PROCID must be a number, not None"):
        place_of({"SLURM_STEP_NUM_TASKS": "2"})
    with pytest.raises(InputError, match="WORLD_SIZE must be a number, not 'many'"):
        place_of(TORCH | {"WORLD_SIZE": "many"})


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("gpu7", "gpu7"),
        ("gpu[07-08]", "gpu07"),
        ("gpu[3,5-9],login", "gpu3"),
        ("a-b,c", "a-b"),
        ("rack[0-1]n[2-3]", "rack0n2"),
        ("n[1-2]-ib", "n1-ib"),
    ],
)
def test_the_first_host_of_slurms_list(nodes, first):
    assert first_host(nodes) == first
