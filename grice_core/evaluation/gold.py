"""Gold labels of answers: read from a file or from persons' judgements, and matched by their texts."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from grice_core.csv_text import original
from grice_core.data.pairs import FloatArray
from grice_core.errors import DataError
from grice_core.evaluation.violations import MEASURES, EvaluatedModel
from grice_core.maxims import MAXIMS, Maxim

_TEXTS = ("prompt", "response")
_CHANCE = "chance"
_PERSON = "person"
_LONG = ("maxim", "by_person")
_YES, _NO = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no"})
_Texts = tuple[str, str]


@dataclass(frozen=True)
class Judgement:
    """What one person says about one answer, on all maxims."""

    prompt: str
    response: str
    violated: frozenset[Maxim]
    chance: float = 1.0
    """How likely this answer was to be judged; only ratios matter."""
    person: str = ""
    """Who says so; empty where that is not known."""


@dataclass(frozen=True, eq=False)
class GoldLabels:
    """Judgements by the texts that they are about, whichever model gave them."""

    judgements: Sequence[Judgement]
    _by_texts: Mapping[_Texts, list[Judgement]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_texts: dict[_Texts, list[Judgement]] = {}
        for one in self.judgements:
            by_texts.setdefault((one.prompt, one.response), []).append(one)
        object.__setattr__(self, "_by_texts", by_texts)

    def of(self, model: EvaluatedModel, prompts: Sequence[str]) -> tuple[FloatArray, FloatArray]:
        """The gold outcomes of a model's answers to M prompts, and the chances with which they were judged.

        Several judgements of one answer count as their mean: where persons disagree the truth is
        between 0 and 1, which widens the intervals.

        Returns:
            (M, k, 5) outcomes in the order of `MEASURES`, NaN where no one judged; (M, k) chances.
        """
        rows = np.array([model.rows_of_prompt[prompt] for prompt in prompts])
        outcomes = np.full((*rows.shape, len(MEASURES)), np.nan)
        chances = np.ones(rows.shape)
        for place, row in np.ndenumerate(rows):
            found = self._by_texts.get((model.prompts[row], model.responses[row]))
            if found:
                outcomes[place] = np.mean([_outcomes(one) for one in found], axis=0)
                chances[place] = found[0].chance
        return outcomes, chances

    @cached_property
    def persons(self) -> list[str]:
        """Whose judgements these are, as far as known."""
        return sorted({one.person for one in self.judgements} - {""})

    def of_person(self, person: str, model: EvaluatedModel, prompts: Sequence[str]) -> FloatArray:
        """(M, k, 5) the gold outcomes by one person, NaN where that person did not judge."""
        own = GoldLabels([one for one in self.judgements if one.person == person])
        return own.of(model, prompts)[0]

    def num_matched(self, models: Iterable[EvaluatedModel]) -> int:
        """Judgements of answers that these models gave."""
        given = {
            texts for model in models for texts in zip(model.prompts, model.responses, strict=True)
        }
        return sum(len(found) for texts, found in self._by_texts.items() if texts in given)


def read_gold(path: Path | str) -> GoldLabels:
    """Read labels from a CSV file.

    Two layouts: a row per answer with columns prompt, response and one per maxim (1 for violated); or
    a row per answer and maxim with columns prompt, response, maxim, by_person, which is what the
    Compare page lets one download. A column `chance` says how likely each answer was to be labelled,
    where that was not equal for all; a column `person` who labelled it.

    Raises:
        DataError: the file can't be read, or a row is not complete; names the row.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = tuple(reader.fieldnames or ())
            rows = [
                row | {text: original(row[text] or "") for text in _TEXTS if text in row}
                for row in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: the labels can't be read ({error})") from error
    if set(columns) >= {*_TEXTS, *map(str, MAXIMS)}:
        return GoldLabels([_wide(path, number, row) for number, row in enumerate(rows, start=2)])
    if set(columns) >= {*_TEXTS, *_LONG}:
        return GoldLabels(_long(path, rows))
    raise DataError(
        f"{path}: gold labels need the columns prompt, response, {', '.join(map(str, MAXIMS))} "
        f"(1 = violated), or prompt, response, maxim, by_person; it has {', '.join(columns) or 'none'}"
    )


def _wide(path: Path, number: int, row: Mapping[str, str]) -> Judgement:
    violated = frozenset(maxim for maxim in MAXIMS if _is_yes(path, number, str(maxim), row))
    return _judgement(path, number, row, violated)


def _long(path: Path, rows: Sequence[Mapping[str, str]]) -> list[Judgement]:
    """Rows of one answer belong to one judgement until a maxim comes again."""
    complete: list[Judgement] = []
    open_: dict[tuple[str, str, str], dict[Maxim, bool]] = {}
    for number, row in enumerate(rows, start=2):
        texts = row["prompt"], row["response"], row.get(_PERSON) or ""
        said = open_.setdefault(texts, {})
        if row["maxim"] not in set(map(str, MAXIMS)):
            raise DataError(f"{path}, row {number}: {row['maxim']!r} is no maxim")
        maxim = Maxim(row["maxim"])
        if maxim in said:
            raise DataError(
                f"{path}, row {number}: {maxim} comes again before the others are there"
            )
        said[maxim] = _is_yes(path, number, "by_person", row)
        if len(said) == len(MAXIMS):
            violated = frozenset(maxim for maxim, yes in said.items() if yes)
            complete.append(_judgement(path, number, row, violated))
            del open_[texts]
    for texts, said in open_.items():
        missing = ", ".join(str(maxim) for maxim in MAXIMS if maxim not in said)
        raise DataError(f"{path}: the answer {texts[1][:60]!r} has no label for {missing}")
    return complete


def _judgement(
    path: Path, number: int, row: Mapping[str, str], violated: frozenset[Maxim]
) -> Judgement:
    chance = _chance(path, number, row)
    return Judgement(row["prompt"], row["response"], violated, chance, row.get(_PERSON) or "")


def _is_yes(path: Path, number: int, column: str, row: Mapping[str, str]) -> bool:
    value = (row[column] or "").strip().lower()
    if value not in _YES | _NO:
        raise DataError(
            f"{path}, row {number}: {column} must be 1 (violated) or 0, not {value or 'empty'!r}"
        )
    return value in _YES


def _chance(path: Path, number: int, row: Mapping[str, str]) -> float:
    text = row.get(_CHANCE) or "1"
    try:
        chance = float(text)
    except ValueError:
        chance = 0.0
    if not 0 < chance <= 1:
        raise DataError(
            f"{path}, row {number}: {_CHANCE} must be above 0 and at most 1, not {text!r}"
        )
    return chance


def _outcomes(judgement: Judgement) -> list[float]:
    violated = [maxim in judgement.violated for maxim in MAXIMS]
    return [*map(float, violated), float(not any(violated))]
