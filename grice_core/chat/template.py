"""A tokenizer's chat template, rendered by transformers in its sandbox and by nothing else."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from grice_core.data.messages import Message
from grice_core.errors import ModelError

QUESTION, ANSWER = "Grice7question", "Grice7answer"
"""Contents by which a rendering's parts are found: no template changes them."""

# A template may write the date. It gets one that does not move on: this macro takes the place of
# transformers' `strftime_now`. The empty string keeps a line break that a template begins with.
_FIXED_CLOCK = """\
{%- macro strftime_now(format) -%}
{%- set now = namespace(text=format) -%}
{%- for code, value in fixed_clock -%}
{%- set now.text = now.text.replace(code, value) -%}
{%- endfor -%}
{{- now.text -}}
{%- endmacro -%}{{ '' }}"""
_LETTERS = "aAbBcdDeFfGHIjmMpSTuUVwWxXyYzZ%"
_CODES = tuple(f"%{flag}{letter}" for flag in ("-", "") for letter in _LETTERS)


class TemplateRefusal(Exception):  # noqa: N818 - an answer, shown to the user as part of a sentence
    """A template does not render these messages; the text says why."""


def has_template(tokenizer: Any) -> bool:
    """Whether a tokenizer comes with a chat template."""
    return bool(getattr(tokenizer, "chat_template", None))


class ChatTemplate:
    """One tokenizer's chat template at one moment."""

    def __init__(self, tokenizer: Any, now: datetime) -> None:
        self.tokenizer = tokenizer
        self.now = now
        self.name = str(tokenizer.name_or_path)

    @cached_property
    def sha256(self) -> str:
        """Of the template's text; of its JSON if there are several by name."""
        template = self.tokenizer.chat_template
        text = template if isinstance(template, str) else json.dumps(template, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def tells_time(self) -> bool:
        """Whether it writes the date or time."""
        return "strftime_now" in str(self.tokenizer.chat_template)

    def render(
        self, messages: Sequence[Message], tools: Sequence[dict[str, Any]] = (), *, asks: bool
    ) -> str:
        """The messages as text; with `asks`, the opening of an answer follows.

        Raises: TemplateRefusal.
        """
        given = list(tools) or None  # some templates describe an empty list of tools
        try:
            rendered: str = self.tokenizer.apply_chat_template(
                list(messages),
                tools=given,
                tokenize=False,
                add_generation_prompt=asks,
                **self._clock(given),
            )
        except (
            Exception
        ) as error:  # a template is a program of its author's, and may raise anything
            text = str(error).strip() or type(error).__name__
            raise TemplateRefusal(text.splitlines()[0].rstrip(".")) from error
        return rendered

    @cached_property
    def opens_with_bos(self) -> bool:
        """Whether a rendering begins with the beginning-of-text token."""
        bos = self.tokenizer.bos_token
        return bool(bos) and self._question.startswith(bos)

    @cached_property
    def question_opening(self) -> str:
        """What it writes before a conversation's first question, without the beginning of text."""
        before = self._question.partition(QUESTION)[0]
        return before.removeprefix(self.tokenizer.bos_token) if self.opens_with_bos else before

    @cached_property
    def question_ending(self) -> str:
        """What it writes after the question that a model shall answer."""
        return self._question.rpartition(QUESTION)[2]

    @cached_property
    def answer_opening(self) -> str:
        """What stands between a prompt that asks and the answer: nothing, for most templates."""
        before, asked = self._exchange[0], self._question
        return before.removeprefix(asked) if before.startswith(asked) else ""

    @cached_property
    def answer_closing(self) -> str:
        """What it writes after the last answer."""
        return self._exchange[1]

    @cached_property
    def _question(self) -> str:
        return self._probe([{"role": "user", "content": QUESTION}], asks=True)

    @cached_property
    def _exchange(self) -> tuple[str, str]:
        """What stands before and after the answer in a question and its answer."""
        exchange = [
            {"role": "user", "content": QUESTION},
            {"role": "assistant", "content": ANSWER},
        ]
        before, found, after = self._probe(exchange, asks=False).rpartition(ANSWER)
        if not found:
            raise self._unusable("it leaves the answer out")
        return before, after

    def _probe(self, messages: Sequence[Message], *, asks: bool) -> str:
        try:
            return self.render(messages, asks=asks)
        except TemplateRefusal as refusal:
            raise self._unusable(str(refusal)) from refusal

    def _unusable(self, reason: str) -> ModelError:
        return ModelError(
            f"the chat template of {self.name} can't render a question and its answer ({reason}): "
            "choose prompt_format=plain, or fix the template"
        )

    def _clock(self, tools: list[dict[str, Any]] | None) -> dict[str, Any]:
        if not self.tells_time:
            return {}
        template = self.tokenizer.get_chat_template(None, tools)
        codes = [(code, self.now.strftime(code)) for code in _CODES]
        return {"chat_template": _FIXED_CLOCK + template, "fixed_clock": codes}
