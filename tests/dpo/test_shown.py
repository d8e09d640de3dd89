import pytest

from grice_core.chat.choice import FormatChoice
from grice_core.dpo.encode import encode_pairs
from grice_core.dpo.shown import MAX_SHOWN, ShownPair, show_pair, visible
from tests.chat import made
from tests.dpo import tiny


def shown(template, *texts, **options):
    tokenizer = made.tokenizer(template, **options)
    form = FormatChoice().of(tokenizer)
    return show_pair(encode_pairs(tiny.table(texts), tokenizer, 9_000, form).pairs[0], form)


def joined(pieces):
    return "".join(piece.text for piece in pieces)


@pytest.mark.parametrize("template", [None, made.CHATML, made.MISTRAL, made.NO_END])
@pytest.mark.parametrize("prefix_space", [False, True])
def test_pieces_are_the_whole_text_with_special_tokens_alone(template, prefix_space):
    pair = shown(template, "Hé ☃?", "Yes\n☃", "No", prefix_space=prefix_space)
    tokenizer = made.tokenizer(template, prefix_space=prefix_space)
    ids = encode_pairs(tiny.table(("Hé ☃?", "Yes\n☃", "No")), tokenizer, 9_000).pairs[0]
    assert joined(pair.prompt) == made.text(tokenizer, ids.prompt)
    whole = made.text(tokenizer, (*ids.prompt, *ids.chosen))
    assert joined(pair.prompt) + joined(pair.chosen) == whole
    specials = [made.BOS, made.EOS, *made.CONTROL]
    for piece in (*pair.prompt, *pair.chosen, *pair.rejected):
        assert piece.is_special == (piece.text in specials)
        assert piece.is_special or not any(special in piece.text for special in specials)
    assert any(piece.is_special for piece in pair.chosen)


def test_a_shown_pair_comes_back_from_json():
    pair = shown(made.CHATML, "Hi", "Yes", "No")
    assert ShownPair.read(pair.document()) == pair
    assert pair.format == "chat"


def test_of_a_long_prompt_the_end_is_shown():
    pair = shown(None, "x" * 3_000 + "y", "Yes", "No")
    assert joined(pair.prompt) == "x" * (MAX_SHOWN - 1) + "y"


def test_line_breaks_and_control_characters_are_pictured():
    assert visible("a\n\tb\x1b[0m\x9b") == "a↵\n␉b␛[0m�"
