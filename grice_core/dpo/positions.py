"""How many positions a model has, and whether they depend on how long the whole row is."""

from collections.abc import Iterator
from typing import Any

_BY_LENGTH = ("dynamic", "longrope")


def max_positions(config: Any) -> int | None:
    """Longest sequence that a model has positions for; None if it sets no limit, for which some types have
    a number that is none."""
    count: int | None = getattr(config, "max_position_embeddings", None)
    return count if count and count > 0 else None


def keeps_a_state(config: Any, longest: int) -> bool:
    """Whether a row of this length leaves traces in the model: with dynamic scaling its positions stay
    stretched in the passes that follow."""
    return any(
        kind["rope_type"] == "dynamic" and longest > limit for kind, limit in _by_length(config)
    )


def changes_with_length(config: Any, shortest: int, longest: int) -> bool:
    """Whether rotary embeddings are others in the shortest of some rows than in the longest.

    LongRoPE (arXiv 2402.13753) and dynamic scaling choose their factors by the length of the row: beyond
    the one that a model was first trained for, one more token changes what all earlier ones predict.
    """
    return any(shortest <= limit < longest for _, limit in _by_length(config))


def _by_length(config: Any) -> Iterator[tuple[dict[str, Any], int]]:
    """Kinds of positions that depend on length, each with the longest row that its first factors fit."""
    rope = getattr(config, "rope_parameters", None) or {}
    # Models with several kinds of layers have one entry for each.
    several = bool(rope) and all(isinstance(value, dict) for value in rope.values())
    for kind in rope.values() if several else [rope]:
        if kind.get("rope_type") in _BY_LENGTH:
            limit = kind.get("original_max_position_embeddings") or getattr(
                config, "original_max_position_embeddings", None
            )
            yield kind, int(limit or config.max_position_embeddings)
