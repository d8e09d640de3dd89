"""The other ranks, as the first one sees them; no process is started here."""

from dataclasses import replace

import pytest

from grice_core.dpo.distributed import rank_store
from grice_core.dpo.distributed.rank_store import RankStore
from grice_core.errors import InputError, InterruptedRunError, LostProcessError, ModelError
from grice_core.pipeline.carried import CarriedStages
from grice_core.pipeline.launch_ranks import count_processes
from grice_core.pipeline.other_ranks import OtherRanks
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.rank_code import RankCode
from grice_core.pipeline.rank_server import code_key, failed_key, ready_key
from tests.dpo.killable import CPU


@pytest.fixture
def store():
    return RankStore.on_this_machine(2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"versions": {"torch": "1.0"}}, "python None there, .* here"),
        ({"sources": "changed"}, "another source of grice_core there"),
    ],
)
def test_a_process_that_runs_another_code_is_refused(store, changes, words):
    own = RankCode.of_this_process()
    store.put(code_key(1), replace(own, host="far", **changes))
    with pytest.raises(InputError, match=rf"process 2 of 2 on far runs .*{words}.*install"):
        OtherRanks(store).join()


def test_one_that_runs_the_same_is_welcome_and_counts(store):
    own, others = RankCode.of_this_process(), OtherRanks(store)
    store.put(code_key(1), replace(own, host="far"))
    assert others.join() == [own.host, "far"]
    assert count_processes("auto", CPU, others) == count_processes(2, CPU, others) == 2
    with pytest.raises(InputError, match="--num-processes 3 beside the 2 processes"):
        count_processes(3, CPU, others)


def test_waiting_ends_when_all_are_ready_or_a_stop_is_asked_for(store):
    others = OtherRanks(store)
    others.give(None)
    with pytest.raises(InterruptedRunError):
        others.wait_until_ready(lambda: True)
    store.put(ready_key(0, 1), True)
    others.wait_until_ready(lambda: False)


def test_waiting_ends_when_one_falls_silent(store, monkeypatch):
    monkeypatch.setattr(rank_store, "GONE_AFTER_S", 0.0)
    with RankStore(replace(store.place, index=1)).beating():
        pass
    with pytest.raises(LostProcessError, match="process 2 of 2 is not heard of"):
        OtherRanks(store).wait_until(lambda: False, lambda: False)


def test_waiting_ends_when_one_says_that_it_failed(store):
    store.put(failed_key(1), "no such base")
    with pytest.raises(LostProcessError, match=r"process 2 of 2 ended: no such base.*--resume"):
        OtherRanks(store).wait_until(lambda: False, lambda: False)


def test_adapters_are_carried_and_whole_models_found(tmp_path):
    output = OutputFolder(tmp_path / "out")
    adapter, whole = (output.stage(name).final_model for name in ("stage1", "stage2"))
    adapter.mkdir(parents=True)
    whole.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text("{}")
    (adapter / "adapter_model.safetensors").write_bytes(b"weights")
    (whole / "model.safetensors").write_bytes(b"all weights")
    carried = CarriedStages.of(output, ("stage1", "stage2"))
    with carried.folder() as there:
        path = there.stage("stage1").final_model / "adapter_model.safetensors"
        assert path.read_bytes() == b"weights"
        path = there.stage("stage2").final_model / "model.safetensors"
        assert path.read_bytes() == b"all weights"
    whole.rename(tmp_path / "elsewhere")
    with (
        pytest.raises(ModelError, match=r"stage2 was published as a whole model.*all hosts share"),
        carried.folder(),
    ):
        pass
