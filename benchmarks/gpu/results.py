"""What is found: one row per figure, written as it comes, with the ratios that goals are about."""

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

State = Literal["", "met", "missed", "skipped", "failed"]


@dataclass(frozen=True)
class Row:
    """One figure, or why there is none."""

    work: str
    """Shape, number format and whatever else was chosen."""
    what: str
    value: float | None = None
    unit: str = ""
    who: str = "ours"
    limit: str = ""
    """What the value has to be; empty: nothing is asked of it."""
    state: State = ""
    note: str = ""
    part: str = ""
    at_s: float = 0.0
    """Seconds since the start."""


@dataclass(frozen=True)
class Goal:
    """How many times as much of something ours is to reach as another."""

    part: str
    what: str
    who: str
    at_least: float


PACKED = "ms-swift, packed"
VLLM = "vLLM, batch-invariant"
PAIRS = "pairs/s, set-up included"
TOKENS = "tokens/s"
GOALS = (
    Goal("training", PAIRS, "trl", 4.0),
    Goal("training", PAIRS, PACKED, 2.0),
    Goal("evaluation", TOKENS, VLLM, 0.5),
)


def at_most(work: str, what: str, value: float, limit: float, note: str = "") -> Row:
    """A difference that must not exceed a limit; NaN does."""
    state: State = "met" if value <= limit else "missed"
    return Row(work, what, value, limit=f"≤ {limit:.1e}", state=state, note=note)


def at_least(work: str, what: str, value: float, limit: float, note: str = "") -> Row:
    """A share or ratio that must reach a limit."""
    state: State = "met" if value >= limit else "missed"
    return Row(work, what, value, limit=f"≥ {limit:g}", state=state, note=note)


def skipped(work: str, what: str, why: str, who: str = "") -> Row:
    """Why something was not measured."""
    return Row(work, what, who=who, state="skipped", note=why)


class Results:
    """All rows so far, in a file if there is a folder for it."""

    def __init__(self, out: Path | None, *, prints: bool) -> None:
        self.rows: list[Row] = []
        self._out = out
        self._prints = prints
        if out:
            out.mkdir(parents=True, exist_ok=True)
            (out / "results.jsonl").write_text("")

    def add(self, row: Row) -> None:
        """Keep and write a row, and what it is compared with by goals."""
        self._write(row)
        if row.state != "skipped":
            for ratio in self._ratios(row):
                self._write(ratio)

    def table(self) -> str:
        """All rows, for people; in DIR/table.txt too."""
        lines = [_line(row) for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)] if lines else []
        text = "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )
        if self._out:
            (self._out / "table.txt").write_text(text + "\n", encoding="utf-8")
        return text

    @property
    def is_right(self) -> bool:
        """Whether nothing failed, and nothing computed was further off than it may be."""
        wrong = dict.fromkeys(("correctness", "processes", "attention"), ("missed", "failed"))
        return not any(row.state in wrong.get(row.part, ("failed",)) for row in self.rows)

    def _write(self, row: Row) -> None:
        self.rows.append(row)
        said = {key: value for key, value in asdict(row).items() if value not in ("", None)}
        if row.value is not None and math.isnan(row.value):  # which JSON has no word for
            said["value"] = None
        text = json.dumps(said)
        print(" | ".join(filter(None, _line(row))), file=sys.stderr, flush=True)
        if self._prints:
            print(text, flush=True)
        if self._out:
            with (self._out / "results.jsonl").open("a") as file:
                file.write(text + "\n")

    def _ratios(self, new: Row) -> Iterator[Row]:
        """Of this row with earlier ones: ours over another's."""
        for goal in GOALS:
            if (new.part, new.what) != (goal.part, goal.what) or new.who not in ("ours", goal.who):
                continue
            same = [
                row
                for row in self.rows
                if (row.part, row.work, row.what) == (new.part, new.work, new.what)
            ]
            of = {row.who: row.value for row in same if row.value}
            if "ours" in of and goal.who in of:
                ratio = at_least(
                    new.work,
                    f"{goal.what}: ours / {goal.who}",
                    of["ours"] / of[goal.who],
                    goal.at_least,
                )
                yield replace(ratio, unit="x", who="", part=new.part, at_s=new.at_s)


def _line(row: Row) -> tuple[str, ...]:
    value = (
        ""
        if row.value is None
        else f"{row.value:.3g}"
        if abs(row.value) < 1000
        else f"{row.value:,.0f}"
    )
    number = f"{value} {row.unit}".strip()
    return row.part, row.work, row.who, row.what, number, row.limit, row.state, row.note
