"""Where a launch begins: with what an earlier pipeline was asked for, or with a preset.

All that the form says stands in the link, so a start is nothing but a filled-in link.
"""

from collections.abc import Mapping
from contextlib import suppress

import streamlit as st

from app.state import demo
from app.state.session import known_data_sets, studio
from app.state.stored_spec import reading
from app.state.threshold_edits import Cut
from app.state.worked_on import evaluated_on, work_on, worked_on
from app.url import params
from grice_core.demo.project import RECIPE as DEMO_RECIPE
from grice_core.demo.project import demo_models
from grice_core.errors import DataError, InputError
from grice_core.pipeline.options import pipeline_options
from grice_core.recipes.load import builtin_names
from grice_core.store import detectors, pipelines
from grice_core.store.pipelines import PipelineSummary
from grice_core.store.tables import JsonObject, Pipeline

Link = dict[str, str | list[str]]

_OF_TRAINED = ("what", "stages", "trained")
"""What makes sense for the very thresholds that it was chosen for."""
_RECIPE_THEN = "recipe of the form"
"""Which recipe and thresholds the form had when it was remembered."""
PRESET, EARLIER = "preset ", "pipeline "
_GUIDE_BASE = "gpt2-medium"
SECOND_JUDGE = "second_judge"
"""In links: the judge beside the detector."""
_FORM = ("eval", "recipe", "base", "detector", SECOND_JUDGE, "device")
"""Besides the pipeline's options."""
_SETTINGS = ("change", "what", "stages", "trained", "joint", "repeats", "judge", "judge2")
_CHANGES = ("set", *_SETTINGS)
"""What a start takes out of the link; the data set stays unless the start names one."""


def starts(known: Mapping[int, PipelineSummary]) -> dict[str, str]:
    """What one may begin with: by its key, what to call it."""
    earlier = {
        f"{EARLIER}{number}": f"pipeline {number} · {found.pipeline.name}"
        for number, found in known.items()
    }
    return earlier | {f"{PRESET}{name}": f"preset {name}" for name in builtin_names()}


def begin_with(start: str) -> None:
    """Fill the form with a start; what was chosen before is forgotten."""
    params.drop(*_FORM, *_CHANGES, *(option.link for option in pipeline_options()))
    st.session_state.pop("cut", None)
    for name, value in _link_of(start).items():
        params.put(name, value)


def complete_link() -> None:
    """Fill in what the link leaves open: by what is worked on, the last pipeline, or a preset."""
    if all(params.get(name) for name in ("data", "base", "detector")):
        return
    _fill(_session())
    last = _last_pipeline()
    recipe = params.get("recipe")
    if last and recipe != DEMO_RECIPE:
        found = last
        if params.get("data") not in ("", found["data"]):  # its prompts go with its own data
            found = {name: found[name] for name in found if name not in ("eval", "leakage")}
    else:
        found = _preset(recipe if recipe in builtin_names() else builtin_names()[0])
    _fill(found)


def _last_pipeline() -> Link:
    """What the newest pipeline was asked for; nothing if there is none, or it is damaged."""
    for last in pipelines.page(studio().database, limit=1):
        with suppress(DataError):
            return link_of(last.pipeline)
    return {}


def remember() -> None:
    """Keep what the form says for when its page is opened again without a link."""
    for name in _kept():
        work_on(name, params.get_all(name))
    work_on(_RECIPE_THEN, [params.get("recipe"), *params.get_all("set")])


def _session() -> Link:
    """What the session works on: data, thresholds, prompts, judge, and what the form said before."""
    if params.get("recipe") and not params.get("data"):
        return {}  # a start of its own
    found: Link = dict(worked_on(*_kept()).items())
    cut: Cut | None = st.session_state.get("cut")
    if cut is not None and not params.get("recipe"):
        found |= {"recipe": cut.key, "set": cut.overrides}
    data = params.get("data") or str(st.session_state.get("data") or "")
    prompts = evaluated_on(data)
    is_there = prompts in {str(each.id) for each in known_data_sets()}
    found |= {"data": data, "eval": prompts if is_there else ""}
    now = [cut.key, *cut.overrides] if cut is not None else []
    then = worked_on(_RECIPE_THEN).get(_RECIPE_THEN, [])
    gone = () if now == then else _OF_TRAINED if now[:1] == then[:1] else (*_OF_TRAINED, "change")
    return {name: value for name, value in found.items() if name not in gone}


def _kept() -> list[str]:
    """What the form remembers by itself; recipe and thresholds are those of the draft."""
    options = (option.link for option in pipeline_options() if option.about.identifies)
    return ["base", "detector", SECOND_JUDGE, "device", *_SETTINGS, *options]


def _fill(link: Link) -> None:
    for name, value in link.items():
        if not params.get_all(name):
            params.put(name, value)


def link_of(pipeline: Pipeline) -> Link:
    """The link that asks for what a pipeline was asked for.

    Raises:
        DataError: that can't be read.
    """
    with reading(pipeline):
        return _link_of_readable(pipeline)


def _link_of_readable(pipeline: Pipeline) -> Link:
    spec = pipeline.spec
    found: Link = {
        "data": str(pipeline.data_set_id),
        "eval": str(pipeline.eval_data_set_id or ""),
        "recipe": str(pipeline.recipe_id),
        "base": pipeline.base,
        "detector": str(pipeline.detector_id) if pipeline.detector_id else str(spec["detector"]),
        SECOND_JUDGE: _second_judge(spec.get("second_judge")),
    }
    for option in pipeline_options():
        value = spec.get(option.name, option.default)
        if option.about.identifies and not option.is_usual(value):  # a name is not taken over
            found[option.link] = str(value)
    return {name: value for name, value in found.items() if value}


def _second_judge(said: JsonObject | str | None) -> str:
    """The number of a detector of the store, or a hub id; empty: none."""
    if not isinstance(said, dict):
        return said or ""
    known = detectors.page(studio().database)
    return next((str(one.id) for one in known if one.artifact_sha256 == said["sha256"]), "")


def _link_of(start: str) -> Link:
    if start.startswith(PRESET):
        return _preset(start.removeprefix(PRESET))
    return link_of(pipelines.get(studio().database, int(start.removeprefix(EARLIER))))


def _preset(recipe: str) -> Link:
    """A built-in recipe with what goes with it: the demo's models and prompts, or the default base."""
    found: Link = {"recipe": recipe, "seed": "0"}
    if recipe != DEMO_RECIPE:
        return found | {"base": _GUIDE_BASE}
    try:
        found["base"] = str(demo_models().base)
    except InputError:  # not built, which the form then says of the empty field
        return found
    by_name = {data_set.name: str(data_set.id) for data_set in known_data_sets()}
    if demo.PROMPTS in by_name:
        found["eval"] = by_name[demo.PROMPTS]
    if demo.PAIRS in by_name and not params.get("data"):
        found["data"] = by_name[demo.PAIRS]
    judges = {each.name: str(each.id) for each in detectors.page(studio().database)}
    if demo_models().detector.name in judges:
        found["detector"] = judges[demo_models().detector.name]
    return found
