"""When two prompts are the same prompt."""

import unicodedata


def normalise_prompt(text: str) -> str:
    """The form in which prompts are compared: Unicode NFC, white space collapsed and trimmed."""
    return " ".join(unicodedata.normalize("NFC", text).split())
