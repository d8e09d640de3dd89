"""How a context, its evidence and a response become the one text that a detector reads."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from grice_core.data.prompts import split_prompt

_PLACEHOLDER = re.compile(r"(\{(?:context|evidence|response)\})")


@dataclass(frozen=True)
class JudgedText:
    """A response, and what it answers."""

    context: str
    response: str
    evidence: str | None = None

    @classmethod
    def from_pair(cls, prompt: str, response: str) -> "JudgedText":
        """Take a prompt in the field's form apart; any other prompt is all context."""
        context, evidence = split_prompt(prompt)
        return cls(context, response, evidence)


@dataclass(frozen=True)
class RenderedText:
    """The text that a detector reads, and which characters of it are which field's."""

    text: str
    spans: dict[str, tuple[int, int]]
    """Half-open ranges of characters."""


def _with(*placeholders: str) -> AfterValidator:
    """A check that a text has these placeholders, once each and in this order."""

    def check(text: str) -> str:
        found = tuple(_PLACEHOLDER.findall(text))
        if found != placeholders:
            wanted = ", ".join(placeholders)
            raise ValueError(f"must hold {wanted} once each and in this order")
        return text

    return AfterValidator(check)


class Template(BaseModel):
    """The texts around the fields; the defaults are those of Detector V2."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plain: Annotated[str, _with("{context}", "{response}")] = (
        "Context: {context} Response: {response}"
    )
    with_evidence: Annotated[str, _with("{context}", "{evidence}", "{response}")] = (
        "Context: {context} Evidence: {evidence} Response: {response}"
    )

    def render(self, judged: JudgedText) -> RenderedText:
        """Fill the fields in.

        A context "Hi!" and a response "Yes." give "Context: Hi! Response: Yes." with the spans
        context (9, 12) and response (23, 27).
        """
        values = {"{context}": judged.context, "{response}": judged.response}
        if judged.evidence:
            values["{evidence}"] = judged.evidence
        text, spans = "", dict[str, tuple[int, int]]()
        for piece in _PLACEHOLDER.split(self.with_evidence if judged.evidence else self.plain):
            if piece in values:
                spans[piece.strip("{}")] = (len(text), len(text) + len(values[piece]))
            text += values.get(piece, piece)
        return RenderedText(text, spans)
