"""Why pairs were dropped: each reason takes its share off all pairs; what remains is kept."""

from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

from streamlit.components import v2

from app.theme import DROPPED_COLOUR, KEPT_COLOUR

_STYLE = f"""
table {{ border-collapse: collapse; color: var(--st-text-color); font-family: var(--st-font);
  font-size: 0.85rem; width: 100%; }}
td {{ padding: 0.2rem 0.6rem 0.2rem 0; overflow-wrap: anywhere; }}
td:first-child {{ max-width: 10rem; }}
td:nth-child(2) {{ font-variant-numeric: tabular-nums; text-align: right; }}
.last {{ font-weight: 600; }}
.track {{ padding-right: 0; width: 60%; }}
.bar {{ background: {DROPPED_COLOUR}; border-radius: 2px; box-sizing: border-box; height: 1rem;
  max-width: 100%; min-width: 2px; }}
.kept {{ background: {KEPT_COLOUR}; }}
"""
_render = v2.component(
    "grice_waterfall",
    html="<table aria-label='Pairs dropped by reason, and kept'><tbody></tbody></table>",
    css=_STYLE,
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)


def waterfall(dropped: Mapping[str, int], num_kept: int, key: str) -> None:
    """Show one row per reason, in the order in which they are asked, then the kept pairs."""
    _render(data={"rows": waterfall_rows(dropped, num_kept)}, key=key)


def waterfall_rows(dropped: Mapping[str, int], num_kept: int) -> list[dict[str, Any]]:
    """What the script draws: counts, and where each bar starts and how long it is, in shares."""
    names = [*dropped, "kept"]
    counts = [*dropped.values(), num_kept]
    total = max(sum(counts), 1)
    starts = [0, *accumulate(counts)][:-1]
    return [
        {
            "name": name,
            "count": count,
            "start": start / total,
            "share": count / total,
            "is_kept": index == len(dropped),
        }
        for index, (name, count, start) in enumerate(zip(names, counts, starts, strict=True))
    ]
