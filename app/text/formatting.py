"""Numbers and foreign texts as the pages write them."""

import html
import re
from collections import Counter
from collections.abc import Mapping
from typing import TypeVar

from grice_core.formatting import number as number
from grice_core.formatting import signed as signed

Key = TypeVar("Key", int, str)

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=@])")
# What Streamlit's Markdown looks for once more in the finished text, where nothing is escaped any longer:
# addresses of pages and of people, icons, arrows and the like. Each match is a place to break it at.
_FOUND_UNESCAPED = re.compile(
    r"(?<=:)(?=//|material/|streamlit:)|(?<=www)(?=\.)|(?<=@)(?=[-\w])"
    r"|(?<=(?<!\S)[-<>~])(?=(?:-|=|>|->)(?!\S))",
    re.IGNORECASE,
)
_WORD_JOINER = "\u2060"
"""Has no width and breaks no line."""
_PARTS_SHOWN = 2
_STAGE = re.compile(r"^(stage|round)(\d+)$")
_FIRST_WORD = re.compile(r"[a-z][a-z'-]*[,:]?(\s|$)", re.IGNORECASE)
"""And no name of a file, an address or a setting."""


def short_path(text: str) -> str:
    """A long path by its last two parts, `…/models/base`; anything else as it is."""
    parts = text.split("/")
    is_long = text.startswith("/") and len(parts) > _PARTS_SHOWN + 2
    return f"…/{'/'.join(parts[-_PARTS_SHOWN:])}" if is_long else text


def count_of(count: int, noun: str) -> str:
    """A count with its noun: `1 pair`, `1,970 pairs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def size(num_bytes: float) -> str:
    """A number of bytes as people read it: `4.2 MiB`."""
    for unit in ("bytes", "KiB", "MiB"):
        if num_bytes < 1024:
            return (
                count_of(int(num_bytes), "byte") if unit == "bytes" else f"{num_bytes:.1f} {unit}"
            )
        num_bytes /= 1024
    return f"{num_bytes:,.1f} GiB"


def sentence(message: str) -> str:
    """A message as a sentence of its own: a capital, unless it begins with a name or an address, and a full stop."""
    begun = message[:1].upper() + message[1:] if _FIRST_WORD.match(message) else message
    return begun if begun.endswith((".", "!", "?")) else f"{begun}."


def stage_title(name: str, title: str = "") -> str:
    """How pages call what files and commands call `stage1` or `round1`: `Stage 1 · content`, `Round 1`."""
    numbered = _STAGE.match(name)
    shown = f"{numbered[1].capitalize()} {numbered[2]}" if numbered else name
    return " · ".join(filter(None, [shown, title]))


def told_apart(names: Mapping[Key, str]) -> dict[Key, str]:
    """Names for a list to choose from: of those that several have, each with its key as number."""
    times = Counter(names.values())
    return {key: name if times[name] == 1 else f"{name} · no. {key}" for key, name in names.items()}


def plain_markdown(text: str) -> str:
    """Foreign text for a label that reads Markdown: every sign shows as itself, on one line."""
    line = _FOUND_UNESCAPED.sub(_WORD_JOINER, " ".join(text.split()))
    return _MARKDOWN.sub(r"\\\1", line)


def plain_label(text: str, limit: int = 60) -> str:
    """Foreign text for a Plotly label, which reads a little HTML."""
    line = " ".join(text.split())
    return html.escape(line if len(line) <= limit else line[: limit - 1] + "…", quote=False)
