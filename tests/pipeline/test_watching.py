from grice_core.dpo.health import Trouble
from grice_core.dpo.history import HistoryFile
from grice_core.pipeline.config import Reporter
from grice_core.pipeline.watching import StageWatch


def record(step, chosen_logps, at_the_start=-40.0):
    return {
        "step": step,
        "loss": 0.5,
        "beta": 0.1,
        "rewards/chosen": 0.1 * (chosen_logps - at_the_start),
        "logps/chosen": chosen_logps,
        "logps/rejected": chosen_logps,
        "rewards/accuracies": 0.6,
        "heldout/loss": 0.6,
        "heldout/logps/chosen": chosen_logps,
        "heldout/rewards/accuracies": 0.6,
        "heldout/rewards/margins": 0.1,
    }


def test_each_kind_of_trouble_is_said_once(tmp_path):
    said = []
    with HistoryFile(tmp_path / "history.jsonl") as history:
        watch = StageWatch("stage1", history, Reporter(say=said.append))
        watchers = watch.watchers()
        watchers.on_start(0, record(0, -40.0))
        watchers.on_step(record(1, -41.0))
        assert said == []
        watchers.on_step(record(2, -100.0))
        watchers.on_step(record(3, -120.0))
    assert list(watch.troubles) == [Trouble.CHOSEN_COLLAPSE]
    assert len(said) == 1
    assert said[0].startswith("stage1: ")
