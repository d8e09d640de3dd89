"""What a language model is asked when it is the judge: an editable template, one rule per maxim."""

import re
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, Field, ValidationError

from grice_core.data.per_maxim import field_per_maxim
from grice_core.data.rules import FrozenModel
from grice_core.detector.template import JudgedText
from grice_core.errors import DetectorError
from grice_core.maxims import Maxim

_DEFAULT = Path(__file__).with_name("rubric.yaml")
_PLACEHOLDER = re.compile(r"\{(rule|context|evidence|response)\}")
_NEEDED = {"rule", "context", "response"}
_NOTHING = "(none)"


def _with_placeholders(text: str) -> str:
    missing = _NEEDED - set(_PLACEHOLDER.findall(text))
    if missing:
        raise ValueError(f"must hold {', '.join(f'{{{name}}}' for name in sorted(missing))}")
    return text


@field_per_maxim(Field(min_length=1), str)
class Rules(FrozenModel):
    """Per maxim, what keeps and what breaks it."""


class Rubric(FrozenModel):
    """The messages that a judge is sent."""

    system: str
    text: Annotated[str, AfterValidator(_with_placeholders)]
    """With {rule}, {context}, {response} and maybe {evidence}."""
    maxims: Rules

    def messages(self, maxim: Maxim, judged: JudgedText) -> list[dict[str, str]]:
        """The question about one maxim, as a conversation."""
        values = {
            "rule": getattr(self.maxims, maxim),
            "context": judged.context or _NOTHING,
            "evidence": judged.evidence or _NOTHING,
            "response": judged.response,
        }
        # All at once: a response may hold a placeholder of its own.
        text = _PLACEHOLDER.sub(lambda found: values[found[1]], self.text)
        return [{"role": "system", "content": self.system}, {"role": "user", "content": text}]


def default_rubric_text() -> str:
    """The built-in rubric as YAML, to be edited."""
    return _DEFAULT.read_text(encoding="utf-8")


def parse_rubric(text: str, source: str) -> Rubric:
    """A rubric from YAML.

    Args:
        source: what the text is called in messages.

    Raises:
        DetectorError: it is no YAML, or lacks something.
    """
    try:
        return Rubric.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise DetectorError(f"{source} is no YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise DetectorError(
            f"{source}: {where}: {first['msg']}; `grice detector rubric` prints one to begin with"
        ) from None


def default_rubric() -> Rubric:
    """The built-in rubric."""
    return parse_rubric(default_rubric_text(), _DEFAULT.name)
