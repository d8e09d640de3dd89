import ast
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grice_core.data import literal
from grice_core.data.literal import parse_literal

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
WRITTEN = "'\"\\,:[]{}()xu0Nn \tétrue"


def outcome(parse: Any, text: str) -> str:
    """Texts are equal where values need not be: 1 and True."""
    try:
        return repr(parse(text))
    except (ValueError, SyntaxError):
        return "refused"


def by_python(text: str) -> Any:
    return ast.literal_eval(text.strip())


@given(VALUES)
@example(['it\'s "so"', "\\'", "\x00\xa0\u2028\ud83d", 2**70, ("a",)])
def test_what_python_writes_is_read_back(value: Any) -> None:
    assert outcome(parse_literal, repr(value)) == repr(value)


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@given(st.text(WRITTEN, max_size=12).map(lambda text: f"['a', {text}]"))
@example("['\\ud83d\\ude00', '\\/', '\\0']")
@example("[true, null]")
@example("[00, 1_0, 0x1f, b'', u'x']")
@example("['a' 'b', '''c''']  # it's a comment")
def test_any_text_is_read_as_python_reads_it(text: str) -> None:
    assert outcome(parse_literal, text) == outcome(by_python, text)


@pytest.mark.parametrize(
    "text",
    [
        "[{'role': 'user', 'content': 'it is \\'5\\'\\n\\xa0'}]",
        "[{'role': 'user', 'content': \"it's 5\", 'tool_calls': None}]",
        "[{'role': 'user', 'content': 'x'}\n {'role': 'assistant', 'content': 'y'}]",
    ],
    ids=["escapes", "both quotation marks", "NumPy's"],
)
def test_cells_as_programs_write_them_need_no_parser_of_pythons(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = outcome(by_python, text)
    monkeypatch.delattr(literal.ast, "literal_eval")

    assert outcome(parse_literal, text) == expected
