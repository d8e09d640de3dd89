"""Cutting stages: what a threshold does is seen at once, can be undone, and travels in the link."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from app.state.open_data import open_pairs
from grice_core.recipes.load import load_recipe
from grice_core.recipes.plan import plan_stages
from grice_core.store import data_sets
from tests.app.conftest import Server
from tests.app.driving import drag_line, open_page, set_number, settle

pytestmark = pytest.mark.stack


def kept_by(server: Server, *overrides: str) -> list[int]:
    """What each stage keeps of data set 1, according to the core."""
    data = data_sets.get(server.studio.database, 1)
    table = open_pairs(server.studio, data.artifact_sha256).table
    recipe = load_recipe("content-then-manner", overrides)
    return [stage.filtered.num_kept for stage in plan_stages(recipe, table, seed=0)]


def expect_kept(page: Page, counts: list[int]) -> None:
    for count in counts:
        expect(page.get_by_text(re.compile(rf"^keeps {count:,} of 400"))).to_be_visible()


def test_a_moved_threshold_changes_everything_can_be_undone_and_shared(
    server: Server, page: Page
) -> None:
    open_page(page, f"{server.url}/stages?data=1")
    expect_kept(page, kept_by(server))

    set_number(page, "manner >", "0.05")

    changed = kept_by(server, "stage2.filter.manner.above=0.05")
    assert changed != kept_by(server)
    expect_kept(page, changed)
    expect(page.locator(".cut-label").get_by_text("0.05", exact=True)).to_be_visible()
    expect(page.locator(".why li:last-child").nth(1)).to_have_text(f"kept {changed[1]}")
    expect(page).to_have_url(re.compile(r"set=stage2\.filter\.manner\.above%3D0\.05"))

    other_tab = page.context.new_page()
    open_page(other_tab, page.url)
    expect_kept(other_tab, changed)
    other_tab.close()

    page.get_by_role("button", name="Undo").click()
    expect_kept(page, kept_by(server))
    expect(page).not_to_have_url(re.compile("set="))


def test_rounds_are_named_and_there_is_nothing_of_them_to_cut(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1&recipe=content-then-manner-own")
    expect_kept(page, kept_by(server))
    expect(
        page.get_by_text("Round 1, Round 2, Round 3: pairs are sampled from the model")
    ).to_be_visible()
    expect(page.get_by_text(re.compile("^keeps "))).to_have_count(2)


def board_of(page: Page) -> list[list[str]]:
    """All numbers on the board."""
    expect(page.locator(".keeps").first).to_be_visible()
    parts = (".keeps", ".why li", ".mean", ".training", ".overlap")
    return [page.locator(part).all_inner_texts() for part in parts]


def test_a_dragged_line_counts_at_once_what_the_server_counts_when_it_is_let_go(
    server: Server, page: Page
) -> None:
    open_page(page, f"{server.url}/stages?data=1")
    begun = board_of(page)
    drag_line(page, "manner >", 0.05, release=False)
    moved = kept_by(server, "stage2.filter.manner.above=0.05")
    expect_kept(page, moved)
    live = board_of(page)
    assert "set=" not in page.url
    assert live[1:] != begun[1:]

    page.mouse.up()

    expect(page).to_have_url(re.compile(r"set=stage2\.filter\.manner\.above%3D0\.05"))
    settle(page)
    assert board_of(page) == live


def test_a_threshold_of_either_sign_moves_both_its_lines_on_both_its_histograms(
    server: Server, page: Page
) -> None:
    open_page(page, f"{server.url}/stages?data=1")

    drag_line(page, "|quantity| or |relation| >", 0.4)

    expect_kept(page, kept_by(server, "stage1.filter.no strong signal.above=0.4"))
    labels = page.locator(".stage").first.locator(".cut.either .cut-label")
    expect(labels).to_have_text(["−0.40", "0.40", "−0.40", "0.40"])


def test_a_drag_that_is_given_up_changes_nothing(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1")
    begun = board_of(page)
    drag_line(page, "manner >", 0.1, release=False)
    page.keyboard.press("Escape")
    page.mouse.up()

    line = page.get_by_role("slider", name="manner >")
    expect(line).to_have_attribute("aria-valuenow", "0.2")
    assert board_of(page) == begun
    assert "set=" not in page.url


def test_a_finger_drags_a_line_as_well(server: Server, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    open_page(page, f"{server.url}/stages?data=1&stage=stage2")
    line = page.get_by_role("slider", name="manner >")
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    assert box is not None
    touch = context.new_cdp_session(page)
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    for _ in range(12):
        point["x"] -= 1
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    expect(page).to_have_url(re.compile(r"set=stage2\.filter\.manner\.above"))
    assert float(line.get_attribute("aria-valuenow") or 1) < 0.2
    context.close()


def test_a_line_is_moved_by_key_and_keeps_the_focus(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1")
    line = page.get_by_role("slider", name="manner >")
    line.focus()

    for key in ("ArrowLeft", "ArrowLeft", "PageDown", "ArrowUp"):
        page.keyboard.press(key)

    expect(line).to_have_attribute("aria-valuenow", "0.09")
    changed = kept_by(server, "stage2.filter.manner.above=0.09")
    expect(line).to_have_attribute("aria-valuetext", f"0.09: keeps {changed[1]} of 400")
    expect(page).to_have_url(re.compile(r"above%3D0\.09"))
    settle(page)
    expect(line).to_be_focused()
    page.keyboard.press("Home")
    expect(line).to_have_attribute("aria-valuenow", "-1")


def test_both_stages_with_their_histograms_and_counts_are_in_one_view(
    server: Server, page: Page
) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    open_page(page, f"{server.url}/stages?data=1")

    for part in (".keeps", ".panel", ".why", ".overlap"):
        for shown in page.locator(part).all():
            box = shown.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= 900, part


def test_undo_redo_back_and_forward_go_the_same_way(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1")
    begun, changed = kept_by(server), kept_by(server, "stage2.filter.manner.above=0.05")
    undo, redo = (page.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    set_number(page, "manner >", "0.05")
    expect(page).to_have_url(re.compile(r"above%3D0\.05"))
    settle(page)

    page.go_back()
    expect_kept(page, begun)
    expect(undo).to_be_disabled()
    redo.click()
    expect_kept(page, changed)
    undo.click()
    expect_kept(page, begun)
    expect(redo).to_be_enabled()


def test_a_preset_moves_all_thresholds(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1")
    before = kept_by(server)

    page.get_by_role("button", name="Presets").click()
    page.get_by_role("button", name="Half as many pairs").click()

    expect(page).to_have_url(re.compile("set="))
    settle(page)
    shown = [int(text.split()[1]) for text in page.locator(".keeps").all_inner_texts()]
    for now, once in zip(shown, before, strict=True):
        assert 0 < now <= once / 2


def test_thresholds_can_be_moved_without_a_script_of_ours(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1")
    page.get_by_text("Plain controls", exact=True).click()
    expect(page.locator(".board")).to_have_count(0)
    expect_kept(page, kept_by(server))

    set_number(page, "manner >", "0.05")

    changed = kept_by(server, "stage2.filter.manner.above=0.05")
    expect_kept(page, changed)
    expect(page.get_by_test_id("stTable").nth(2)).to_contain_text("manner")


def test_histograms_that_cannot_be_fetched_leave_the_plain_controls(
    server: Server, page: Page
) -> None:
    page.route("**/media/**", lambda route: route.abort())
    open_page(page, f"{server.url}/stages?data=1")

    expect(page.get_by_text("The histograms could not be loaded")).to_be_visible()
    page.get_by_text("Plain controls", exact=True).click()
    expect_kept(page, kept_by(server))


def test_two_margins_are_seen_at_once_with_their_lines(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1&stage=stage2")

    page.get_by_text("Two margins at once").click()
    page.get_by_label("x axis").select_option("relation")
    page.get_by_label("y axis").select_option("manner")

    kept = kept_by(server)[1]
    expect(page.get_by_role("img", name=f"relation and manner: {kept} of 400")).to_be_visible()
    expect(page.locator(".cut-off")).to_have_count(2)
    set_number(page, "manner >", "0.05")
    moved = kept_by(server, "stage2.filter.manner.above=0.05")[1]
    expect(page.get_by_role("img", name=f"relation and manner: {moved} of 400")).to_be_visible()


def test_borderline_pairs_follow_a_line_that_is_held_still(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1&stage=stage2")
    page.get_by_text("Borderline pairs of Stage 2").click()
    expect(page.get_by_text("just kept", exact=True)).to_be_visible()
    settle(page)
    pairs = page.get_by_text(re.compile(r"^row \d"))
    begun = pairs.all_inner_texts()
    assert len(begun) == 6

    drag_line(page, "manner >", 0.1, release=False)

    expect(pairs.first).not_to_have_text(begun[0])
    assert "set=" not in page.url
    page.keyboard.press("Escape")
    expect(pairs.first).to_have_text(begun[0])
    page.mouse.up()


def test_a_reload_keeps_the_cut_and_back_returns_to_the_one_before(
    server: Server, page: Page
) -> None:
    open_page(page, f"{server.url}/stages?data=1")
    set_number(page, "quantity + relation >", "0.6")
    changed = kept_by(server, "stage1.filter.sum too small.above=0.6")
    expect_kept(page, changed)

    page.reload()
    expect_kept(page, changed)

    page.go_back()
    expect_kept(page, kept_by(server))


def test_a_stage_that_keeps_too_little_says_which_threshold_to_move(
    server: Server, page: Page
) -> None:
    open_page(page, f"{server.url}/stages?data=1&set=stage2.filter.manner.above%3D0.95")

    expect(page.get_by_text("training would be refused")).to_be_visible()
    advice = page.get_by_text(re.compile(r"Move manner alone, from 0\.95 to"))
    expect(advice).to_be_visible()
    page.get_by_role("button", name=re.compile(r"→ 1\d\d$")).click()
    expect(page.get_by_text("training would be refused")).to_have_count(0)


def test_thresholds_that_keep_at_least_so_many_are_found(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1")

    page.get_by_role("button", name="Keep at least").nth(1).click()
    set_number(page, "Pairs to keep", "100")
    page.get_by_role("button", name=re.compile("Only manner")).click()

    shown = page.locator(".keeps").nth(1)
    expect(shown).to_have_text(re.compile(r"^keeps [1-3]\d\d of 400"))


def test_a_saved_cut_is_a_new_version_that_the_link_names(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1&set=stage2.filter.manner.above%3D0.3")

    page.get_by_role("button", name="Save as").click()
    page.get_by_role("dialog").get_by_label("Name").fill("my-recipe")
    page.get_by_role("dialog").get_by_label("Name").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()

    expect(page).to_have_url(re.compile(r"recipe=\d+"))
    expect(page.get_by_role("combobox", name="Recipe")).to_have_value("my-recipe v1")
    expect_kept(page, kept_by(server, "stage2.filter.manner.above=0.3"))


def test_the_pairs_behind_a_bar_are_a_click_away(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1")

    frame = page.get_by_role("group", name=re.compile("^manner")).last
    frame.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"/data\?.*margin=manner"))
    expect(page.get_by_role("heading", name="Data")).to_be_visible()


def test_leaking_pairs_can_be_left_out_of_training(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1&eval=2")
    expect(page.get_by_text("12 share a prompt with the training data")).to_be_visible()

    page.get_by_text("leave them out of training").click()

    expect(page.get_by_text(re.compile("^leaks into evaluation")).first).to_be_visible()
    expect(page).to_have_url(re.compile("leakage=drop-train"))


def test_one_stage_can_be_looked_at_alone(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1")
    expect(page.get_by_text(re.compile("^keeps"))).to_have_count(2)

    page.get_by_role("radio", name="Stage 2").click()

    expect(page.get_by_text(re.compile("^keeps"))).to_have_count(1)
    expect(page.get_by_role("spinbutton", name="manner >")).to_be_visible()


def test_the_cut_is_launched_as_it_is(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=1&set=stage2.filter.manner.above%3D0.3")

    page.get_by_role("link", name="Launch with these stages").click()

    expect(page.get_by_role("heading", name="Launch")).to_be_visible()
    expect(page).to_have_url(re.compile(r"set=stage2\.filter\.manner\.above%3D0\.3"))


def test_without_data_the_page_says_where_to_begin(empty_server: Server, page: Page) -> None:
    open_page(page, f"{empty_server.url}/stages")

    page.get_by_role("link", name="Upload your own pairs").click()
    expect(page.get_by_role("heading", name="Data")).to_be_visible()


def test_unscored_data_lead_to_a_detector(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/stages?data=2")

    expect(page.get_by_text("None of the 20 pairs is scored")).to_be_visible()
