"""How answers ended: empty, or cut at the token limit. Neither says much about what a model can do."""

from collections.abc import Callable, Sequence

from grice_core.evaluation.violations import EvaluatedModel

MANY = 0.1
"""From this share of a model's answers on, its rates are not to be trusted as they stand."""


def endings(models: Sequence[EvaluatedModel], title_of: Callable[[str], str] = str) -> list[str]:
    """How many answers of each model are empty, and how many were cut; nothing where none is.

    Args:
        title_of: What a model of this name is called.
    """
    counts = {
        "Empty answers": [model.num_empty for model in models],
        "Answers cut at the token limit": [len(model.cut) for model in models],
    }
    return [
        f"{what}: "
        + ", ".join(
            f"{title_of(model.name)} {count:,} of {len(model.responses):,}"
            for count, model in zip(found, models, strict=True)
        )
        + "."
        for what, found in counts.items()
        if any(found)
    ]


def ending_warnings(model: EvaluatedModel) -> list[str]:
    """A sentence for each way in which many of a model's answers ended badly."""
    total = len(model.responses)
    found = []
    if model.num_empty == total:
        found.append(f"All answers of {model.name} are empty: its rates mean nothing.")
    elif model.num_empty >= MANY * total:
        found.append(f"{model.num_empty:,} of {total:,} answers of {model.name} are empty.")
    if len(model.cut) >= MANY * total:
        found.append(
            f"{len(model.cut):,} of {total:,} answers of {model.name} were cut at the token limit: "
            "raise evaluation.max_new_tokens."
        )
    return found
