"""Layouts that hold no pairs, and why they can't be trained on."""

from grice_core.data.layouts.base import Found, Row, Sample
from grice_core.data.layouts.conversion import RowLayout


class KTO(RowLayout):
    """One response a row, labelled as good or bad."""

    name = "kto"
    title = "KTO (unpaired preference)"
    source = "https://huggingface.co/docs/trl/dataset_formats#unpaired-preference"
    moves = ()
    refusal = (
        "each row has one response and says whether it is good, and training compares two responses to "
        "one prompt; put a good and a bad response to the same prompt into one row, as chosen and rejected"
    )

    def recognises(self, sample: Sample) -> bool:
        """TRL's and LLaMA-Factory's fields: a label, and no second response."""
        labels = [value for name in ("label", "kto_tag") for value in sample.values(name)]
        return (
            bool(labels)
            and all(
                isinstance(value, bool) or value in (0, 1, "true", "false", "True", "False")
                for value in labels
            )
            and bool(
                sample.names & {"completion", "response", "output", "messages", "conversations"}
            )
            and not sample.names & {"chosen", "rejected"}
        )

    def found(self, row: Row) -> Found:
        """Nothing that could be a pair."""
        return Found(row.get("prompt"))
