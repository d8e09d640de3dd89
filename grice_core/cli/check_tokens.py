"""What a base's tokenizer makes of a data file: `grice check --tokenizer`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Group
from rich.padding import Padding
from rich.text import Text
from transformers import AutoTokenizer

from grice_core.chat.choice import FormatChoice
from grice_core.data import problems
from grice_core.data.pairs import PairTable
from grice_core.data.report import Problem
from grice_core.dpo.encode import encode_pairs, refusals
from grice_core.dpo.hub import loading_errors
from grice_core.dpo.shown import ShownPair, ShownPiece, show_pair, visible
from grice_core.recipes.config import PromptFormatName, StageConfig

_MAX_REASONS = 5


@dataclass(frozen=True)
class TokenQuestion:
    """What is asked of a data file besides what it says itself."""

    tokenizer: str
    """Folder or hub id."""
    prompt_format: PromptFormatName = "auto"
    max_length: int | None = None
    """None: as recipes have it."""


def check_tokens(table: PairTable, asked: TokenQuestion) -> tuple[list[Problem], ShownPair | None]:
    """What training would refuse, skip or cut, and one pair as the model will see it.

    The pair is the first that fits. The same encoding decides that trains.

    Raises: ModelError.
    """
    limit = asked.max_length or StageConfig.model_fields["max_length"].default
    with loading_errors("tokenizer", asked.tokenizer):
        tokenizer = AutoTokenizer.from_pretrained(asked.tokenizer, trust_remote_code=False)
    form = FormatChoice(asked.prompt_format).of(tokenizer)
    refused = refusals(table, form)
    table_left = table.take([index for index in range(len(table)) if index not in refused])
    encoding = encode_pairs(table_left, tokenizer, limit, form)
    found = [
        *_refused(table, refused),
        problems.too_long(limit).at(_rows(encoding.skipped_rows)),
        problems.prompt_cut(limit).at(_rows(encoding.cut_rows)),
        problems.CHANGED_BY_TEMPLATE.at(_rows(encoding.changed_rows)),
    ]
    first = next(iter(encoding.pairs.values()), None)
    return found, None if first is None else show_pair(first, form)


def _refused(table: PairTable, refused: dict[int, str]) -> Iterator[Problem]:
    """One problem for each reason."""
    by_reason: dict[str, list[int]] = {}
    for index, reason in refused.items():
        by_reason.setdefault(reason, []).append(int(table.rows[index]))
    for reason, rows in list(by_reason.items())[:_MAX_REASONS]:
        yield problems.refused_by_template(reason).at(_rows(rows))


def _rows(rows: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(rows, dtype=np.int64)


def shown_pair(shown: ShownPair) -> Group:
    """The pair for a terminal: special tokens in colour, what is trained on underlined."""
    title = Text.assemble(
        (f"Row {shown.row} as the model will see it", "bold"),
        f" · prompt_format {shown.format}",
        (" · special tokens ", "dim"),
        ("⟨like this⟩", "cyan"),
    )
    parts: list[Text | Padding] = [title]
    for name, pieces, trained in (
        ("prompt", shown.prompt, False),
        ("chosen", shown.chosen, True),
        ("rejected", shown.rejected, True),
    ):
        parts.append(Text(f"  {name}, {'trained on' if trained else 'not trained on'}", "dim"))
        parts.append(Padding(_text(pieces, "underline" if trained else ""), (0, 0, 0, 4)))
    return Group(*parts, Text())


def _text(pieces: Sequence[ShownPiece], style: str) -> Text:
    text = Text()
    for piece in pieces:
        written = f"⟨{piece.text}⟩" if piece.is_special else visible(piece.text)
        text.append(written, f"{style} cyan" if piece.is_special else style)
    return text
