"""docs/models.md: the table of base models, and what it means."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.models.outcome import PRECISIONS, Outcome, Result
from grice_core.evaluation.numbers import percent

_MEASURED = re.compile(r"\d(\.\d+)?e[+-]\d+")
"""Such as 5.6e-07, which differs a little each time."""

WORDS: dict[Result, str] = {
    "shared": "exact, shared",
    "separate": "exact, separate",
    "refused": "refused",
    "failed": "**failed**",
}

_HEAD = """\
# Base models

Which of the causal language models that transformers {transformers} knows can be tuned exactly. Written by
`python -m benchmarks.models` (`make models`), which takes a tiny random model of each type through the real code
(`tests/models/`), with torch {torch} and peft {peft}; don't edit it by hand.

## What the words mean

- **exact, shared**: trained exactly, and quickly: responses of one prompt share one pass over it.
- **exact, separate**: trained exactly, each response in a pass of its own, because sharing would change what this
  model computes; slower, same result.
- **refused**: `grice` says so in one sentence before anything is trained, because the result would not mean
  what it claims.
{failed}
Exact means that all of this was tried, in both precisions, and held:

- what comes later in a text does not change what the model says of it earlier, also beyond its windows, chunks and
  top-k: it is causal at all;
- the log-probabilities that training uses, and the adapter's gradients, are those of the plain model on
  one response at a time;
- two stages are trained, and each published adapter, loaded by stock PEFT on the plain base, is the model that was
  evaluated;
- answers that are written many at a time, some of which end early, are those that are written one at a time (fp32).

**LoRA** is the share of the weights outside the embeddings that belong to layers which the default recipe adapts; the last column
says what is left out, and why a model is refused or needs separate passes.
"""

_FAILED = """\
- **failed**: the trial itself came to no result. This is a fault of ours to be fixed.
"""


@dataclass(frozen=True)
class ModelType:
    """One type's outcomes, in the order of `PRECISIONS`."""

    outcomes: tuple[Outcome, ...]

    @property
    def name(self) -> str:
        return self.outcomes[0].name

    @property
    def group(self) -> int:
        """Which of the page's tables it stands in: that of its worst result."""
        results = {outcome.result for outcome in self.outcomes}
        return max(number for number, (result, _) in enumerate(_GROUPS) if result in results)

    def cells(self) -> list[str]:
        """Of its row."""
        shares = _distinct(
            "–" if outcome.lora_share is None else percent(outcome.lora_share)
            for outcome in self.outcomes
        )
        results = [WORDS[outcome.result] for outcome in self.outcomes]
        return [f"`{self.name}`", *results, " / ".join(shares), _escaped(self._notes())]

    def _notes(self) -> str:
        """Once what holds in every precision, but for measured figures, else with the precision."""
        texts = [
            "; ".join(
                filter(None, (outcome.why, outcome.left_out and f"left out: {outcome.left_out}"))
            )
            for outcome in self.outcomes
        ]
        if len({_MEASURED.sub("", text) for text in texts}) == 1:
            return texts[0]
        pairs = zip(self.outcomes, texts, strict=True)
        return "; ".join(f"{outcome.precision}: {text}" for outcome, text in pairs if text)


_GROUPS: tuple[tuple[Result, str], ...] = (
    ("shared", "Exact, with shared passes"),
    ("separate", "Exact, with separate passes"),
    ("refused", "Refused"),
    ("failed", "Failed"),
)
"""From best to worst."""


def models_page(outcomes: Sequence[Outcome], versions: dict[str, str]) -> str:
    """The page as Markdown: explanation, counts, then a table for each kind of result."""
    types = _types(outcomes)
    failed = any(outcome.result == "failed" for outcome in outcomes)
    released = {name: version.partition("+")[0] for name, version in versions.items()}
    parts = [_HEAD.format(failed=_FAILED if failed else "", **released), _counts(outcomes)]
    for number, (_, title) in enumerate(_GROUPS):
        rows = sorted((t for t in types if t.group == number), key=lambda found: found.name)
        if rows:
            header = ["type", *PRECISIONS, "LoRA", "left out; why"]
            parts.append(f"## {title}\n\n" + _table(header, [row.cells() for row in rows]))
    return "\n".join(parts)


def _types(outcomes: Sequence[Outcome]) -> list[ModelType]:
    by_task = {(outcome.name, outcome.precision): outcome for outcome in outcomes}
    names = dict.fromkeys(outcome.name for outcome in outcomes)
    return [ModelType(tuple(by_task[name, p] for p in PRECISIONS)) for name in names]


def _counts(outcomes: Sequence[Outcome]) -> str:
    found = Counter((outcome.precision, outcome.result) for outcome in outcomes)
    results = [result for result, _ in _GROUPS if any(found[p, result] for p in PRECISIONS)]
    rows = [[p, *(str(found[p, result]) for result in results)] for p in PRECISIONS]
    num_types = len(outcomes) // len(PRECISIONS)
    header = [f"{num_types} types", *(WORDS[result] for result in results)]
    return _table(header, rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _escaped(text: str) -> str:
    """On one line, without what would end a cell."""
    return " ".join(text.split()).replace("|", "\\|")


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
