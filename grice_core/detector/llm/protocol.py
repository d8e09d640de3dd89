"""Chat completions as they are asked and answered, for servers that know all of it or only a part."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grice_core.detector.record import ChatArchitecture

Features = tuple[str, ...]
"""What a request makes use of, of `ALL_FEATURES`."""
ALL_FEATURES: Features = ("logprobs", "schema", "json", "seed", "temperature", "max_tokens")
"""In the order in which they are done without if a server refuses a request."""
_NAMES = {
    "logprobs": ("logprobs",),
    "schema": ("json_schema", "response_format", "schema"),
    "json": ("json_object", "response_format"),
    "seed": ("seed",),
    "temperature": ("temperature",),
    "max_tokens": ("max_tokens",),
}
"""How a server's refusal may call them."""

_TOP_LOGPROBS = 10
_SURE = 0.999
"""No probability is nearer to 0 or 1: what a judge did not list among its ten tokens may be this likely."""
_UNSTATED_CONFIDENCE = 0.9
_DECISION = re.compile(r"[\"']?violated[\"']?\s*:\s*[\"']?", re.IGNORECASE)
_OBJECT = re.compile(r"\{[^{}]*\}", re.DOTALL)
_SCHEMA = {
    "type": "object",
    "properties": {
        "violated": {"type": "boolean"},
        "confidence": {"type": "number", "minimum": 0.5, "maximum": 1},
    },
    "required": ["violated", "confidence"],
    "additionalProperties": False,
}


class UnreadableAnswerError(Exception):
    """An answer without a verdict: a refusal, broken JSON, one that was cut off."""


@dataclass(frozen=True)
class Verdict:
    """What a judge says about one text and one maxim."""

    probability: float
    """Of a violation."""
    tokens_in: int
    tokens_out: int


def request_body(
    architecture: ChatArchitecture, messages: Sequence[Mapping[str, str]], features: Features
) -> dict[str, Any]:
    """One question as JSON, with the features that the server knows."""
    body: dict[str, Any] = {"model": architecture.model, "messages": list(messages)}
    if "temperature" in features:
        body["temperature"] = 0
    if "seed" in features:
        body["seed"] = 0
    if "max_tokens" in features:
        body["max_tokens"] = architecture.max_tokens
    if "logprobs" in features:
        body |= {"logprobs": True, "top_logprobs": _TOP_LOGPROBS}
    if "schema" in features:
        schema = {"name": "verdict", "strict": True, "schema": _SCHEMA}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif "json" in features:
        body["response_format"] = {"type": "json_object"}
    return body


def fewer_features(features: Features, refusal: str) -> Features | None:
    """What to try after a refusal: without what it names, else without the first; None: nothing is left."""
    if not features:
        return None
    text = refusal.casefold()
    named = [one for one in features if any(name in text for name in _NAMES[one])]
    dropped = named[0] if named else features[0]
    return tuple(one for one in features if one != dropped)


def read_verdict(reply: Mapping[str, Any]) -> Verdict:
    """The verdict in a server's reply.

    The probability comes from the log-probabilities of the deciding token where the server gives
    them, else from the confidence that the model states.

    Raises:
        UnreadableAnswerError: there is none.
    """
    try:
        choice = reply["choices"][0]
        message = choice["message"]
        content = message.get("content") or ""
    except (KeyError, IndexError, TypeError, AttributeError):
        raise UnreadableAnswerError("a reply without an answer") from None
    if message.get("refusal") or choice.get("finish_reason") == "content_filter":
        raise UnreadableAnswerError("the model refused to judge")
    stated = _stated(content)
    decided = _from_logprobs(choice.get("logprobs"))
    probability = stated if decided is None else decided
    usage = reply.get("usage") or {}
    return Verdict(
        min(max(probability, 1 - _SURE), _SURE),
        int(usage.get("prompt_tokens") or 0),
        int(usage.get("completion_tokens") or 0),
    )


def _stated(content: str) -> float:
    """The probability that the answer's text states; that of the last object, if the model reasoned before."""
    for text in reversed(_OBJECT.findall(content)):
        try:
            answer = json.loads(text)
        except ValueError:
            continue
        verdict = _as_bool(answer.get("violated"))
        if verdict is not None:
            return _probability(verdict, answer.get("confidence"))
    raise UnreadableAnswerError(f"an answer without a verdict: {' '.join(content.split())[:80]!r}")


def _as_bool(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "yes": True, "false": False, "no": False}.get(str(value).casefold())


def _probability(violated: bool, confidence: object) -> float:
    sure = _UNSTATED_CONFIDENCE
    if isinstance(confidence, int | float) and 0 <= confidence <= 1:
        sure = max(float(confidence), 0.5)
    return sure if violated else 1 - sure


def _from_logprobs(logprobs: object) -> float | None:
    """How likely the deciding token is to begin `true`; None: the server does not say."""
    tokens = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    if not isinstance(tokens, list) or not tokens:
        return None
    text = "".join(str(one.get("token", "")) for one in tokens)
    decisions = list(_DECISION.finditer(text))
    if not decisions:
        return None
    place, end = decisions[-1].end(), 0
    for token in tokens:
        end += len(str(token.get("token", "")))
        if end > place:
            return _share_of_true(token, token.get("top_logprobs") or ())
    return None


def _share_of_true(chosen: Mapping[str, Any], listed: Sequence[Mapping[str, Any]]) -> float | None:
    """How likely `true` is against `false`; None: the tokens don't say.

    A word that is not listed is at most as likely as any token that is, and as what they leave. Some servers
    (llama.cpp's, 9993) list what the model would have written without the schema, which may be neither word.
    """
    likely = {str(one["token"]): math.exp(min(float(one["logprob"]), 0.0)) for one in listed}
    if listed and chosen["token"] not in likely:
        return None
    likely[chosen["token"]] = math.exp(min(float(chosen["logprob"]), 0.0))
    shares = {True: 0.0, False: 0.0}
    for token, chance in likely.items():
        letters = re.sub(r"[^a-z]", "", token.casefold())
        for value, word in ((True, "true"), (False, "false")):
            if letters and word.startswith(letters):
                shares[value] += chance
    if not any(shares.values()):
        return None
    unlisted = min(max(1 - sum(likely.values()), 0.0), *likely.values())
    true, false = (shares[value] or unlisted for value in (True, False))
    return true / (true + false)
