"""How the fields become the text that a detector reads."""

import pytest
from pydantic import ValidationError

from grice_core.detector.template import JudgedText, Template


def test_the_template_is_the_fields_own() -> None:
    rendered = Template().render(JudgedText("Hi!", "Yes."))
    assert rendered.text == "Context: Hi! Response: Yes."
    assert rendered.spans == {"context": (9, 12), "response": (23, 27)}


def test_evidence_stands_between_context_and_response() -> None:
    rendered = Template().render(JudgedText("Hi!", "Yes.", "FS1"))
    assert rendered.text == "Context: Hi! Evidence: FS1 Response: Yes."
    assert {rendered.text[a:b] for a, b in rendered.spans.values()} == {"Hi!", "FS1", "Yes."}


def test_braces_in_a_text_are_only_text() -> None:
    rendered = Template().render(JudgedText("a {response} {0}", "{context}"))
    assert rendered.text == "Context: a {response} {0} Response: {context}"


def test_what_follows_the_last_field_is_kept() -> None:
    template = Template(plain="{context} → {response} !")
    assert template.render(JudgedText("a", "b")).text == "a → b !"


@pytest.mark.parametrize(
    "plain", ["{context}", "{response} {context}", "{context}{context}{response}"]
)
def test_a_template_without_its_fields_in_order_is_refused(plain: str) -> None:
    with pytest.raises(ValidationError, match="once each and in this order"):
        Template(plain=plain)


def test_a_prompt_in_the_fields_form_is_taken_apart() -> None:
    prompt = "Context: [agent_1]: Hi!\nEvidence: FS1\n\nGenerate a cooperative response:"
    assert JudgedText.from_pair(prompt, "Yes.") == JudgedText("[agent_1]: Hi!", "Yes.", "FS1")


def test_any_other_prompt_is_all_context() -> None:
    assert JudgedText.from_pair("Where to?", "Home.") == JudgedText("Where to?", "Home.")
