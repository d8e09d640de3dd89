"""Every problem that the validation report can name."""

from grice_core.data.messages import PART_KINDS
from grice_core.data.report import ProblemKind, Severity

_ERROR = Severity.ERROR
_WARNING = Severity.WARNING
_FILL_IN = "fill in the text, or remove the rows"

NOT_AN_OBJECT = ProblemKind(
    "not_an_object", _ERROR, "the row is no object with fields", "write each pair as {…}"
)
NO_PREFERENCE = ProblemKind(
    "no_preference",
    _ERROR,
    "the row prefers neither response: a tie, equal ratings, or no answer to the question",
    "no action needed: there is nothing to learn from such rows",
)
EMPTY_TEXT = {
    field: ProblemKind(f"empty_{field}", _ERROR, f"{field} is missing or empty", _FILL_IN)
    for field in ("prompt", "chosen", "rejected")
}
TEXT_WRONG_TYPE = ProblemKind(
    "text_wrong_type",
    _ERROR,
    "prompt, chosen or rejected is neither text nor a list of messages",
    "write a string, or a list of {role, content}",
)
PARTS_NOT_TEXT = {
    kind: ProblemKind(
        f"{kind}_parts",
        _ERROR,
        f"{kind} parts are not supported: a message holds something besides text",
        "leave these parts out, or remove the rows",
    )
    for kind in PART_KINDS
}
MESSAGES_UNREADABLE = ProblemKind(
    "messages_unreadable",
    _ERROR,
    "messages stand in a cell as text that is neither JSON nor a Python literal, as NumPy prints them",
    "write such columns with json.dumps, or the file as JSON Lines or Parquet",
)
TEXT_MALFORMED = ProblemKind(
    "text_malformed",
    _ERROR,
    "a text holds half of a character (an unpaired surrogate)",
    "write the text again from its source",
)
MISSING_SCORE = ProblemKind(
    "missing_score",
    _ERROR,
    "some of the eight scores are there, others are not",
    "give all eight or none; unscored pairs can be scored with a detector",
)
SCORE_NOT_A_NUMBER = ProblemKind(
    "score_not_a_number",
    _ERROR,
    "a score is NaN, infinite, or not written as a number",
    "score these pairs again",
)
SCORE_WRONG_TYPE = ProblemKind(
    "score_wrong_type",
    _ERROR,
    "a score is text, true/false, a list or an object where a number belongs",
    "write scores as plain numbers, and objects of scores as JSON",
)
SCORE_OUT_OF_RANGE = ProblemKind(
    "score_out_of_range",
    _ERROR,
    "a score lies outside [0, 1]",
    "give violation probabilities: apply the sigmoid to logits, divide percentages by 100",
)

SAME_RESPONSE = ProblemKind(
    "same_response",
    _WARNING,
    "chosen and rejected are the same text, so there is no preference to learn",
    "remove the rows",
)
DUPLICATE = ProblemKind(
    "duplicate",
    _WARNING,
    "the same prompt and responses appear in an earlier row, so the pair counts twice",
    "remove the duplicates",
)
CONTRADICTION = ProblemKind(
    "contradiction",
    _WARNING,
    "another row prefers the same two responses in the opposite order",
    "decide for one, or remove both",
)
NO_MARGIN = ProblemKind(
    "no_margin",
    _WARNING,
    "all four margins are practically zero, so there is nothing to learn from the pair",
    "no action needed: stage filters drop these",
)
UNEQUAL_TURNS = ProblemKind(
    "unequal_turns",
    _WARNING,
    "chosen and rejected have different numbers of messages, so the length tells them apart",
    "end both where the answer to the prompt ends",
)
SCORE_ROUNDED = ProblemKind(
    "score_rounded",
    _WARNING,
    "a score lies outside [0, 1] by no more than a millionth and was taken for 0 or 1",
    "no action needed: arithmetic rounds",
)
MARGINS_DISAGREE = ProblemKind(
    "margins_disagree",
    _WARNING,
    "the margins in the file are not rejected score − chosen score",
    "no action needed: margins are always computed from the scores",
)


def prompt_in_evaluation(message: str) -> ProblemKind:
    """A prompt stands in both files; the message has to say which file the rows are of."""
    return ProblemKind(
        "prompt_in_evaluation",
        _WARNING,
        message,
        "no action needed: the evaluation leaves these prompts out unless --leakage says otherwise",
    )


def prompt_nearly_in_evaluation(message: str) -> ProblemKind:
    """A prompt stands nearly in both files; the message has to say which file the rows are of."""
    return ProblemKind(
        "prompt_nearly_in_evaluation",
        _WARNING,
        message,
        "look at them: they stay in the evaluation unless --leakage-similarity counts them as the same",
    )


def refused_by_template(reason: str) -> ProblemKind:
    """A pair that the base's chat template does not render."""
    return ProblemKind(
        "refused_by_template",
        _ERROR,
        f"the tokenizer's chat template refuses the pair ({reason}), and so does training",
        "change the rows or leave them out, or set prompt_format=plain",
    )


CHANGED_BY_TEMPLATE = ProblemKind(
    "changed_by_template",
    _WARNING,
    "the tokenizer's chat template leaves out or changes part of a response",
    "check a row with the template, or set prompt_format=plain",
)


def too_long(max_length: int) -> ProblemKind:
    """A pair that training will skip."""
    return ProblemKind(
        "too_long",
        _WARNING,
        f"a response alone does not fit into {max_length:,} tokens, so training skips the pair",
        "shorten the response, or raise max_length as far as the model allows",
    )


def prompt_cut(max_length: int) -> ProblemKind:
    """A pair that training will see without the beginning of its prompt."""
    return ProblemKind(
        "prompt_cut",
        _WARNING,
        f"prompt and response exceed {max_length:,} tokens, so the prompt loses its beginning",
        "nothing, or raise max_length as far as the model allows",
    )
