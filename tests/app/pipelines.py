"""A store with pipelines in every state, filled through the store's own functions."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.state.studio import Studio
from grice_core.evaluation.results import (
    EVALUATION_FILE,
    RESULTS_FILE,
    Evaluation,
    write_evaluation,
)
from grice_core.evaluation.sampling import Sampling
from grice_core.evaluation.second_judge import SecondOpinion
from grice_core.evaluation.selection import PromptSelection
from grice_core.evaluation.violations import EvaluatedModel
from grice_core.maxims import MAXIMS
from grice_core.progress import SampledAnswer
from grice_core.recipes.load import load_recipe
from grice_core.registry import Keeper
from grice_core.store import (
    generations,
    logs,
    metrics,
    recipes,
    references,
    runs,
    sampled_answers,
    submission,
    transitions,
)
from grice_core.store.claims import Claim
from grice_core.store.generations import Answer, Judgement
from grice_core.store.metrics import MetricRow
from grice_core.store.states import RunKind
from grice_core.store.submission import PipelineDraft, RunDraft
from grice_core.store.tables import DataSet, JsonObject, Run
from tests.app.samples import write_pairs_file, write_unscored_file
from worker.round_report import RoundReport
from worker.spec import PipelineSpec, StoredData

NUM_PROMPTS = 80
NUM_STEPS = 100
STEPS_DONE = 40
WATCHED = ("What is the bridge made of?", "Who built the *ferry*?")
KEPT_STEP: JsonObject = {
    "step": 80,
    "last_step": NUM_STEPS,
    "num_planned": NUM_STEPS,
    "said": ["step 80 of 100 is kept, the best of 2 looks at held-out pairs"],
    "candidates": [
        {
            "step": step,
            "score": score,
            "accuracies": {"quantity": 0.7, "manner": manner},
            "gains": {"quantity": score, "manner": manner - 0.5},
            "lost": lost,
            "on_front": not lost,
        }
        for step, score, manner, lost in ((80, 0.2, 0.55, []), (100, 0.1, 0.3, ["manner"]))
    ],
}
"""Of a stage that chose among two looks, at the second of which it had lost manner."""


@dataclass
class Filler:
    """Puts pipelines into a store."""

    studio: Studio
    folder: Path
    data: DataSet = field(init=False)
    prompts: DataSet = field(init=False)
    num_prompts: int = NUM_PROMPTS
    """How many of them the models are asked."""
    topic: str = "bridge"
    """What the models are asked about."""
    by_second: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """By a second judge: per model how often it violates each maxim; empty: there is none."""

    def __post_init__(self) -> None:
        keeper = Keeper(self.studio.database, self.studio.artifacts)
        pairs = write_pairs_file(self.folder / "scored.json")
        prompts = write_unscored_file(self.folder / "held-out.json")
        self.data = keeper.keep_pairs(pairs, "scored.json")
        self.prompts = keeper.keep_prompts(prompts, "held-out.json")

    def pipeline(self, recipe_name: str, seed: int = 0, *overrides: str) -> int:
        """A pipeline that waits."""
        recipe = load_recipe(recipe_name, overrides)
        spec = PipelineSpec(
            data=StoredData.of(self.data),
            eval=StoredData.of(self.prompts),
            base="gpt2-medium",
            detector="org/detector",
            recipe=recipe,
            seed=seed,
        )
        body = recipe.model_dump(mode="json")
        return submission.submit(
            self.studio.database,
            PipelineDraft(
                key=f"pipeline-{spec.digest}",
                name=f"{recipe.name} on {self.data.name}",
                recipe_id=recipes.save(self.studio.database, recipe.name, body),
                data_set_id=self.data.id,
                eval_data_set_id=self.prompts.id,
                base=spec.base,
                spec=spec.document(),
                runs=_chain(spec),
            ),
        )

    def finished(self, recipe_name: str, rates: dict[str, tuple[float, ...]], seed: int = 0) -> int:
        """A pipeline that is done; `rates`: per model how often it violates each maxim."""
        pipeline_id = self.pipeline(recipe_name, seed)
        for run in runs.of_pipeline(self.studio.database, pipeline_id):
            claim = self._claim(run)
            result: JsonObject = {}
            if run.stage:
                self._train(claim, NUM_STEPS)
                result = {"checkpoint": KEPT_STEP}
                folder = _adapter(self.folder / f"adapter-{run.id}")
                address = self.studio.artifacts.put_folder(folder)
                references.attach(self.studio.database, claim, "adapter", address)
            if run.kind is RunKind.EVALUATE:
                output = self._evaluated(pipeline_id, recipe_name, seed, rates)
                self._keep_answers(claim, rates)
                address = self.studio.artifacts.put_folder(output)
                references.attach(self.studio.database, claim, "output", address)
                document = json.loads((output / EVALUATION_FILE).read_text())
                percent = json.loads((output / RESULTS_FILE).read_text())
                result = {"verdict": document["verdict"], "percent": percent}
            transitions.finish(self.studio.database, claim, result)
        return pipeline_id

    def training(self, pipeline_id: int, num_steps: int = STEPS_DONE) -> Claim:
        """Let a pipeline come as far as these steps of its first stage; it keeps running."""
        scoring, stage, *_ = runs.of_pipeline(self.studio.database, pipeline_id)
        transitions.finish(self.studio.database, self._claim(scoring), {})
        claim = self._claim(stage)
        self._train(claim, num_steps)
        log = self.folder / "job.log"
        log.write_text("".join(f"line {number} of <b>the log</b>\n" for number in range(30)))
        logs.publish(self.studio.database, self.studio.artifacts.objects, claim, log)
        return claim

    def round(self, pipeline_id: int) -> RoundReport:
        """Let a pipeline come as far as its first round, which has begun."""
        for run in runs.of_pipeline(self.studio.database, pipeline_id):
            claim = self._claim(run)
            if (run.stage or "").startswith("round"):
                return RoundReport(self.studio.database, claim, None)
            transitions.finish(self.studio.database, claim, {})
        raise AssertionError(f"pipeline {pipeline_id} has no rounds")

    def _claim(self, run: Run) -> Claim:
        claim = transitions.claim(self.studio.database, run.id, "host:1", lease_s=3600)
        assert claim is not None
        return claim

    def _train(self, claim: Claim, num_steps: int) -> None:
        rows = [MetricRow(step, numbers(step)) for step in range(1, num_steps + 1)]
        metrics.record(self.studio.database, claim, rows, NUM_STEPS)
        answers = [
            SampledAnswer(step, place, prompt, f"Steel, I <i>think</i>, after {step} steps.")
            for step in range(0, num_steps + 1, 20)
            for place, prompt in enumerate(WATCHED)
        ]
        sampled_answers.record(self.studio.database, claim, answers)

    def _keep_answers(self, claim: Claim, rates: dict[str, tuple[float, ...]]) -> None:
        for name, of_model in rates.items():
            model = _model(name, of_model, self.num_prompts, self.topic)
            generations.replace(self.studio.database, claim, name, _answers(model))

    def _evaluated(
        self, pipeline_id: int, recipe: str, seed: int, rates: dict[str, tuple[float, ...]]
    ) -> Path:
        folder = self.folder / f"out-{pipeline_id}"
        folder.mkdir()
        models = tuple(
            _model(name, of_model, self.num_prompts, self.topic) for name, of_model in rates.items()
        )
        config = load_recipe(recipe).evaluation
        prompts = tuple(models[0].prompts)
        plain, no_tools = (None,) * len(prompts), ((),) * len(prompts)
        selection = PromptSelection(
            prompts, plain, no_tools, "drop-eval", len(prompts), len(prompts), 0, 0
        )
        again = [
            _model(name, of_model, self.num_prompts, self.topic)
            for name, of_model in self.by_second.items()
        ]
        second = SecondOpinion("trained on other labels", "f" * 64, tuple(again)) if again else None
        sampling = Sampling.of(config, seed)
        write_evaluation(folder, Evaluation(models, selection, sampling, config, second=second))
        for model in models[1:]:
            _adapter(folder / model.name / "final_model")
        (folder / "run.json").write_text(json.dumps({"recipe": {"name": recipe}, "seed": seed}))
        return folder


def numbers(step: int) -> dict[str, float]:
    """A training that goes well."""
    learned = 1 - math.exp(-step / 30)
    found = {
        "loss": 0.69 - 0.3 * learned + 0.03 * math.sin(step),
        "loss/quantity": 0.35 - 0.15 * learned,
        "loss/relation": 0.34 - 0.15 * learned,
        "rewards/chosen": 0.2 * learned,
        "rewards/rejected": -0.4 * learned,
        "rewards/margins": 0.6 * learned,
        "rewards/accuracies": 0.5 + 0.4 * learned,
        "logps/chosen": -60 - 2 * learned,
        "logps/rejected": -55 - 9 * learned,
        "learning_rate": 5e-5 * min(step / 10, 1) * (1 - step / NUM_STEPS),
        "beta": 0.05,
        "grad_norm": 1.5 - learned,
        "tokens_per_s": 1500.0 + step,
    }
    if step % 20 == 0:
        found["heldout/rewards/accuracies"] = 0.5 + 0.25 * learned
        found["heldout/rewards/margins"] = 0.4 * learned
    return found


def _adapter(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text('{"r": 16}')
    (folder / "README.md").write_text("# The adapter's card\n")
    return folder


def _chain(spec: PipelineSpec) -> list[RunDraft]:
    steps: list[tuple[RunKind, str | None]] = [
        (RunKind.SCORE, None),
        *((RunKind.TRAIN, stage.name) for stage in spec.recipe.stages),
        (RunKind.EVALUATE, None),
        (RunKind.EXPORT, None),
    ]
    drafts: list[RunDraft] = []
    for kind, stage in steps:
        parents = (drafts[-1].key,) if drafts else ()
        key = f"{spec.digest}:{kind}:{stage}"
        drafts.append(RunDraft(key, kind, spec.document(), stage=stage, parents=parents))
    return drafts


def _answers(model: EvaluatedModel) -> list[Answer]:
    return [
        Answer(
            index,
            model.prompts[index],
            model.responses[index],
            {
                maxim: Judgement(
                    float(model.scores[index, maxim.column]),
                    bool(model.violated[index, maxim.column]),
                )
                for maxim in MAXIMS
            },
        )
        for index in range(len(model.prompts))
    ]


def _model(name: str, rates: tuple[float, ...], num_prompts: int, topic: str) -> EvaluatedModel:
    """The same luck for every model: prompt i violates a maxim if its number is below the rate."""
    luck = np.random.default_rng(0).random((num_prompts, len(MAXIMS)))
    scores = np.where(luck < np.array(rates), 0.6 + 0.4 * luck, 0.4 * luck)
    return EvaluatedModel(
        name=name,
        prompts=[f"Context: we spoke of {topic} {i}. Reply:" for i in range(num_prompts)],
        responses=[
            f"{topic.title()} {i} <b>is</b> *made* of steel, says {name}."
            for i in range(num_prompts)
        ],
        scores=scores,
        thresholds=np.full(len(MAXIMS), 0.5),
    )


BASELINE = (0.35, 0.2, 0.3, 0.4)
STAGED = {
    "baseline": BASELINE,
    "stage1": (0.02, 0.2, 0.05, 0.38),
    "stage2": (0.12, 0.1, 0.05, 0.08),
}
CURED = {"baseline": BASELINE, "stage1": (0.02, 0.1, 0.05, 0.3), "stage2": (0.02, 0.02, 0.03, 0.05)}
DAMAGED = {
    "baseline": BASELINE,
    "stage1": (0.02, 0.1, 0.05, 0.3),
    "stage2": (0.45, 0.02, 0.03, 0.05),
}
"""Stage 2 loses what stage 1 had gained on quantity."""
BY_SECOND = {
    "baseline": BASELINE,
    "stage1": (0.03, 0.12, 0.06, 0.32),
    "stage2": (0.03, 0.03, 0.04, 0.48),
}
"""What a second judge makes of `CURED`: manner is worse than it was."""
JOINT = {"baseline": BASELINE, "joint": (0.1, 0.25, 0.1, 0.2)}


def fill_with_doubts(studio: Studio, folder: Path) -> None:
    """Pipeline 1 was judged on 10 prompts, 2 on 100; 3 too, and its second stage damages quantity; 4 by a
    second judge as well, who does not see that manner got better."""
    few = Filler(studio, folder, num_prompts=10)
    few.finished("content-then-manner", CURED)
    many = Filler(studio, folder, num_prompts=100)
    many.finished("content-then-manner", CURED, seed=1)
    many.finished("content-then-manner", DAMAGED, seed=2)
    twice = Filler(studio, folder, num_prompts=100, topic="ferry", by_second=BY_SECOND)
    twice.finished("content-then-manner", CURED, seed=3)


def fill(studio: Studio, folder: Path) -> None:
    """Pipelines 1 and 2 are done, 3 is in its first stage, 4 waits."""
    filler = Filler(studio, folder)
    filler.finished("content-then-manner", STAGED)
    filler.finished("joint", JOINT, seed=1)
    filler.training(filler.pipeline("content-then-manner", 2, "stage1.learning_rate=1e-4"))
    filler.pipeline("joint", 3)
