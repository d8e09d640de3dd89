"""A stage's model card with the rates that gold labels correct, which came after it was written."""

from grice_core.evaluation.second_judge import Evaluated
from grice_core.evaluation.text_rows import HEADING
from grice_core.evaluation.true_rates import TrueRates
from grice_core.evaluation.true_rows import true_rows, verdict_sentence


def corrected_card(card: str, found: TrueRates, evaluation: Evaluated, stage: str) -> str:
    """The card, with what labels say below what the detector says.

    Args:
        card: As the pipeline wrote it, in Markdown.
        found: From labels of the evaluation's answers, judged by its own thresholds.
        evaluation: What the card tells of.
        stage: The last stage that the card's adapter holds.
    """
    section = _section(found, evaluation, stage)
    if not section:
        return card
    # Beside the rates, above what is no rate; cards of earlier versions end with the rates.
    rates, heading, rest = card.partition(f"### {HEADING}")
    below = f"\n{heading}{rest}" if heading else ""
    return f"{rates.rstrip()}\n\n{section}{below}"


def _section(found: TrueRates, evaluation: Evaluated, stage: str) -> str:
    """Heading, sentence, table and how to read it; nothing where labels say nothing of these models."""
    names = [model.name for model in evaluation.models]
    shown = [name for name in names[: names.index(stage) + 1] if name in found.rates]
    is_last = stage == names[-1]
    if not shown and not is_last:
        return ""
    parts = [f"### Corrected by {found.num_judgements:,} judgements"]
    if is_last:  # the verdict is about the last model
        parts.append(verdict_sentence(found, evaluation))
    if shown:
        parts += [_table(found, shown, with_change=is_last), found.note]
    return "\n\n".join(parts) + "\n"


def _table(found: TrueRates, names: list[str], *, with_change: bool) -> str:
    titles = [*names, "change"] if with_change else names
    lines = [f"| {' | '.join(['', *titles])} |", f"|---|{'---:|' * len(titles)}"]
    for row in true_rows(found, names):
        cells = [" ".join(pair).strip() for pair in row.words()[: len(titles)]]
        lines.append(f"| {' | '.join([row.measure, *cells])} |")
    return "\n".join(lines)
