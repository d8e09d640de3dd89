"""Rows in the turns of a tokenizer's chat template."""

import re
from functools import cached_property

from grice_core.chat.format import Pair, PairText, Prompt, PromptFormat, without_end
from grice_core.chat.template import ChatTemplate, TemplateRefusal
from grice_core.data.messages import Conversation, Message, Messages


class ChatFormat(PromptFormat):
    """The turns of the tokenizer's chat template.

    A prompt that comes as messages is rendered as they are, any other as one turn of the user. A
    plain prompt that a user rendered already is taken as it is.

    Prompt and response are rendered as TRL 1.16's `DPOTrainer` renders conversational data: the
    prompt with the opening of an answer, both together without it.
    """

    name = "chat"
    adds_special_tokens = False  # the template writes the beginning of text, where there is one

    def __init__(self, template: ChatTemplate) -> None:
        super().__init__(template.tokenizer)
        self.template = template

    def prompt(self, prompt: Prompt) -> str:
        if prompt.messages is None and self.is_rendered(prompt.text):
            return self._begun(prompt.text)
        return self.template.render(
            prompt.messages or [_user(prompt.text)], prompt.tools, asks=True
        )

    def pair(self, pair: Pair) -> PairText:
        talk = pair.conversation
        if talk is None and self.is_rendered(pair.prompt):
            prompt = self._begun(pair.prompt)
            chosen, rejected = (
                prompt + self._open(text) + self.template.answer_closing
                for text in (pair.chosen, pair.rejected)
            )
            return PairText(prompt, chosen, rejected)
        if talk is None:
            talk = Conversation(
                (_user(pair.prompt),), (_assistant(pair.chosen),), (_assistant(pair.rejected),)
            )
        prompt = self.template.render(talk.prompt, talk.tools, asks=True)
        chosen = self._together(prompt, talk, talk.chosen, "chosen")
        rejected = self._together(prompt, talk, talk.rejected, "rejected")
        sides = ((talk.chosen, chosen), (talk.rejected, rejected))
        changed = any(self._changes(text[len(prompt) :], turns) for turns, text in sides)
        return PairText(prompt, chosen, rejected, changed)

    @cached_property
    def closing(self) -> int | None:
        return None if self._turn_end is not None else self._end_of_text

    @cached_property
    def ends(self) -> frozenset[int]:
        known = (self._turn_end, self.tokenizer.eos_token_id)
        return frozenset(token for token in known if token is not None)

    def answer(self, text: str) -> str:
        return text.removeprefix(self._spoken_opening).lstrip() if self._spoken_opening else text

    def described(self) -> dict[str, str]:
        description = {"is": self.name, "template_sha256": self.template.sha256}
        if self.template.tells_time:
            description["rendered_at"] = self.template.now.isoformat()
        return description

    def is_rendered(self, prompt: str) -> bool:
        """Whether a plain prompt is in the template's form already.

        It is if it begins with the beginning of text or the first control token that the template
        writes, or, where that is ordinary text, begins and ends as a rendered prompt does.
        """
        start = prompt.lstrip()
        bos, opening = self.tokenizer.bos_token, self.template.question_opening.strip()
        if bos and self.template.opens_with_bos and start.startswith(bos):
            return True
        control = self._control_tokens.search(opening)
        if control:
            return start.startswith(control[0])
        ending = self.template.question_ending.strip()
        return (
            bool(opening and ending)
            and start.startswith(opening)
            and prompt.rstrip().endswith(ending)
        )

    def _begun(self, prompt: str) -> str:
        """A rendered prompt with the beginning of text that its template writes."""
        bos: str = self.tokenizer.bos_token or ""
        there = not self.template.opens_with_bos or prompt.lstrip().startswith(bos)
        return prompt if there else bos + prompt

    def _together(self, prompt: str, talk: Conversation, response: Messages, side: str) -> str:
        """Prompt and response as one text, which begins with the prompt's.

        Raises: TemplateRefusal, if it doesn't.
        """
        if not response:
            raise TemplateRefusal(f"there is no {side} response")
        *before, last = response
        if isinstance(last.get("content"), str):
            last = {**last, "content": self._open(last["content"])}
        text = self.template.render([*talk.prompt, *before, last], talk.tools, asks=False)
        if not text.startswith(prompt):
            raise TemplateRefusal(
                f"it renders the prompt alone otherwise than before the {side} response: "
                f"{_parting(prompt, text)}"
            )
        return text

    def _changes(self, rendered: str, turns: Messages) -> bool:
        """Whether a text among these turns is not in their rendering, white space at its ends aside."""
        texts = [turn["content"] for turn in turns if isinstance(turn.get("content"), str)]
        return any(self._open(text).strip() not in rendered for text in texts)

    def _open(self, content: str) -> str:
        """An answer without the end tokens that the template will write."""
        return without_end(content, [self._turn_end_text, self.tokenizer.eos_token])

    @cached_property
    def _turn_end(self) -> int | None:
        """The first control token that the template writes after an answer."""
        text = self._turn_end_text
        return None if text is None else int(self.tokenizer.convert_tokens_to_ids(text))

    @cached_property
    def _turn_end_text(self) -> str | None:
        found = self._control_tokens.search(self.template.answer_closing)
        return found[0] if found else None

    @cached_property
    def _control_tokens(self) -> re.Pattern[str]:
        added = (str(token) for token in self.tokenizer.added_tokens_decoder.values())
        names = {*added, *self.tokenizer.all_special_tokens}
        return re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))) or "(?!)")

    @cached_property
    def _spoken_opening(self) -> str:
        """What a model writes before its answer, since the opening of an answer leaves it out."""
        opening = self.template.answer_opening
        for token in self.tokenizer.all_special_tokens:
            opening = opening.replace(token, "")
        return opening.strip()


def _user(content: str) -> Message:
    return {"role": "user", "content": content}


def _assistant(content: str) -> Message:
    return {"role": "assistant", "content": content}


def _parting(alone: str, together: str) -> str:
    """Where two texts part, in a few letters."""
    pairs = zip(alone, together, strict=False)
    place = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(alone), len(together)))
    shown = [repr(text[place : place + 24]) for text in (alone, together)]
    return f"{shown[0]} against {shown[1]}"
