"""Which format a recipe asks for, and what it is for a given tokenizer."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from grice_core.chat.format import PlainFormat, PromptFormat
from grice_core.chat.template import ChatTemplate, has_template
from grice_core.chat.turns import ChatFormat
from grice_core.errors import ModelError
from grice_core.recipes.config import PromptFormatName


def _this_second() -> datetime:
    return datetime.now().replace(microsecond=0)


@dataclass(frozen=True)
class FormatChoice:
    """What a recipe says about the format."""

    name: PromptFormatName = "auto"
    now: datetime = field(default_factory=_this_second)
    """The time given to a template that writes the date, so that a run means the same on its second day."""

    @classmethod
    def at(cls, name: PromptFormatName, moment: str | None) -> Self:
        """The choice at the time that a run's record tells (`rendered_at`), if it tells one."""
        return cls(name, datetime.fromisoformat(moment)) if moment else cls(name)

    def of(self, tokenizer: Any) -> PromptFormat:
        """The format in which this tokenizer's model is trained and asked.

        Raises: ModelError, if `chat` is asked for and there is no template, or it can't render a
        question and its answer.
        """
        if self.name == "plain" or (self.name == "auto" and not has_template(tokenizer)):
            return PlainFormat(tokenizer)
        if not has_template(tokenizer):
            raise ModelError(
                f"prompt_format is chat, but the tokenizer of {tokenizer.name_or_path} has no chat "
                "template: choose prompt_format=plain, or add chat_template.jinja to the base's folder"
            )
        return ChatFormat(ChatTemplate(tokenizer, self.now))
