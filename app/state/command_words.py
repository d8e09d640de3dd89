"""How the `grice` command addresses what this studio keeps, so that what a page shows runs when pasted."""

import shlex

from app.state.session import known_data_sets, studio
from app.state.threshold_edits import Cut
from grice_core.pipeline.addresses import PREFIX, address_of
from grice_core.recipes.load import builtin_names
from grice_core.settings import Settings, settings
from grice_core.store import detectors, recipes
from grice_core.store.tables import DataSet, Detector


def environment() -> str:
    """What stands before a command: where the studio is, unless commands look there anyway."""
    home = settings().home
    is_usual = home == Settings.model_fields["home"].default
    return "" if is_usual else f"GRICE_HOME={shlex.quote(str(home.absolute()))} "


def data_word(data_set: DataSet) -> str:
    """One word for a data set."""
    return address_of(data_set, known_data_sets())


def detector_word(detector: Detector | str) -> str:
    """One word for a detector."""
    if isinstance(detector, str):
        return detector
    return address_of(detector, detectors.page(studio().database))


def recipe_word(cut: Cut) -> str:
    """One word for the recipe that a draft began with."""
    if cut.key in builtin_names():
        return cut.key
    saved = recipes.get(studio().database, int(cut.key))
    return f"{PREFIX}{saved.name}@{saved.version}"
