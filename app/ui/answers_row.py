"""What several models answered to one prompt, side by side, with the four scores under each."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from streamlit.components import v2

_HERE = Path(__file__).parent
_MAX_CHARACTERS = 8_000
"""More of a text than this is not shown."""

_render = v2.component(
    "grice_answers_row",
    html='<div class="prompt"></div><div class="answers"></div>',
    css=(_HERE / "answers_row.css").read_text(encoding="utf-8"),
    js=(_HERE / "answers_row.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Score:
    """How much an answer violates one maxim."""

    maxim: str
    colour: str
    value: float
    violated: bool


@dataclass(frozen=True)
class ModelAnswer:
    """One model's answer."""

    model: str
    colour: str
    text: str
    scores: tuple[Score, ...]


def answers_row(prompt: str, answers: Sequence[ModelAnswer], key: str) -> None:
    """Show a prompt and the answers to it; on a narrow screen one below the other."""
    shown = [asdict(answer) | {"text": _shortened(answer.text)} for answer in answers]
    _render(data={"prompt": _shortened(prompt), "answers": shown}, key=key)


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]} …"
