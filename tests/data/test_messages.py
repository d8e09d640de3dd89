from grice_core.data.messages import flatten, is_conversation

USER = {"role": "user", "content": "Seen it?"}
BEFORE = {"role": "assistant", "content": "I like films."}
YES = {"role": "assistant", "content": "Yes."}
NO = {"role": "assistant", "content": "No."}


def test_an_explicit_prompt_of_one_message_is_its_content() -> None:
    assert flatten([USER], [YES], [NO]) == ("Seen it?", "Yes.", "No.")


def test_several_messages_are_one_line_each() -> None:
    prompt, _, _ = flatten([BEFORE, USER], [YES], [NO])

    assert prompt == "[assistant]: I like films.\n[user]: Seen it?"


def test_an_implicit_prompt_is_what_both_conversations_begin_with() -> None:
    assert flatten(None, [USER, YES], [USER, NO]) == ("Seen it?", "Yes.", "No.")


def test_equal_conversations_keep_their_last_message_as_response() -> None:
    assert flatten(None, [USER, YES], [USER, YES]) == ("Seen it?", "Yes.", "Yes.")


def test_a_prompt_that_the_conversations_repeat_stands_once() -> None:
    assert flatten("Seen it?", [USER, YES], [USER, NO]) == ("Seen it?", "Yes.", "No.")
    assert flatten([USER], [USER, YES], [USER, NO]) == ("Seen it?", "Yes.", "No.")


def test_a_prompt_that_the_conversations_go_on_from_comes_first() -> None:
    prompt, _, _ = flatten([BEFORE], [USER, YES], [USER, NO])

    assert prompt == "[assistant]: I like films.\n[user]: Seen it?"


def test_content_may_be_a_list_of_text_parts() -> None:
    parts = {"role": "user", "content": [{"type": "text", "text": "Seen"}, {"text": " it?"}]}

    assert flatten([parts], "Yes.", "No.") == ("Seen it?", "Yes.", "No.")


def test_what_is_no_list_of_messages_with_text_is_passed_through() -> None:
    image = [{"role": "user", "content": [{"type": "image"}]}]

    assert flatten(image, ["Yes."], []) == (image, ["Yes."], [])
    assert not is_conversation([{"role": "user"}])
