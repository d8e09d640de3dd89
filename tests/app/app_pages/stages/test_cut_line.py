"""A line on a histogram and its number move one threshold: by pointer, by key, by typing; within its range."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from app.app_pages.stages import cut_board
from app.ui.scripts import UI, joined

pytestmark = pytest.mark.stack

SCRIPTS = joined(UI / "histogram.js", Path(cut_board.__file__).with_name("cut_line.js"))
BOARD = """({ sign, isCertain, low, high, value }) => {
  const histogram = new Histogram(
    { title: "manner", colour: "#888888", low: -1, width: 0.02, total: new Array(100).fill(1) },
    false, (bar) => calls.push(["bar", bar.low]));
  globalThis.calls = [];
  const note = (name) => (...given) => calls.push([name, ...given]);
  const control = { threshold: { statistic: "manner", low, high } };
  for (const name of ["prepare", "preview", "commit", "commitSoon", "cancel"]) control[name] = note(name);
  globalThis.line = new CutLine(histogram, { sign, is_certain: isCertain }, control);
  globalThis.field = new CutField(!isCertain, control);
  line.show(value, "keeps 3 of 9");
  field.show(value);
  histogram.show(histogram.total);
  histogram.frame.style.cssText = "position: relative; width: 200px; height: 80px";
  line.root.style.cssText += "; position: absolute; top: 0; bottom: 0";
  line.grip.style.cssText = "position: absolute; left: -5px; width: 10px; height: 80px";
  document.body.style.margin = 0;
  document.body.replaceChildren(histogram.root, field.root);
}"""
"""A histogram from −1 to 1, 200 pixels wide: a threshold's step of 0.01 is a pixel."""


@pytest.fixture
def board(page: Page) -> Page:
    page.set_content("<!doctype html><body></body>")
    page.add_script_tag(content=SCRIPTS)
    return page


def put(page: Page, value: float, *, sign: int = 1, low: float = -1.0, high: float = 1.0) -> None:
    given = {"sign": sign, "isCertain": low < 0, "low": low, "high": high, "value": value}
    page.evaluate(BOARD, given)


def calls(page: Page, *names: str) -> list[list[Any]]:
    found: list[list[Any]] = page.evaluate("calls")
    return [call for call in found if call[0] in names]


def drag(page: Page, pixels: int) -> None:
    box = page.locator(".grip").bounding_box()
    assert box is not None
    x, y = box["x"] + 3, box["y"] + 40  # wherever it is taken, it moves as far as the pointer
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + pixels, y)


def test_a_line_is_a_slider_that_says_what_it_does(board: Page) -> None:
    put(board, 0.2)
    said = board.get_by_role("slider", name="manner >")

    assert said.get_attribute("aria-valuenow") == "0.2"
    assert said.get_attribute("aria-valuetext") == "0.20: keeps 3 of 9"
    assert (said.get_attribute("aria-valuemin"), said.get_attribute("aria-valuemax")) == ("-1", "1")


def test_a_pointer_takes_it_along_and_lets_it_go(board: Page) -> None:
    put(board, 0.2)
    drag(board, 17)
    board.mouse.up()

    assert calls(board, "preview", "commit", "bar") == [["preview", 0.37], ["commit"]]


def test_the_line_on_the_other_side_moves_the_same_threshold_the_other_way(board: Page) -> None:
    put(board, 0.2, sign=-1, low=0.0)
    drag(board, -10)

    assert calls(board, "preview") == [["preview", 0.3]]
    assert board.get_by_role("slider").count() == 0


def test_it_stops_at_the_ends_of_its_range(board: Page) -> None:
    put(board, 0.05, low=0.0)
    drag(board, -40)

    assert calls(board, "preview") == [["preview", 0]]


def test_escape_and_a_pointer_that_is_taken_away_put_it_back(board: Page) -> None:
    put(board, 0.2)
    drag(board, 5)
    board.keyboard.press("Escape")
    board.mouse.up()

    assert calls(board, "commit", "cancel") == [["cancel"]]
    drag(board, 5)
    board.evaluate("line.grip.dispatchEvent(new PointerEvent('pointercancel'))")
    assert calls(board, "commit", "cancel") == [["cancel"], ["cancel"]]


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["ArrowLeft"], 0.19),
        (["ArrowUp", "ArrowUp", "ArrowUp"], 0.23),
        (["Shift+ArrowRight"], 0.3),
        (["PageDown", "ArrowLeft"], 0.09),
        (["Home"], -1),
        (["End", "ArrowRight"], 1),
    ],
)
def test_keys_move_it_on_the_grid(board: Page, keys: list[str], value: float) -> None:
    put(board, 0.2)
    board.get_by_role("slider").focus()
    for key in keys:
        board.keyboard.press(key)

    assert calls(board, "preview")[-1] == ["preview", value]
    assert len(calls(board, "commitSoon")) == len(keys)


def test_a_number_is_tried_while_it_is_typed_and_taken_when_it_is_done(board: Page) -> None:
    put(board, 0.2)
    number = board.get_by_role("spinbutton", name="manner >")
    assert number.input_value() == "0.20"
    number.fill("0.305")
    number.press("Enter")

    assert calls(board, "preview", "commit") == [["preview", 0.305], ["commit"]]


@pytest.mark.parametrize("typed", ["", "7", "-3"])
def test_what_is_no_threshold_is_not_taken(board: Page, typed: str) -> None:
    put(board, 0.2)
    number = board.get_by_role("spinbutton")
    number.fill(typed)
    number.press("Enter")

    assert calls(board, "preview", "commit", "cancel") == [["cancel"]]


def test_a_value_with_more_digits_is_shown_as_it_is(board: Page) -> None:
    put(board, -0.205)

    assert board.locator(".cut-label").inner_text() == "−0.205"
    assert board.get_by_role("spinbutton").input_value() == "-0.205"
