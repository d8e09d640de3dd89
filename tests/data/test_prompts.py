import pytest

from grice_core.data.prompts import normalise_prompt, split_prompt


def test_prompts_that_differ_in_white_space_alone_are_the_same() -> None:
    assert normalise_prompt("  How\tare\n\nyou? ") == normalise_prompt("How are you?")


def test_composed_and_decomposed_characters_are_the_same() -> None:
    assert normalise_prompt("cafe\u0301") == normalise_prompt("caf\u00e9")


def test_case_makes_a_difference() -> None:
    assert normalise_prompt("Hi") != normalise_prompt("hi")


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("Context: A\nEvidence: B\n\nGenerate a cooperative response:", ("A", "B")),
        ("Context: A\n\nGenerate a cooperative response:", ("A", None)),
        ("Context: A\nEvidence: \n\nGenerate a cooperative response:", ("A", None)),
        (
            "Context: A\nsecond line\nEvidence: B\nGenerate a cooperative response: ",
            ("A\nsecond line", "B"),
        ),
        (" Any other prompt ", ("Any other prompt", None)),
        ("Context: A without an end", ("Context: A without an end", None)),
    ],
)
def test_a_prompt_is_split_into_context_and_evidence(
    prompt: str, parts: tuple[str, str | None]
) -> None:
    assert split_prompt(prompt) == parts
