"""The settings of a recipe that people change most, one row per stage, and all others by name."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app.text.formatting import plain_markdown, stage_title
from app.url import params
from app.url.widget_keys import is_current, key_among, widget_key
from grice_core.evaluation.selection import AUTO_PROMPTS
from grice_core.objectives import OBJECTIVES
from grice_core.recipes.config import BetaRamp, Recipe, StageConfig

_CHANGE = "change"
"""In links: one changed setting each, as `--set` takes it."""
_IN_A_ROW = 2
"""Settings side by side: more would break their labels into several lines."""
_FORMATS = {
    "auto": "auto: in the base's chat template, if it has one",
    "plain": "as plain text",
    "chat": "in the base's chat template",
}
"""Of prompts, by the recipe's value."""
_KEPT_STEPS = {
    "last false": "the last one",
    "best false": "the best look at held-out pairs",
    "best true": "the best look, with early stop",
}
"""By the settings `keep` and `stop_when_retention_lost` of a stage."""
_KEPT_STEP_HELP = (
    "Held-out pairs are looked at every eval_steps steps. The best look gains most on the stage's maxims, less what "
    "it loses on the others. An early stop ends the stage where most pairs of another maxim have turned around."
)
_NUM_PROMPTS = f"auto: {AUTO_PROMPTS}, or as many as the data can spare. What so many can tell stands beside the form."


def stage_settings(recipe: Recipe) -> list[str]:
    """Show the settings; returns the changes, as `--set` takes them."""
    changes = params.get_all(_CHANGE)
    changed = _by_name(changes)
    for stage in recipe.stages:
        fields = _fields(stage, takes_over_steps=bool(recipe.control_stages))
        # A chosen loss may need a setting that the recipe's own does not.
        fields += _loss_settings(stage, changed.get(f"{stage.name}.loss_type", stage.loss_type))
        st.markdown(f"**{plain_markdown(stage_title(stage.name, stage.title))}**")
        places = [
            place for _ in range(0, len(fields) + 1, _IN_A_ROW) for place in st.columns(_IN_A_ROW)
        ]
        for place, (label, name, value) in zip(places, fields, strict=False):
            with place:
                _setting(label, f"{stage.name}.{name}", value, changed)
        with places[len(fields)]:
            _loss_type(stage, changed)
        _kept_step(stage, changed)
    names = (
        ("Evaluation prompts", "num_prompts", _NUM_PROMPTS),
        ("Max new tokens", "max_new_tokens", None),
    )
    for place, (label, name, explained) in zip(st.columns(2), names, strict=True):
        with place:
            value = str(getattr(recipe.evaluation, name))
            _setting(label, f"evaluation.{name}", value, changed, explained)
    _prompt_format(recipe, changed)
    _all_changes(changes)
    return changes


def _by_name(changes: Sequence[str]) -> dict[str, str]:
    """The changed values by the names of their settings."""
    return dict(change.split("=", 1) for change in changes if "=" in change)


def _fields(stage: StageConfig, *, takes_over_steps: bool) -> list[tuple[str, str, str]]:
    """Label, name and value of what is shown of a stage."""
    fields = [("learning rate", "learning_rate", f"{stage.learning_rate:g}")]
    if not isinstance(stage.beta, BetaRamp):
        fields.append(("beta", "beta", f"{stage.beta:g}"))
    if stage.num_steps is not None:
        fields.append(("steps", "num_steps", str(stage.num_steps)))
    elif not takes_over_steps:
        fields.append(("epochs", "epochs", str(stage.epochs)))
    return fields


def _loss_settings(stage: StageConfig, loss_type: str) -> list[tuple[str, str, str]]:
    """Label, name and value of what the loss of this name takes besides beta."""
    known = OBJECTIVES[loss_type].settings() if loss_type in OBJECTIVES else ()
    values = [(name, getattr(stage, name)) for name in known]
    own = [(_words(name), name, "" if value is None else f"{value:g}") for name, value in values]
    return [*own, ("SFT weight", "sft_weight", f"{stage.sft_weight:g}")]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _setting(
    label: str, name: str, usual: str, changed: dict[str, str], explained: str | None = None
) -> None:
    value = changed.get(name, usual)
    key = widget_key(f"launch {name}", value)
    st.text_input(label, value, key=key, help=explained, on_change=_keep, args=(name, key, usual))


def _prompt_format(recipe: Recipe, changed: dict[str, str]) -> None:
    usual = recipe.prompt_format
    _choice("How models are asked", "prompt_format", _FORMATS, usual, changed)


def _loss_type(stage: StageConfig, changed: dict[str, str]) -> None:
    name, usual = f"{stage.name}.loss_type", stage.loss_type
    losses = {each: kind.title for each, kind in OBJECTIVES.items()}
    chosen = OBJECTIVES.get(changed.get(name, usual))
    explained = f"`{chosen.equation}` ({chosen.source})" if chosen else None
    _choice("loss", name, losses, usual, changed, explained)


def _kept_step(stage: StageConfig, changed: dict[str, str]) -> None:
    """Which step is published: one widget for two settings, of which the second makes no sense without the first."""
    names = tuple(f"{stage.name}.{name}" for name in ("keep", "stop_when_retention_lost"))
    usual = stage.keep, str(stage.stop_when_retention_lost).lower()
    chosen = " ".join(changed.get(name, value) for name, value in zip(names, usual, strict=True))
    if chosen not in _KEPT_STEPS:
        return  # which the recipe's own check says
    key = key_among(f"launch {names[0]}", _KEPT_STEPS, chosen)

    def keep() -> None:
        if is_current(key):
            entered = zip(names, st.session_state[key].split(), usual, strict=True)
            _put({name: value for name, value, as_usual in entered if value != as_usual}, names)

    st.selectbox(
        "step that is kept",
        list(_KEPT_STEPS),
        list(_KEPT_STEPS).index(chosen),
        key=key,
        format_func=_KEPT_STEPS.__getitem__,
        help=_KEPT_STEP_HELP,
        on_change=keep,
    )


def _choice(
    label: str,
    name: str,
    options: Mapping[str, str],
    usual: str,
    changed: dict[str, str],
    explained: str | None = None,
) -> None:
    """A setting that is one of some values, which `options` says in words."""
    chosen = changed.get(name, usual)
    if chosen not in options:
        return  # which the recipe's own check says
    key = key_among(f"launch {name}", options, chosen)
    st.selectbox(
        label,
        list(options),
        list(options).index(chosen),
        key=key,
        format_func=options.__getitem__,
        help=explained,
        on_change=_keep,
        args=(name, key, usual),
    )


def _keep(name: str, key: str, usual: str) -> None:
    """Put a setting into the link, or out of it if it is as usual."""
    if is_current(key):
        entered = st.session_state[key].strip()
        _put({name: entered} if entered and entered != usual else {}, (name,))


def _put(values: Mapping[str, str], names: Sequence[str]) -> None:
    """Let these values stand in the link, and of these names no others."""
    kept = _by_name(params.get_all(_CHANGE))  # others may have been moved since
    kept = {name: value for name, value in kept.items() if name not in names} | dict(values)
    params.put(_CHANGE, [f"{name}={value}" for name, value in kept.items()])


def _all_changes(changes: list[str]) -> None:
    lines = "\n".join(changes)
    key = widget_key("launch changes", lines)

    def keep() -> None:
        if is_current(key):
            entered = st.session_state[key].splitlines()
            params.put(_CHANGE, [line.strip() for line in entered if line.strip()])

    st.text_area(
        "Recipe overrides, one per line",
        lines,
        key=key,
        placeholder="stage1.lora.r=8\nevaluation.temperature=0.9",
        height=90,
        on_change=keep,
    )
