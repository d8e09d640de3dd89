"""A recipe is data: which pairs each stage learns from, and how.

Every number of the default recipe stands in `builtin/content-then-manner.yaml` or as a default here; `demo.yaml`
repeats its thresholds beside steps of its own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from grice_core.data.filters import LEAKS, OTHER_SOURCE, UNSCORED
from grice_core.data.per_maxim import PerMaxim, field_per_maxim
from grice_core.data.rules import FrozenModel, Rule
from grice_core.objectives import OBJECTIVES
from grice_core.recipes.samples import PairsFrom, SampleSettings, expanded

NAME_PATTERN = r"^[a-z][a-z0-9_-]*$"

PromptFormatName = Literal["auto", "plain", "chat"]
"""How models are asked: as text, or in the turns of their chat template; auto: in turns where the
tokenizer has a template."""

NumPrompts = Annotated[int, Field(ge=1)] | Literal["auto"]
"""How many prompts are evaluated; auto: as many as tell a usual improvement, within what the data can give."""


@field_per_maxim(Field(default=0.0, ge=0))
class MaximWeights(PerMaxim):
    """How much each maxim's data margin counts in a pair's weight."""

    @model_validator(mode="after")
    def _some_weight(self) -> Self:
        if not self.as_array().sum() > 0:
            raise ValueError("at least one maxim needs a weight above 0")
        return self


class LoraSettings(FrozenModel):
    """The low-rank adapter of a stage (arXiv 2106.09685)."""

    r: int = Field(default=16, ge=1)
    alpha: float = Field(default=32, gt=0)
    dropout: float = Field(default=0.05, ge=0, lt=1)
    target_modules: Literal["auto", "all-linear"] | tuple[str, ...] = "auto"
    """`auto`: GPT-2's `c_attn, c_proj, c_fc`, `all-linear` for any other architecture."""


class BetaRamp(FrozenModel):
    """A beta that goes linearly from `start` to `end` over the warm-up, then stays."""

    start: float = Field(gt=0)
    end: float = Field(gt=0)


def _unless_default(default: Any, **limits: Any) -> Any:
    """A field that is left out of a recipe's JSON where it has its default: such a recipe is what it was
    before the field existed, so that a pipeline that was asked for then is found again."""
    return Field(default=default, exclude_if=lambda value: value == default, **limits)


FORMER_NAMES = {"gradient_accumulation_steps": "accumulation", "eval_steps": "eval_every"}
"""What some settings of a stage were called; recipes and `--set` may still call them so."""


def _renamed(name: str, **arguments: Any) -> Any:
    """A field that is read under its former name too, and keeps it in JSON: digests of stored recipes,
    `run.json` and checkpoints stay what they were."""
    former = FORMER_NAMES[name]
    return Field(
        validation_alias=AliasChoices(name, former), serialization_alias=former, **arguments
    )


def _kind_of_beta(beta: Any) -> str:
    return "ramp" if isinstance(beta, Mapping | BetaRamp) else "constant"


Beta = Annotated[
    Annotated[float, Field(gt=0), Tag("constant")] | Annotated[BetaRamp, Tag("ramp")],
    Discriminator(_kind_of_beta),
]


def _known_objective(name: str) -> str:
    if name not in OBJECTIVES:
        known = ", ".join(map(repr, OBJECTIVES))
        raise ValueError(f"must be one of {known}, not {name!r}")
    return name


class StageConfig(FrozenModel):
    """One stage of preference training: its pairs, its weights, its loss, its training settings."""

    model_config = ConfigDict(serialize_by_alias=True)

    name: str = Field(pattern=NAME_PATTERN)
    title: str = Field(default="", pattern=r"^[\w -]*$")
    """What the stage teaches, in a word; used in file names (`stage1_content_train.json`)."""
    pairs_from: PairsFrom = _unless_default(
        "data", validation_alias=AliasChoices("from", "pairs_from"), serialization_alias="from"
    )
    """`from` in recipes. `model`: its pairs are sampled from the model as it stands before the stage."""
    samples: SampleSettings | None = _unless_default(None)
    """Of a stage `from: model`; None: the defaults."""
    rounds: int | None = _unless_default(None, ge=1)
    """Of a stage `from: model`: how often to sample and train; a recipe holds a stage for each."""
    round: int | None = _unless_default(None, ge=1)
    """Which of these rounds the stage is, from 1; filled in."""
    max_steps: int | None = _unless_default(None, ge=1)
    """Of a stage `from: model`: optimizer steps of all its rounds together."""
    filter: tuple[Rule, ...] = ()
    """All rules must hold; a dropped pair's reason is the first one that fails."""
    weights: MaximWeights
    lora: LoraSettings = LoraSettings()
    loss_type: Annotated[str, AfterValidator(_known_objective)] = _unless_default("dpo")
    """Name of the objective, among `OBJECTIVES`."""
    label_smoothing: float | None = _unless_default(None, gt=0, lt=0.5)
    """Of `robust`: the share of preferences that are believed to be flipped."""
    sft_weight: float = _unless_default(0.0, ge=0)
    """Weight of a term added to the loss: the cross-entropy per token of the chosen responses."""
    learning_rate: float = Field(gt=0)
    beta: Beta
    epochs: int = Field(default=2, ge=1)
    num_steps: int | None = Field(default=None, ge=1)
    """Optimizer steps to take, in place of `epochs`."""
    batch_size: int = Field(default=1, ge=1)
    gradient_accumulation_steps: int = _renamed("gradient_accumulation_steps", default=4, ge=1)
    """Pairs of one optimizer step = batch_size × gradient_accumulation_steps."""
    max_length: int = Field(default=512, ge=8)
    """Tokens of prompt + one response + end of text; the prompt is cut from its left."""
    weight_decay: float = Field(default=0.01, ge=0)
    warmup_steps: int = Field(default=100, ge=0)
    max_warmup_share: float = Field(default=0.1, ge=0, le=1)
    """The warm-up takes at most this share of all steps."""
    max_grad_norm: float = Field(default=1.0, gt=0)
    min_margin: float = Field(default=0.01, ge=0)
    """Data margins below this count as this in a pair's weight."""
    eval_steps: int = _renamed("eval_steps", default=25, ge=1)
    """Optimizer steps between two looks at the held-out pairs."""
    keep: Literal["last", "best"] = _unless_default("last")
    """Whose adapter is published: the last step's, or that of the best look at the held-out pairs."""
    stop_when_retention_lost: bool = _unless_default(default=False)
    """Whether the stage ends at a look that finds a maxim it does not train turned around."""

    @property
    def is_from_model(self) -> bool:
        return self.pairs_from == "model"

    @property
    def own_samples(self) -> SampleSettings:
        """How its pairs are sampled, if it takes them from the model."""
        return self.samples or SampleSettings()

    @property
    def pairs_per_step(self) -> int:
        return self.batch_size * self.gradient_accumulation_steps

    @property
    def file_stem(self) -> str:
        """How this stage's files are named, for instance `stage1_content`."""
        return "_".join(filter(None, [self.name, self.title.strip().replace(" ", "-")]))

    @property
    def loss(self) -> str:
        """What is minimised, in short: `dpo`, `robust (label_smoothing 0.1) + 0.2 · sft`."""
        parts = [
            f"{name} {getattr(self, name):g}" for name in OBJECTIVES[self.loss_type].settings()
        ]
        settings = f" ({', '.join(parts)})" if parts else ""
        sft = f" + {self.sft_weight:g} · sft" if self.sft_weight else ""
        return f"{self.loss_type}{settings}{sft}"

    @model_validator(mode="after")
    def _settings_of_the_loss(self) -> Self:
        taken = OBJECTIVES[self.loss_type].settings()
        for name in {name for kind in OBJECTIVES.values() for name in kind.settings()}:
            is_set = getattr(self, name) is not None
            if is_set and name not in taken:
                takers = [kind.name for kind in OBJECTIVES.values() if name in kind.settings()]
                raise ValueError(
                    f"{name} is a setting of loss_type {' and '.join(takers)}, not of "
                    f"{self.loss_type}: leave it out, or choose that loss_type"
                )
            if not is_set and name in taken:
                raise ValueError(f"{name} is missing, which loss_type {self.loss_type} needs")
        return self

    @model_validator(mode="after")
    def _settings_of_sampling(self) -> Self:
        names = ("samples", "rounds", "round", "max_steps")
        given = [name for name in names if getattr(self, name) is not None]
        if given and not self.is_from_model:
            raise ValueError(
                f"{given[0]} is a setting of a stage with `from: model`: add that, or leave it out"
            )
        return self

    @model_validator(mode="after")
    def _settings_of_stopping(self) -> Self:
        if self.stop_when_retention_lost and self.keep != "best":
            raise ValueError(
                "stop_when_retention_lost needs `keep: best`, else the step that lost it would be published: "
                "add that, or leave it out"
            )
        return self

    @model_validator(mode="after")
    def _distinct_reasons(self) -> Self:
        names = [rule.name for rule in self.filter]
        if doubled := _doubled(names):
            raise ValueError(f"two rules of the filter are named {doubled[0]!r}")
        if taken := {UNSCORED, LEAKS, OTHER_SOURCE}.intersection(names):
            raise ValueError(f"a rule can't be named {taken.pop()!r}, a reason of its own")
        return self


class EvaluationConfig(FrozenModel):
    """How models are sampled and what counts as success."""

    num_prompts: NumPrompts = "auto"
    temperature: float = Field(default=0.7, gt=0)
    top_p: float = Field(default=0.9, gt=0, le=1)
    max_new_tokens: int = Field(default=80, ge=1)
    min_cooperative: float = Field(default=0.60, ge=0, le=1)
    """Cooperative rate that the last stage must reach."""
    target_cooperative: float = Field(default=0.70, ge=0, le=1)
    """Cooperative rate that we hope for."""
    max_regression: float = Field(default=0.05, ge=0, le=1)
    """No maxim may be violated more often than in the baseline by more than this."""


class DdpSettings(FrozenModel):
    """Settings of torch's `DistributedDataParallel` that fit a gradient which is reduced once a step."""

    bucket_cap_mb: int = Field(default=25, ge=1)
    gradient_as_bucket_view: bool = False
    comm_hook: Literal["no", "fp16", "bf16"] = "no"
    """Number format in which gradients travel; any but `no` rounds them."""


class FsdpSettings(FrozenModel):
    """Settings of torch's `fully_shard` for the base model, of which each process holds a part."""

    reshard_after_forward: bool = True
    """Reshard after forward; all-gather again in backward."""
    tokens_per_pass: int = Field(default=2048, ge=1)
    """Tokens of one forward pass; a single pair may exceed it. Processes go through the layers together,
    so it can't shrink where memory runs out on one of them."""


class ParallelSettings(FrozenModel):
    """How several processes train together; which of them runs what is not a recipe's business."""

    ddp: DdpSettings = DdpSettings()
    fsdp: FsdpSettings | None = None
    """None: each process holds the whole base model."""
    timeout_s: int = Field(default=1800, ge=1)
    """How long a process waits for the others."""


class Recipe(FrozenModel):
    """An ordered list of stages, and how their result is judged."""

    name: str = Field(pattern=NAME_PATTERN)
    description: str = ""
    control_for: str | None = None
    """Recipe (built-in name or file) whose pairs and number of optimizer steps this one takes over."""
    holdout_share: float = Field(default=0.1, ge=0, lt=1)
    """Share of the prompts whose pairs are never trained on, but watched during training."""
    prompt_format: PromptFormatName = _unless_default("auto")
    stages: tuple[StageConfig, ...] = Field(min_length=1)
    evaluation: EvaluationConfig = EvaluationConfig()
    parallel: ParallelSettings | None = _unless_default(None)
    control_stages: tuple[StageConfig, ...] = ()
    """Stages whose optimizer steps this recipe's only stage takes over; filled in when the recipe is
    loaded, empty if the stage says its own `epochs` or `num_steps`."""

    @field_validator("stages")
    @classmethod
    def _a_stage_for_each_round(cls, stages: tuple[StageConfig, ...]) -> tuple[StageConfig, ...]:
        return tuple(expanded(stages))

    @model_validator(mode="after")
    def _distinct_stages(self) -> Self:
        if doubled := _doubled(stage.name for stage in self.stages):
            raise ValueError(f"two stages are named {doubled[0]!r}")
        if doubled := _doubled(stage.file_stem for stage in self.stages):
            raise ValueError(f"the files of two stages would be named {doubled[0]!r}")
        return self

    @model_validator(mode="after")
    def _pairs_to_choose_by(self) -> Self:
        choosing = [stage.name for stage in self.stages if stage.keep == "best"]
        if choosing and not self.holdout_share:
            raise ValueError(
                f"{choosing[0]} has `keep: best`, which chooses by held-out pairs: set holdout_share above 0"
            )
        return self


def _doubled(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
