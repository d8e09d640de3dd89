"""A row of a data set as the texts that are tokenised, and the plain way of writing them."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from grice_core.data.messages import Conversation, Messages, Tools
from grice_core.errors import ModelError


@dataclass(frozen=True)
class Prompt:
    """What a model is asked, as a data set holds it."""

    text: str
    messages: Messages | None = None
    """What the text was flattened from, if it was a conversation."""
    tools: Tools = ()
    """What the conversation may call."""


@dataclass(frozen=True)
class PairText:
    """One pair as the texts that are tokenised; the last two begin with the prompt."""

    prompt: str
    chosen: str
    """Prompt and chosen response."""
    rejected: str
    """Prompt and rejected response."""
    is_changed: bool = False
    """Whether a response's text does not stand in it as the data set holds it."""


@dataclass(frozen=True)
class Pair:
    """One pair as a data set holds it."""

    prompt: str
    chosen: str
    rejected: str
    conversation: Conversation | None = None


class PromptFormat(ABC):
    """How a model is asked, and how its answers end; of one tokenizer."""

    name: Literal["plain", "chat"]
    adds_special_tokens: bool
    """Whether the tokenizer's own beginning of text belongs to what is tokenised."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    @abstractmethod
    def prompt(self, prompt: Prompt) -> str:
        """What a model is given that shall answer.

        Raises: TemplateRefusal.
        """

    @abstractmethod
    def pair(self, pair: Pair) -> PairText:
        """What a model is trained on.

        Raises: TemplateRefusal.
        """

    @property
    @abstractmethod
    def closing(self) -> int | None:
        """The end-of-text token that a response gets; None if its text brings its own end token.

        Raises: ModelError, if the tokenizer has none.
        """

    @property
    @abstractmethod
    def ends(self) -> frozenset[int]:
        """Tokens that end an answer."""

    @abstractmethod
    def answer(self, text: str) -> str:
        """What a model wrote, without special tokens, as its answer alone."""

    @abstractmethod
    def described(self) -> dict[str, str]:
        """As a run's record keeps it."""

    @cached_property
    def _end_of_text(self) -> int:
        token: int | None = self.tokenizer.eos_token_id
        if token is None:
            raise ModelError(
                f"the tokenizer of {self.tokenizer.name_or_path} has no end-of-text token: "
                "set eos_token in its tokenizer_config.json"
            )
        return token


class PlainFormat(PromptFormat):
    """Prompt, a space, response, end of text."""

    name = "plain"
    adds_special_tokens = True

    def prompt(self, prompt: Prompt) -> str:
        return prompt.text

    def pair(self, pair: Pair) -> PairText:
        chosen, rejected = (
            joint(pair.prompt, self._open(text)) for text in (pair.chosen, pair.rejected)
        )
        return PairText(pair.prompt, chosen, rejected)

    @property
    def closing(self) -> int:
        return self._end_of_text

    @property
    def ends(self) -> frozenset[int]:
        end: int | None = self.tokenizer.eos_token_id
        return frozenset() if end is None else frozenset({end})

    def answer(self, text: str) -> str:
        return text

    def described(self) -> dict[str, str]:
        return {"is": self.name}

    def _open(self, response: str) -> str:
        return without_end(response, [self.tokenizer.eos_token])


def joint(prompt: str, response: str) -> str:
    """The text that prompt and response make: one space between them unless there is white space."""
    if prompt.endswith(" "):
        return prompt + response.lstrip(" ")
    touching = prompt and response and not prompt[-1].isspace() and not response[0].isspace()
    return f"{prompt} {response}" if touching else prompt + response


def without_end(text: str, ends: Sequence[str | None]) -> str:
    """A text without the end tokens that it ends with, and what white space follows them."""
    tokens = "|".join(re.escape(end) for end in ends if end)
    return re.sub(rf"(?:(?:{tokens})\s*)+\Z", "", text) if tokens else text
