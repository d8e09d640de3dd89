"""Options of the commands that take a whole pipeline: `pipeline`, `estimate`, `submit`.

Those of `PipelineOptions` are made from its fields, so a command has a new field without further code.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from inspect import Parameter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from grice_core.cli.reading_options import EvalMaps, LayoutName, Maps, Scales, reading_of
from grice_core.errors import InputError
from grice_core.pipeline.options import Option, pipeline_options

if TYPE_CHECKING:
    from grice_core.data.layouts.opening import Reading
    from grice_core.recipes.config import Recipe

DEFAULT_RECIPE = "content-then-manner"

_INPUTS: dict[str, tuple[Any, Any]] = {
    "data": (
        Path,
        typer.Option(
            help="Preference pairs: a file, folder, pattern or hf:// address, or studio:NAME."
        ),
    ),
    "eval": (
        Path,
        typer.Option(
            "--eval",
            help="Evaluation prompts: a file of prompts or of pairs. Not given: --num-eval prompts are "
            "held out of --data.",
        ),
    ),
    "base": (str, typer.Option(help="Base model: a hub id or a folder.")),
    "detector": (
        str,
        typer.Option(
            help="Detector folder (see `grice detector import`), a hub id, or studio:NAME."
        ),
    ),
    "second_judge": (
        str,
        typer.Option(
            help="Another detector, named likewise, that judges all answers, too: the verdict then needs both."
        ),
    ),
}
"""Type and option of each."""
_CAN_LACK = ("eval", "second_judge")
"""The inputs that a command can do without."""
_JUDGES = ("detector", "second_judge")
_READINGS: dict[str, Any] = {
    "layout": LayoutName,
    "maps": Maps,
    "scales": Scales,
    "eval_maps": EvalMaps,
}
RecipeName = Annotated[str, typer.Option(help="Built-in recipe, YAML file, or studio:NAME.")]
RecipeOfChoice = Annotated[
    str | None,
    typer.Option(help=f"Built-in recipe, YAML file, or studio:NAME; {DEFAULT_RECIPE} if none."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Override a field: stage1.epochs=1."),
]
NumEval = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Evaluation prompts to use; if not given, the recipe's number (auto: 300, or as many as the "
        "data can spare).",
    ),
]


@dataclass(frozen=True)
class AskedPipeline:
    """What a command was given for a pipeline."""

    inputs: dict[str, Any]
    """Data, prompts, base and judges by the names of `PipelineConfig`; None if not given."""
    recipe: str | None
    overrides: tuple[str, ...]
    options: dict[str, Any]
    """Of `PipelineOptions`, by name."""
    readings: dict[str, "Reading"] = field(default_factory=dict)
    """How the files of data and prompts are read, where it is said."""

    @property
    def missing(self) -> list[str]:
        """The inputs that were not given, as options."""
        return [
            f"--{name}"
            for name, value in self.inputs.items()
            if value is None and name not in _CAN_LACK
        ]

    def chosen_recipe(self) -> "Recipe":
        """Raises: RecipeError."""
        from grice_core.pipeline.addresses import chosen_recipe

        return chosen_recipe(self.recipe or DEFAULT_RECIPE, self.overrides)

    def fields(self) -> dict[str, Any]:
        """All of it, by the names that `PipelineConfig` and the worker's requests have for it.

        Without evaluation prompts, some are held out of the data.

        What is addressed as `studio:NAME` still is: see `fetched` and `in_studio`.

        Raises: RecipeError.
        """
        from grice_core.pipeline.sources import UserFile

        chosen: dict[str, Any] = {**self.inputs, "recipe": self.chosen_recipe(), **self.options}
        for name, reading in self.readings.items():
            if chosen[name] is None:
                raise InputError(f"--{name}-map is about the file of --{name}, which is not given")
            chosen[name] = UserFile(chosen[name], reading)
        if chosen["eval"] is None:
            chosen |= {"eval": chosen["data"], "leakage": "hold-out"}
        return chosen

    @contextmanager
    def fetched(self) -> Iterator[dict[str, Any]]:
        """`fields` with local copies of what the studio keeps, for as long as the block runs.

        Raises: RecipeError, NotFoundError, StoreError.
        """
        from grice_core.pipeline.addresses import Addresses, is_address

        chosen = self.fields()
        with TemporaryDirectory() as folder:
            copies: dict[str, Any] = {}
            for name in [name for name in self.inputs if is_address(chosen[name])]:
                address, place = str(chosen[name]), Path(folder) / name
                if address not in copies:
                    place.mkdir()
                    copies[address] = (
                        str(Addresses.open().detector_folder(address, place / "detector"))
                        if name in _JUDGES
                        else Addresses.open().pairs(address, place)
                    )
                chosen[name] = copies[address]
            yield chosen

    def in_studio(self) -> dict[str, Any]:
        """`fields` with the studio's own data sets and detector where they are addressed.

        Raises: RecipeError, NotFoundError, StoreError.
        """
        from grice_core.pipeline.addresses import Addresses, is_address

        chosen = self.fields()
        for name in [name for name in self.inputs if is_address(chosen[name])]:
            addresses = Addresses.open()
            find = addresses.detector if name in _JUDGES else addresses.data_set
            chosen[name] = find(chosen[name])
        return chosen


def takes_pipeline(*, inputs_required: bool = True) -> Callable[[Callable[..., None]], Any]:
    """Give a command the options of a pipeline; its own parameter `asked` gets what was given.

    Args:
        inputs_required: whether it can't do without data, prompts, base and detector.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def with_options(**given: Any) -> None:
            command(asked=_asked(given), **given)

        own = [
            parameter.replace(annotation=hint, kind=Parameter.KEYWORD_ONLY)
            for parameter, hint in _own_parameters(command)
        ]
        # Those that are required first, as `--help` shows them.
        parameters = sorted([*_parameters(inputs_required=inputs_required), *own], key=_has_default)
        with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        with_options.__annotations__ = {each.name: each.annotation for each in parameters}
        return with_options

    return decorate


def _asked(given: dict[str, Any]) -> AskedPipeline:
    """Taken out of what a command was given."""
    inputs = {name: given.pop(name) for name in _INPUTS}
    recipe, overrides, num_eval = (given.pop(name) for name in ("recipe", "overrides", "num_eval"))
    changes = [*(overrides or [])]
    if num_eval is not None:
        changes.append(f"evaluation.num_prompts={num_eval}")
    options = {option.name: given.pop(option.name) for option in pipeline_options()}
    layout, maps, scales, eval_maps = (given.pop(name) for name in _READINGS)
    readings = {
        "data": reading_of(layout, maps, scales),
        "eval": reading_of(None, eval_maps, None),
    }
    said = {name: reading for name, reading in readings.items() if reading}
    return AskedPipeline(inputs, recipe, tuple(changes), options, said)


def _own_parameters(command: Callable[..., None]) -> list[tuple[Parameter, Any]]:
    hints = get_type_hints(command, include_extras=True)
    parameters = inspect.signature(command).parameters
    return [(parameters[name], hints[name]) for name in parameters if name != "asked"]


def _parameters(*, inputs_required: bool) -> list[Parameter]:
    """The inputs, how the recipe is named and changed, and every option."""
    inputs = [
        _parameter(name, Annotated[type_, option])
        if inputs_required and name not in _CAN_LACK
        else _parameter(name, Annotated[type_ | None, option], None)
        for name, (type_, option) in _INPUTS.items()
    ]
    recipe = [
        _parameter("recipe", RecipeName, DEFAULT_RECIPE)
        if inputs_required
        else _parameter("recipe", RecipeOfChoice, None),
        _parameter("overrides", Overrides, None),
        _parameter("num_eval", NumEval, None),
    ]
    options = [
        _parameter(option.name, _annotation(option), option.default)
        for option in pipeline_options()
    ]
    readings = [_parameter(name, annotation, None) for name, annotation in _READINGS.items()]
    return [*inputs, *recipe, *readings, *options]


def _parameter(name: str, annotation: Any, default: Any = Parameter.empty) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _has_default(parameter: Parameter) -> bool:
    return parameter.default is not Parameter.empty


def _annotation(option: Option) -> Any:
    """A field's type, with what Typer needs to know of it."""
    about = option.about
    if about.parse is not None:
        shown = typer.Option(parser=_parser(about.parse), metavar=about.metavar, help=about.help)
        return Annotated[Any, shown]
    if option.is_text:
        shown = typer.Option(callback=_at_most(option.at_most), help=about.help)
        return Annotated[option.type, shown]
    limited = typer.Option(min=option.at_least, max=option.at_most, help=about.help)
    return Annotated[option.type, limited]


def _at_most(length: int | None) -> Callable[[str | None], str | None]:
    """Refuses a text that is longer than that."""

    def check(text: str | None) -> str | None:
        if text is not None and length is not None and len(text) > length:
            raise typer.BadParameter(f"give at most {length} characters, not {len(text)}")
        return text

    return check


def _parser(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """The same with the error that Typer shows whole."""

    def parser(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return parser
