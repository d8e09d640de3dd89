"""Tables for spreadsheets: no cell is run as a formula, and every text comes back."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from grice_core.csv_text import csv_text, original

FORMULA = "=+-@\t\r"
texts = st.text(
    st.sampled_from("'=+-@\t\r\n ,;\"a") | st.characters(exclude_categories=["Cs"]), max_size=8
)


@given(st.lists(texts, min_size=1, max_size=5))
def test_no_cell_begins_a_formula_and_every_text_comes_back(written: list[str]) -> None:
    table = csv_text(["text"], [[text] for text in written])
    _, *cells = (row[0] if row else "" for row in csv.reader(io.StringIO(table, newline="")))
    assert not any(cell.startswith(tuple(FORMULA)) for cell in cells)
    assert [original(cell) for cell in cells] == written


def test_numbers_and_ordinary_texts_stay_as_they_are() -> None:
    assert csv_text(["a", "b"], [(-0.5, "it's"), (3, "'quoted'")]) == "a,b\n-0.5,it's\n3,'quoted'\n"


def test_a_carriage_return_stays_in_its_cell() -> None:
    table = csv_text(["a", "b"], [("\r", "one\rtwo")])
    assert list(csv.reader(io.StringIO(table, newline="")))[1:] == [["'\r", "one\rtwo"]]
