"""What a prompt is made of, and when two prompts are the same."""

import re
import unicodedata

_FIELD_FORM = re.compile(
    r"\AContext:\s*(?P<context>.*?)"
    r"(?:\n\s*Evidence:\s*(?P<evidence>.*?))?"
    r"\n\s*Generate a cooperative response:\s*\Z",
    re.DOTALL,
)


def normalise_prompt(prompt: str) -> str:
    """The form in which two prompts are compared: Unicode NFC, white space collapsed, ends stripped."""
    return " ".join(unicodedata.normalize("NFC", prompt).split())


def split_prompt(prompt: str) -> tuple[str, str | None]:
    """Context and evidence of a prompt in the field's form; any other prompt is all context.

    `Context: A\\nEvidence: B\\n\\nGenerate a cooperative response:` → `("A", "B")`; the evidence may
    be left out, or empty, and is `None` then.
    """
    match = _FIELD_FORM.match(prompt)
    if match is None:
        return prompt.strip(), None
    evidence = (match["evidence"] or "").strip()
    return match["context"].strip(), evidence or None
