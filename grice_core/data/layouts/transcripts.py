"""Dialogues in one text, as Anthropic's data sets have them."""

import re
from typing import Any

_SPEAKER = re.compile(r"(?:\A|\n\n) ?(Human|Assistant): ?")
_ROLES = {"Human": "user", "Assistant": "assistant"}


def is_transcript(value: Any) -> bool:
    """Whether this is a text that begins with a speaker."""
    return isinstance(value, str) and _SPEAKER.match(value) is not None


def transcript(text: Any) -> Any:
    r"""`"\n\nHuman: Hi\n\nAssistant: Hello"` as messages; what is no such text as it came."""
    if not isinstance(text, str):
        return text
    before, *parts = _SPEAKER.split(text)
    if before or not parts:
        return text
    return [
        {"role": _ROLES[speaker], "content": said.strip()}
        for speaker, said in zip(parts[::2], parts[1::2], strict=True)
    ]
