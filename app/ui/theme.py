"""The one place for colours: each maxim and each model keeps its own on every page.

The models' colours and the maxims' (`Maxim.colour`) stay distinct with any kind of colour-blindness (Okabe
and Ito, Color Universal Design, 2008), and stand out on light and dark alike. The colours of the page itself
are in `.streamlit/config.toml`; styles of components use those.
"""

from typing import Final

from grice_core.maxims import MAXIMS

MAXIM_COLOURS: Final = {maxim: maxim.colour for maxim in MAXIMS}
ROOM_FOR_LAST_TICK_PX: Final = 28
"""To the right of a plot whose last tick, such as 100 %, stands at its edge: half of its label."""
BASELINE_COLOUR: Final = "#7F7F7F"
STAGE_COLOURS: Final = ("#56B4E9", "#D55E00", "#F0E442")
"""Of stage 1, stage 2 …; later stages begin again."""

SEVERAL_COLOUR: Final = "#8C8C8C"
"""Of what belongs to several maxims."""
KEPT_COLOUR: Final = "#1F7A4D"
DROPPED_COLOUR: Final = "#6B7480"


def stage_colour(index: int) -> str:
    """The colour of a stage, counted from 0."""
    return STAGE_COLOURS[index % len(STAGE_COLOURS)]
