"""How a pipeline is run: each option once, with its type, limits, default and description.

`PipelineConfig`, the worker's requests and specs inherit these fields; the options of the commands and
the widgets of the Launch page are made from them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import Ge, Interval, MaxLen

NumProcesses = Annotated[int, Ge(1)] | Literal["auto"]
"""How many processes train and answer together; auto: one for each GPU that torch sees, on a CPU one."""
EvalBatch = Annotated[int, Ge(1)] | Literal["auto"]
"""How many answers are written at once; auto: as many as fit into a fixed share of the memory."""
BaseDtype = Literal["auto", "fp32", "bf16", "nf4"]
"""How a base's weights are held."""
Checkpointing = Literal["auto", "on", "off"]
"""Whether layers are computed again in backward."""
ReportTo = Literal["none", "tensorboard", "trackio", "mlflow", "wandb"]
"""Who gets each step's metrics besides `history.jsonl`."""


def parse_count(text: str) -> Annotated[int, Ge(1)] | Literal["auto"]:
    """A number of processes, or of answers, as it is typed.

    Raises: ValueError.
    """
    if text == "auto":
        return "auto"
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("give a whole number from 1, or auto")
    return int(text)


def parse_similarity(text: str) -> float:
    """From which similarity on two prompts count as one, as it is typed.

    Raises: ValueError.
    """
    try:
        similarity = float(text)
    except ValueError:
        similarity = 0.0
    if not 0.5 <= similarity <= 1:
        raise ValueError("give a number from 0.5 to 1")
    return similarity


@dataclass(frozen=True)
class About:
    """What a command's option and a form's widget need to know of a field besides its type."""

    label: str
    """Above the widget."""
    help: str
    """One or two sentences."""
    link: str = ""
    """Its name in the page's link, if not the field's."""
    parse: Callable[[str], Any] | None = None
    """Reads what is typed, where the type doesn't say how; raises ValueError."""
    metavar: str = ""
    """What a command's help calls that which is parsed."""
    choices: tuple[str, ...] = ()
    """What the form offers, where the type doesn't say what."""
    also_usual: tuple[object, ...] = ()
    """Values that ask for the same as the default."""
    identifies: bool = True
    """Whether another value makes it another pipeline."""


@dataclass(frozen=True, kw_only=True)
class PipelineOptions:
    """What may be chosen for a pipeline besides its inputs (data, prompts, base, detector, recipe)."""

    seed: Annotated[
        int,
        Interval(ge=0, le=2**31 - 1),
        About("Seed", "Decides adapter weights, data order, dropout, held-out pairs and sampling."),
    ] = 0
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        About(
            "Precision",
            "Number format of matrix products; auto: bf16 where the hardware is fast.",
        ),
    ] = "auto"
    base_dtype: Annotated[
        BaseDtype,
        About(
            "Base weights",
            "Number format in which the base's weights are held; auto: bf16 where matrix products run in "
            "bf16, which round them anyway. nf4: 4 bits, which makes it a slightly worse model in a quarter of "
            "the memory.",
        ),
    ] = "auto"
    gradient_checkpointing: Annotated[
        Checkpointing,
        About(
            "Gradient checkpointing",
            "Compute layers again in backward instead of keeping what they computed, for about a third more "
            "time; auto: where that would not fit into memory.",
        ),
    ] = "auto"
    leakage: Annotated[
        Literal["drop-eval", "hold-out", "drop-train", "keep"],
        About(
            "Prompts in both files",
            "Where prompts that stand in both files are left out. hold-out: those that are asked are "
            "left out of training, at most half of the training prompts.",
        ),
    ] = "drop-eval"
    leakage_similarity: Annotated[
        float,
        Interval(ge=0.5, le=1),
        About(
            "Prompts count as the same from similarity",
            "1: only the same ones. 0.8: also near-duplicates, which share most of their word triples.",
            link="similarity",
            parse=parse_similarity,
            metavar="0.5…1",
            choices=("1", "0.9", "0.8", "0.7", "0.6", "0.5"),
        ),
    ] = 1.0
    samples_per_prompt: Annotated[
        int,
        Ge(1),
        About(
            "Answers per prompt",
            "Responses of each model to each evaluation prompt. More of them narrow the intervals, "
            "though less than as many prompts would.",
            link="samples",
        ),
    ] = 1
    eval_batch: Annotated[
        EvalBatch,
        About(
            "Answers at once",
            "Answers that a model writes at once; auto: as many as fit into a fixed share of the memory. In fp32 no "
            "answer depends on it.",
            parse=parse_count,
            metavar="N|auto",
            choices=("auto", "16", "32", "64", "128"),
        ),
    ] = "auto"
    report_to: Annotated[
        ReportTo,
        About(
            "Also report to",
            "Also give each step's metrics to TensorBoard (stageN/events), Trackio, MLflow or Weights & Biases; "
            "all on this machine unless their own variables say otherwise.",
        ),
    ] = "none"
    sample_every: Annotated[
        int,
        Ge(0),
        About(
            "Answers while training, every … steps",
            "Ask the model in training a few held-out prompts every so many optimizer steps, to be read beside its "
            "curves (stageN/answers.jsonl); 0: never. Nothing that is learned depends on it.",
            metavar="N",
        ),
    ] = 0
    num_processes: Annotated[
        NumProcesses,
        About(
            "Processes",
            "Processes that train and answer together; auto: one for each GPU, on a CPU one.",
            link="processes",
            parse=parse_count,
            metavar="N|auto",
            choices=("auto", "1", "2", "4", "8"),
            also_usual=(1,),
        ),
    ] = "auto"

    run_name: Annotated[
        str | None,
        MaxLen(100),
        About(
            "Name",
            "Shown for the pipeline instead of “recipe on data”. Asking for the same again by another "
            "name gives the same pipeline, named as before.",
            link="name",
            identifies=False,
        ),
    ] = None

    def title(self, recipe: str, data: str) -> str:
        """What the pipeline is called, given the names of its recipe and of its data."""
        return self.run_name or f"{recipe} on {data}"

    def options(self) -> dict[str, Any]:
        """These options by name, without what a subclass adds."""
        return {option.name: getattr(self, option.name) for option in pipeline_options()}


@dataclass(frozen=True)
class Option:
    """One field of `PipelineOptions`, taken apart."""

    name: str
    type: Any
    """Without its metadata."""
    default: Any
    about: About
    at_least: int | None = None
    at_most: int | None = None
    """A text's length, or a number."""

    @property
    def flag(self) -> str:
        """Of a command: `--samples-per-prompt`."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def link(self) -> str:
        """Its name in the page's link."""
        return self.about.link or self.name

    @property
    def choices(self) -> tuple[str, ...]:
        """The values to choose among, as they are typed; none if any text or number will do."""
        return get_args(self.type) if get_origin(self.type) is Literal else self.about.choices

    @property
    def is_text(self) -> bool:
        """Whether any text will do, as long as it isn't too long."""
        return bool(self.type == str | None)

    def is_usual(self, value: object) -> bool:
        """Whether a value asks for the same as the default."""
        return value in (self.default, *self.about.also_usual)


@cache
def pipeline_options() -> tuple[Option, ...]:
    """All fields of `PipelineOptions`, in their order."""
    return options_of(PipelineOptions)


def options_of(kind: type[PipelineOptions]) -> tuple[Option, ...]:
    """All fields of a class of options, in their order.

    Raises: TypeError, if the form has no widget for one.
    """
    hints = get_type_hints(kind, include_extras=True)
    return tuple(_option(each.name, hints[each.name], each.default) for each in fields(kind))


def option(name: str) -> Option:
    """One field of `PipelineOptions`."""
    return next(each for each in pipeline_options() if each.name == name)


def identifying(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A stored spec without the options that ask for nothing unusual, or that only name it.

    So specs compare equal that were written before and after an option was added.
    """
    known = {each.name: each for each in pipeline_options()}
    return {
        name: value
        for name, value in spec.items()
        if name not in known or (known[name].about.identifies and not known[name].is_usual(value))
    }


def _option(name: str, hint: Any, default: Any) -> Option:
    """Raises: TypeError, if the form has no widget for its type."""
    type_, *metadata = get_args(hint)
    about = next(each for each in metadata if isinstance(each, About))
    has_widget = get_origin(type_) is Literal or about.choices or type_ in (int, str | None)
    if not has_widget:
        raise TypeError(
            f"{name}: the form shows choices, whole numbers and texts; make it a Literal, or give "
            "`choices` and `parse`"
        )
    at_least: Any = None
    at_most: Any = None
    for each in metadata:
        if isinstance(each, Ge | Interval):
            at_least = each.ge
        if isinstance(each, Interval):
            at_most = each.le
        if isinstance(each, MaxLen):
            at_most = each.max_length
    return Option(name, type_, default, about, at_least, at_most)
