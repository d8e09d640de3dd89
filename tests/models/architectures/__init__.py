"""Tiny models of the types that transformers 5.23 calls causal language models, by name."""

from tests.models.architectures.combined import COMBINED
from tests.models.architectures.dense import DENSE
from tests.models.architectures.encoders import ENCODERS
from tests.models.architectures.entry import Architecture
from tests.models.architectures.experts import CHOOSING
from tests.models.architectures.latent import SQUEEZED
from tests.models.architectures.older import OLDER
from tests.models.architectures.recurrent import RECURRENT
from tests.models.architectures.seq2seq import SEQ2SEQ
from tests.models.architectures.windowed import WINDOWED

ARCHITECTURES: dict[str, Architecture] = {
    entry.name: entry
    for entry in (
        *DENSE,
        *WINDOWED,
        *CHOOSING,
        *SQUEEZED,
        *RECURRENT,
        *OLDER,
        *ENCODERS,
        *SEQ2SEQ,
        *COMBINED,
    )
}

LEFT_OUT: dict[str, str] = {
    "gemma3n": "its part for pictures needs the library timm; its part for text is gemma3n_text",
    "gemma4_assistant": "reads another model's keys and values, not a text",
    "gemma4_unified_assistant": "reads another model's keys and values, not a text",
    "gpt-sw3": "its configuration is gpt2's, by that name",
    "musicgen": "reads and writes codes of sound, several for each moment",
    "musicgen_melody": "reads and writes codes of sound, several for each moment",
}
"""What transformers lists as a causal language model and the table lacks, and why."""
