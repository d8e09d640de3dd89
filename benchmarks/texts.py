"""How often the intervals of length and diversity hold the truth.

    $ python -m benchmarks.texts [--experiments 1000] [--json]

Two models answer M prompts, k times each. Words follow Zipf's law over a vocabulary of each prompt's own and
one that all share; the second model is briefer and says less that is new. Long answers violate quantity more
often, and the second model's violations are halved at every length. The truth of distinct-n at m words is its
mean over all experiments.
"""

import argparse
import json

import numpy as np

from grice_core.data.pairs import FloatArray
from grice_core.evaluation.equal_length import equal_length_change
from grice_core.evaluation.intervals import Interval
from grice_core.evaluation.jackknife import jackknife_interval, mean_interval
from grice_core.evaluation.words import distinct, ngrams

CELLS = ((30, 1), (100, 1), (300, 1), (30, 5), (100, 5))
"""Prompts, and answers to each."""
OWN_WORDS = 0.3
"""Share of an answer's words that only its prompt has."""
SIMILARITY = 0.3
"""Of answers to one prompt, in whether they are long and whether they violate."""
SHARES_LONG, FACTORS = (0.5, 0.3), (1.0, 0.5)
"""Of either model: share of long answers, and what its violations are multiplied with."""
LENGTHS, RATES = (8, 20), (0.2, 0.6)
"""Of short and long answers: mean words, rate of violations."""
ZIPF = (1.3, 1.4)
"""The exponent of either model."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--experiments", type=int, default=1_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = {}
    for place, (num, k) in enumerate(CELLS):
        cell = f"{num} prompts x {k}"
        found[cell] = coverage(num, k, asked.experiments, np.random.default_rng(place))
        if not asked.json:
            shares = (f"{name} {100 * share:.1f} %" for name, share in found[cell].items())
            print(f"{cell:<18}", *shares, flush=True)
    if asked.json:
        print(json.dumps(found, indent=2))


def coverage(num: int, k: int, experiments: int, rng: np.random.Generator) -> dict[str, float]:
    """By measure: share of experiments whose interval of the change holds the truth."""
    size = num * k * LENGTHS[0] // 2
    values: dict[str, list[tuple[float, Interval | None]]] = {}
    for _ in range(experiments):
        lengths, bad, drawn = zip(*(_answers(num, k, which, rng) for which in (0, 1)), strict=True)
        words = lengths[1].mean(axis=1) - lengths[0].mean(axis=1)
        values.setdefault("words", []).append((float(words.mean()), mean_interval(words)))
        equal = equal_length_change((lengths[0], lengths[1]), (bad[0], bad[1]))
        values.setdefault("quantity at equal length", []).append(
            (equal.change or 0, equal.interval)
        )
        for n in (1, 2):
            (first, first_out), (second, second_out) = (
                distinct(ngrams(texts, n), size) for texts in drawn
            )
            interval = jackknife_interval(second - first, second_out - first_out)
            values.setdefault(f"distinct-{n}", []).append((second - first, interval))
    truths = {name: float(np.mean([value for value, _ in of])) for name, of in values.items()}
    return {
        name: float(
            np.mean([of.low <= truths[name] <= of.high for _, of in found if of is not None])
        )
        for name, found in values.items()
    }


def _answers(
    num: int, k: int, which: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, list[list[str]]]:
    """(M, k) words, (M, k) violations, and the texts of one model."""
    is_long = _alike(num, k, rng) < SHARES_LONG[which]
    lengths = 1 + rng.poisson(np.where(is_long, LENGTHS[1], LENGTHS[0]) - 1)
    bad = _alike(num, k, rng) < FACTORS[which] * np.where(lengths > 13, RATES[1], RATES[0])
    return (
        lengths.astype(float),
        bad.astype(float),
        [
            [_text(prompt, length, which, rng) for length in of]
            for prompt, of in enumerate(lengths.tolist())
        ],
    )


def _alike(num: int, k: int, rng: np.random.Generator) -> FloatArray:
    """(M, k) uniform numbers; those of one prompt are the same with a chance of `SIMILARITY` each."""
    shared = np.repeat(rng.random((num, 1)), k, axis=1)
    drawn: FloatArray = np.where(rng.random((num, k)) < SIMILARITY, shared, rng.random((num, k)))
    return drawn


def _text(prompt: int, length: int, which: int, rng: np.random.Generator) -> str:
    ranks = rng.zipf(ZIPF[which], size=length) % 5_000
    own = rng.random(length) < OWN_WORDS
    return " ".join(
        f"p{prompt}w{rank % 8}" if is_own else f"w{rank}"
        for rank, is_own in zip(ranks.tolist(), own.tolist(), strict=True)
    )


if __name__ == "__main__":
    main()
