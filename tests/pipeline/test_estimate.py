import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch

from grice_core.demo.project import write_demo_data
from grice_core.dpo.base import load_base
from grice_core.dpo.prefix_trees import num_shared_tokens
from grice_core.dpo.reference import weights_hash
from grice_core.dpo.train import StageTrainer
from grice_core.errors import DataError, PreflightError, TrainingError
from grice_core.evaluation.planning import criterion_power
from grice_core.maxims import MAXIMS
from grice_core.pipeline.encoded_stage import encode_stage
from grice_core.pipeline.estimate import (
    Estimate,
    ScoringEstimate,
    StageEstimate,
    estimate_pipeline,
)
from grice_core.pipeline.inputs import cut_inputs, read_inputs
from grice_core.pipeline.output import OutputFolder
from grice_core.pipeline.pace import NUM_MEASURED, Pace, measure_pace, stage_seconds
from grice_core.pipeline.parts import PipelineParts
from grice_core.pipeline.sources import open_pairs
from grice_core.progress import Reporter, silent
from grice_core.recipes.config import EvaluationConfig
from grice_core.recipes.load import load_recipe
from grice_core.recipes.variants import only_stages
from tests.pipeline.world import config, write_pairs


@pytest.fixture
def first_stage(world, tmp_path):
    """A base model, and its first stage as a job and as token ids."""
    asked = config(world, tmp_path / "out")
    parts = PipelineParts(asked)
    opened = open_pairs(asked.data, silent)
    inputs = cut_inputs(asked, opened, opened.table, Reporter())
    base, job = load_base(asked.base, parts.device), parts.stage_job(0, inputs)
    return base, job, encode_stage(base, job, Reporter())


def test_it_tells_the_pairs_steps_and_answers_of_the_pipeline_and_writes_nothing(
    finished, world, tmp_path
):
    estimated = estimate_pipeline(config(world, tmp_path / "out"), Reporter())
    truth = finished.record["stages"]
    assert [(s.name, s.num_train, s.num_heldout, s.num_steps) for s in estimated.stages] == [
        (s["name"], s["num_train"], s["num_heldout"], s["num_steps"]) for s in truth
    ]
    assert estimated.num_answers == 3 * 5
    assert estimated.seconds > sum(stage.seconds for stage in estimated.stages) > 0
    assert estimated.peak_bytes > 50 * 2**20
    assert list(tmp_path.iterdir()) == []
    json.dumps(estimated.document(), allow_nan=False)


ONE_PROCESS = """
import json, sys
from pathlib import Path
from grice_core.demo.project import demo_models
from grice_core.kernels.memory import peak_bytes
from grice_core.pipeline.config import PipelineConfig
from grice_core.progress import Reporter
from grice_core.pipeline.estimate import estimate_pipeline
from grice_core.pipeline.parts import PipelineParts
from grice_core.recipes.load import load_recipe

what, folder, options = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
models = demo_models()
config = PipelineConfig(
    data=folder / "pairs.json",
    eval=folder / "prompts.json",
    base=str(models.base),
    detector=str(models.detector),
    recipe=load_recipe("demo", ["stage1.num_steps=24", "evaluation.num_prompts=20"]),
    out=folder / "out",
    device="cpu",
    **options,
)
if what == "estimate":
    print(estimate_pipeline(config, Reporter()).peak_bytes)
else:
    parts = PipelineParts(config)
    parts.train("stage1")
    print(peak_bytes(parts.device))
"""


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param(
            {"precision": "bf16", "base_dtype": "bf16", "gradient_checkpointing": "on"},
            marks=pytest.mark.stack,
        ),
    ],
    ids=["usual", "compact"],
)
def test_the_memory_is_within_a_quarter_of_what_training_then_takes(tmp_path, options):
    """Each in a process of its own, as a worker does them."""
    score_pairs(write_demo_data(tmp_path, seed=0, num_pairs=400).pairs)
    (tmp_path / "out").mkdir()

    def peak(what: str) -> int:
        given = [what, str(tmp_path), json.dumps(options)]
        program = [sys.executable, "-W", "ignore", "-c", ONE_PROCESS, *given]
        run = subprocess.run(program, capture_output=True, text=True, check=True)
        return int(run.stdout.splitlines()[-1])

    said, truth = peak("estimate"), peak("train")
    assert 0.75 * truth < said < 1.25 * truth


def score_pairs(path: Path) -> None:
    """Score the pairs in a file, every second one on content, the others on manner."""
    rows = json.loads(path.read_text())
    good = dict.fromkeys(MAXIMS, 0.1)
    bad = ({"quantity": 0.9, "relation": 0.9}, {"manner": 0.9})
    for number, row in enumerate(rows):
        row |= {"chosen_scores": good, "rejected_scores": good | bad[number % 2]}
    path.write_text(json.dumps(rows))


def test_its_steps_teach_the_base_nothing(first_stage):
    base, job, encoded = first_stage
    before = weights_hash(base.model)
    pace = measure_pace(base, job, encoded, Reporter())
    assert weights_hash(base.model) == before
    assert min(pace.setup_s, pace.forward_s, pace.step_s) > 0


def test_it_measures_as_the_stage_would_be_trained(first_stage, monkeypatch):
    """With its layers computed again in backward, if they would be."""
    base, job, encoded = first_stage
    seen = []

    def asked(job):
        with monkeypatch.context() as patched:
            run = StageTrainer.take_step
            patched.setattr(
                StageTrainer,
                "take_step",
                lambda trainer, *rest: (
                    seen.append(trainer.compute.recomputes) or run(trainer, *rest)
                ),
            )
            measure_pace(base, job, encoded, Reporter())
        return seen.pop()

    assert not asked(job)
    assert asked(replace(job, gradient_checkpointing="on"))
    monkeypatch.setattr("grice_core.pipeline.fitting.free_bytes", lambda _device: 1000)
    assert asked(job)
    assert not asked(replace(job, gradient_checkpointing="off"))
    monkeypatch.setattr("grice_core.pipeline.fitting.can_checkpoint", lambda _policy: False)
    assert not asked(job)
    with pytest.raises(PreflightError, match="can't be computed again to the same gradients"):
        asked(replace(job, gradient_checkpointing="on"))


def test_a_few_steps_are_measured_whatever_the_length_of_the_stage(first_stage):
    base, job, encoded = first_stage
    progress = Mock()
    measure_pace(base, job, encoded, Reporter(progress))
    assert progress.call_args.args == ("measured steps", NUM_MEASURED + 1, NUM_MEASURED + 1)


def test_what_the_first_step_takes_longer_counts_once(first_stage, monkeypatch):
    base, job, encoded = first_stage
    now = 0.0
    take_step = StageTrainer.take_step

    def timed(trainer, batch, step, *rest):
        nonlocal now
        tokens = num_shared_tokens([trainer.examples.pairs[index] for index in batch])
        now += 0.5 * tokens + (7 if step == 0 else 0)
        return take_step(trainer, batch, step, *rest)

    monkeypatch.setattr("grice_core.pipeline.pace.time", Mock(perf_counter=lambda: now))
    monkeypatch.setattr(StageTrainer, "take_step", timed)
    assert measure_pace(base, job, encoded, Reporter()) == Pace(
        setup_s=pytest.approx(7), forward_s=0, step_s=pytest.approx(0.5)
    )


def test_a_stage_takes_its_set_up_its_passes_and_its_steps(first_stage):
    _, job, encoded = first_stage
    examples = encoded.examples
    train, watched = (
        sum(num_shared_tokens([examples.pairs[index]]) for index in indices)
        for indices in (examples.train, examples.watched["heldout"])
    )
    # Prompts are shared in a step and in a look at all pairs; the world's are never the same.
    everything = num_shared_tokens(examples.pairs)
    num_looks = 1 + -(-encoded.planned.num_steps // job.config.eval_steps)

    def seconds(**pace: float) -> float:
        return stage_seconds(
            Pace(**({"setup_s": 0, "forward_s": 0, "step_s": 0} | pace)), job, encoded
        )

    assert seconds(setup_s=3) == 3
    proven = num_shared_tokens([examples.pairs[index] for index in examples.train[:4]])
    most = everything + num_looks * watched + train + 4 * proven
    assert 0.8 * most <= seconds(forward_s=1) <= most
    assert seconds(step_s=1) <= job.config.epochs * train
    assert seconds(setup_s=1, forward_s=1, step_s=1) == (
        seconds(setup_s=1) + seconds(forward_s=1) + seconds(step_s=1)
    )


def test_twice_the_epochs_take_twice_the_steps_time(first_stage):
    _, job, encoded = first_stage
    pace = Pace(setup_s=0, forward_s=0, step_s=1)
    twice = job.config.model_copy(update={"epochs": 2 * job.config.epochs})
    longer = replace(encoded, planned=replace(encoded.planned, config=twice))
    assert stage_seconds(pace, job, longer) == pytest.approx(
        2 * stage_seconds(pace, job, encoded), rel=0.1
    )


def test_the_whole_is_the_sum_of_its_parts():
    power = criterion_power(EvaluationConfig(), 50)
    stages = tuple(StageEstimate(name, 10, 1, 5, 30.0) for name in ("stage1", "stage2"))
    estimated = Estimate(
        ScoringEstimate(7, 6.0, 1.0), stages, 15, 20.0, 4.0, 2**30, "cpu", "float32", power, ()
    )
    assert estimated.seconds == 90.0
    assert estimated.document()["seconds"] == 90.0


def test_pairs_without_scores_are_scored_as_the_pipeline_would(world, tmp_path):
    data = write_pairs(tmp_path / "pairs.json", scored=False)
    said = []
    asked = config(world, tmp_path / "out", data=data, recipe=_of_any_pairs())
    estimated = estimate_pipeline(asked, Reporter(say=said.append))
    inputs = read_inputs(
        asked, lambda: PipelineParts(asked).judges.detector, OutputFolder(tmp_path), Reporter()
    )
    (stage,), (planned,) = estimated.stages, inputs.stages
    assert (stage.num_train, stage.num_steps) == (len(planned.train_indices), planned.num_steps)
    assert estimated.scoring.num_pairs == len(inputs.table)
    assert estimated.seconds > estimated.scoring.seconds > 0
    assert any("come without scores: they are scored here, too" in sentence for sentence in said)


def _of_any_pairs():
    """One stage that keeps about half of the pairs, whatever the detector says."""
    recipe = load_recipe(
        "content-then-manner",
        [
            "stage1.filter.no strong signal.above=0",
            "stage1.filter.sum too small.above=0",
            "stage1.epochs=1",
            "evaluation.max_new_tokens=6",
            "evaluation.num_prompts=5",
        ],
    )
    return only_stages(recipe, ["stage1"])


def test_of_many_pairs_without_scores_a_sample_speaks_for_all(world, tmp_path, monkeypatch):
    data = write_pairs(tmp_path / "pairs.json", scored=False)
    num_pairs = len(json.loads(data.read_text()))
    monkeypatch.setattr("grice_core.pipeline.estimate.NUM_SCORED", num_pairs // 2)
    asked = config(world, tmp_path / "out", data=data, recipe=_of_any_pairs())
    estimated = estimate_pipeline(asked, Reporter())
    assert estimated.scoring.num_pairs == num_pairs
    assert estimated.scoring.growth == pytest.approx(2)
    assert StageEstimate("stage1", 10, 1, 5, 30.0).grown(2) == StageEstimate(
        "stage1", 20, 2, 10, 60.0
    )


def test_a_sample_that_gives_a_stage_too_little_refuses_nothing(world, tmp_path, monkeypatch):
    data = write_pairs(tmp_path / "pairs.json", scored=False)
    monkeypatch.setattr("grice_core.pipeline.estimate.NUM_SCORED", 2)
    asked = config(world, tmp_path / "out", data=data, recipe=_of_any_pairs())
    with pytest.raises(DataError, match=r"of the 2 pairs that have scores here.*All 48 may give"):
        estimate_pipeline(asked, Reporter())


def test_a_pair_that_does_not_fit_into_memory_is_named(first_stage, monkeypatch):
    base, job, encoded = first_stage
    monkeypatch.setattr(
        "grice_core.dpo.runner.pair_logps", Mock(side_effect=torch.OutOfMemoryError)
    )
    with pytest.raises(TrainingError, match="out of memory for a single pair"):
        measure_pace(base, job, encoded, Reporter())
