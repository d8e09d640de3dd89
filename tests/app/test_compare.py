"""Compare: verdict, table, answers, exports, link."""

import csv
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from app.app_pages.compare.blind import blind_result
from grice_core.evaluation.numbers import percent, percent_interval
from grice_core.maxims import MAXIMS
from grice_core.store import runs, votes
from grice_core.store.votes import Ballot
from tests.app.conftest import Picture, Server
from tests.app.driving import open_page, settle
from tests.app.pipelines import CURED, JOINT, Filler

pytestmark = pytest.mark.stack


def test_shows_the_verdict_first_and_every_change_of_the_linked_pipeline(
    busy_server: Server, page: Page
) -> None:
    page.goto(f"{busy_server.url}/compare?pipeline=1")
    expect(page.get_by_role("heading", name="Verdict")).to_contain_text("Cooperative")
    rates = page.locator("table").first
    expect(rates.locator("th")).to_have_text(["", "baseline", "Stage 1", "Stage 2", "change"])
    expect(rates.locator("tbody tr")).to_have_count(5)
    expect(page.get_by_text("Stage 2 lost quantity")).to_be_hidden()


def test_ten_prompts_are_too_few_and_it_says_how_many_would_do(
    doubtful_server: Server, page: Page
) -> None:
    page.goto(f"{doubtful_server.url}/compare?pipeline=1")
    expect(page.get_by_role("heading", name="too few prompts to tell")).to_be_visible()
    expect(page.get_by_text(re.compile(r"About \d+ prompts would tell")).first).to_be_visible()


def test_a_hundred_prompts_decide(doubtful_server: Server, page: Page) -> None:
    page.goto(f"{doubtful_server.url}/compare?pipeline=2")
    expect(page.get_by_role("heading", name="Verdict: met")).to_be_visible()


def test_what_stage_2_damages_is_red_and_not_hidden_in_an_average(
    doubtful_server: Server, page: Page
) -> None:
    page.goto(f"{doubtful_server.url}/compare?pipeline=3")
    expect(page.get_by_role("heading", name="Verdict: not met")).to_be_visible()
    lost = page.get_by_text("Stage 2 lost quantity")
    expect(lost).to_be_visible()
    assert _is_red(lost)
    kept = page.locator("table").nth(1).locator("tbody tr").first
    expect(kept.locator("td").first).to_have_text("quantity")
    assert _is_red(kept.locator("td").nth(1))
    # Manner got better: what was kept of it is not red.
    expect(page.locator("table").nth(1).locator("tr:nth-child(4) td.bad")).to_have_count(0)


def test_what_only_the_training_judge_sees_is_red_and_both_judges_are_shown(
    doubtful_server: Server, page: Page, picture: Picture
) -> None:
    page.goto(f"{doubtful_server.url}/compare?pipeline=4&view=Two+judges")
    heading = page.get_by_role("heading", name="met by the training judge, not met by the second")
    expect(heading).to_be_visible()
    alarm = page.get_by_text("Stage 2 improved manner by the training judge only").first
    expect(alarm).to_be_visible()
    assert _is_red(alarm)
    rates = page.locator("table").first.locator("tbody tr")
    expect(rates).to_have_count(10)
    expect(rates.nth(6)).to_contain_text("manner")
    expect(rates.nth(7)).to_contain_text("second judge")
    expect(page.get_by_text("Open circles: by the second judge.")).to_be_visible()
    expect(page.get_by_text("Passed by the training judge, faulted by the second")).to_be_visible()
    expect(page.locator(".scatterlayer .trace")).to_have_count(6)
    settle(page)
    picture(page, "compare-two-judges")


def _is_red(found: Locator) -> bool:
    colour = found.evaluate("element => getComputedStyle(element).color")
    red, green, blue = (float(part) for part in re.findall(r"[\d.]+", colour)[:3])
    return red > 1.5 * green and red > 1.5 * blue


def test_a_moved_threshold_judges_anew_and_stands_in_the_link(
    busy_server: Server, page: Page
) -> None:
    page.goto(f"{busy_server.url}/compare?pipeline=1")
    rate = (
        page.locator("table", has_text="baseline")
        .first.locator("tbody tr")
        .first.locator("td")
        .nth(1)
    )
    expect(rate).to_contain_text("%")
    before = rate.inner_text()
    page.get_by_text("Change thresholds").click()
    slider = page.get_by_role("slider", name="quantity >")
    slider.press("Home")
    expect(page).to_have_url(re.compile("at=0"))
    expect(page.get_by_text("quantity 0 instead of 0.5")).to_be_visible()
    expect(rate).to_contain_text("100.0 %")

    page.get_by_role("button", name="Reset to the detector's").click()
    expect(page).not_to_have_url(re.compile("at="))
    expect(rate).to_have_text(before.split("\n")[0] + before.split("\n")[-1])


def test_the_link_opens_exactly_this_comparison(busy_server: Server, page: Page) -> None:
    page.goto(f"{busy_server.url}/compare?pipeline=1&against=2&at=0.3,0.5,0.5,0.5&view=Changes")
    expect(page.get_by_role("radio", name="Changes")).to_be_checked()
    page.get_by_role("button", name="Link").click()
    link = page.get_by_test_id("stCode").inner_text().strip()
    page.goto(link)
    expect(page.get_by_role("heading", name="Against the other pipeline")).to_be_visible()
    expect(page.get_by_role("radio", name="Changes")).to_be_checked()
    expect(page.get_by_text("quantity 0.3 instead of 0.5")).to_be_visible()


def test_the_link_opens_the_same_page_of_the_same_answers(busy_server: Server, page: Page) -> None:
    open_page(page, f"{busy_server.url}/compare?pipeline=1")
    page.get_by_role("radiogroup", name="Filter by").get_by_text("relation").click()
    page.get_by_role("radio", name="all (80)").click()
    settle(page)
    page.get_by_role("button", name="Page 3", exact=True).click()
    expect(page).to_have_url(re.compile("page=3"))
    settle(page)
    prompts = page.locator(".prompt").all_inner_texts()
    assert len(prompts) == 10
    page.get_by_role("button", name="Link").click()
    code = page.get_by_test_id("stCode")
    expect(code).to_contain_text("page=3")
    link = code.inner_text().strip()
    assert "by=relation" in link

    open_page(page, link)
    expect(page.locator(".prompt")).to_have_text(prompts)
    expect(page.get_by_test_id("stPaginationPageActive")).to_have_text("3")
    expect(page.get_by_role("radio", name="relation")).to_be_checked()
    page.get_by_role("radio", name="fixed by Stage 1").click()
    expect(page).not_to_have_url(re.compile("page="))


@pytest.mark.parametrize(
    ("view", "told"),
    [
        ("Changes", "Holm-corrected. Fixed, broken"),
        ("Seeds", "ran with one seed"),
        ("Trade-offs", "Lower left is better"),
        ("Taught+pairs", "has stored no implicit rewards per pair"),
    ],
)
def test_each_view_opens_by_its_link(busy_server: Server, page: Page, view: str, told: str) -> None:
    page.goto(f"{busy_server.url}/compare?pipeline=1&view={view}")
    expect(page.get_by_text(told)).to_be_visible()


def test_seeds_are_shown_as_spread(doubtful_server: Server, page: Page) -> None:
    page.goto(f"{doubtful_server.url}/compare?pipeline=2&view=Seeds")
    expect(
        page.get_by_text(re.compile(r"Seeds .*Mean and standard deviation over seeds"))
    ).to_be_visible()
    expect(page.locator("table").last.locator("tbody tr")).to_have_count(5)


def test_ten_prompts_judged_blindly(busy_server: Server, page: Page) -> None:
    page.goto(f"{busy_server.url}/compare?pipeline=2&view=Judge+blindly")
    firsts = set()
    for number in range(10):
        expect(page.get_by_text(f"{number} of 80 prompts judged")).to_be_visible()
        card = page.locator(".answer").first
        expect(card.locator(".model")).to_have_text("A")
        expect(page.locator(".scores").first).to_be_empty()
        firsts.add(card.locator(".text").inner_text().rpartition("says ")[2])
        if number == 0:
            page.get_by_test_id("stCheckbox").filter(has_text="manner").first.click()
        settle(page)
        save = page.get_by_role("button", name="Save and show next")
        expect(save).to_have_count(1)  # the form before may still stand there on a busy machine
        save.click()
    expect(page.get_by_text("10 of 80 prompts judged")).to_be_visible()
    assert firsts == {"baseline.", "joint."}  # neither has a place of its own

    database = busy_server.studio.database
    run = next(run for run in runs.of_pipeline(database, 2) if run.kind == "evaluate")
    kept = votes.judged_twice(database, run.id, "", ["baseline", "joint"])
    assert len(kept) == 10 * 2 * 4
    assert sum(one.by_person for one in kept) == 1
    result = blind_result(kept)
    assert result is not None
    rows = page.locator("table", has_text="kappa").locator("tbody tr")
    for place, found in enumerate(result.agreements):
        expect(rows.nth(place)).to_contain_text(percent(found.rate))
        expect(rows.nth(place)).to_contain_text(percent_interval(found.interval))

    page.reload()
    expect(page.get_by_text("10 of 80 prompts judged")).to_be_visible()
    expect(page.get_by_text("by the detector; with 20 judgements:")).to_be_visible()
    corrected = page.locator("table").nth(1).locator("tbody tr").first
    expect(corrected).to_contain_text("quantity")
    expect(corrected).to_contain_text(re.compile(r"\d+\.\d %\[\d+\.\d, \d+\.\d\]"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download your judgements").click()
    told = list(csv.DictReader(download.value.path().read_text(encoding="utf-8").splitlines()))
    assert len(told) == 10 * 2 * 4
    assert [line["by_person"] for line in told].count("1") == 1


def test_only_what_decides_is_judged_unless_one_asks_for_all_models(
    busy_server: Server, page: Page
) -> None:
    open_page(page, f"{busy_server.url}/compare?pipeline=1&view=Judge+blindly")
    expect(page.get_by_text("10 more prompts until there is a first estimate")).to_be_visible()
    expect(page.locator(".answer")).to_have_count(2)
    page.get_by_role("radio", name="All models").click()
    expect(page.locator(".answer")).to_have_count(3)
    expect(page).to_have_url(re.compile("judge=All"))


def test_a_decision_is_said_and_judging_goes_on_only_if_one_wants(
    doubtful_server: Server, page: Page
) -> None:
    database = doubtful_server.studio.database
    run = next(run for run in runs.of_pipeline(database, 2) if run.kind == "evaluate")
    models = ("baseline", "stage2")
    for index in range(90):  # the baseline violates everything, the last stage nothing
        found = {model: frozenset(MAXIMS if model == "baseline" else ()) for model in models}
        for voter in ("", "ann@example.org")[: 2 if index < 12 else 1]:
            votes.cast(database, Ballot(run.id, index, voter, found, 1.0))
    open_page(page, f"{doubtful_server.url}/compare?pipeline=2&view=Judge+blindly")
    expect(page.get_by_text("Decided after 90 prompts: met. You can stop here")).to_be_visible()
    expect(page.get_by_text("hold together, at every look").first).to_be_visible()
    expect(page.get_by_text("over 12 prompts judged by two of them")).to_be_visible()
    expect(page.get_by_role("button", name="Save and show next")).to_have_count(0)
    page.get_by_text("Judge more prompts").click()
    expect(page.get_by_role("button", name="Save and show next")).to_be_visible()


def test_answers_show_foreign_markup_as_text_and_the_choice_stands_in_the_link(
    busy_server: Server, page: Page
) -> None:
    page.goto(f"{busy_server.url}/compare?pipeline=1&show=broken+by+stage2&by=quantity")
    broken = page.get_by_role("radio", name="broken by Stage 2")
    expect(broken).to_be_checked()
    expect(page.get_by_text("<b>is</b> *made* of steel, says stage2").first).to_be_visible()
    page.get_by_text("still violated").click()
    expect(page).to_have_url(re.compile(r"pipeline=1.*show=still(\+|%20)violated"))


def test_another_pipeline_can_be_held_against_it(busy_server: Server, page: Page) -> None:
    page.goto(f"{busy_server.url}/compare?pipeline=1&against=2")
    expect(page.get_by_role("heading", name="Against the other pipeline")).to_be_visible()


def test_the_report_downloads(busy_server: Server, page: Page) -> None:
    page.goto(f"{busy_server.url}/compare?pipeline=1")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_text("Report, one page").click()
    report = download.value.path().read_text(encoding="utf-8")
    assert "Verdict" in report
    assert "<b>is</b>" not in report


def test_what_judgements_correct_stands_in_the_report_and_in_the_exported_card(
    doubtful_server: Server, page: Page
) -> None:
    database = doubtful_server.studio.database
    run = next(run for run in runs.of_pipeline(database, 3) if run.kind == "evaluate")
    for index in range(20):
        found = {"baseline": frozenset(MAXIMS), "stage2": frozenset[str]()}
        votes.cast(database, Ballot(run.id, index, "", found, 1.0))
    open_page(page, f"{doubtful_server.url}/compare?pipeline=3")
    rests_on = page.get_by_text(
        "Verdict: not met by the detector; with 40 judgements:"
    ).inner_text()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_text("Report, one page").click()
    report = download.value.path().read_text(encoding="utf-8")
    assert rests_on in report
    assert "Corrected by 40 judgements" in report
    with page.expect_download() as download:
        page.get_by_text("Adapter of stage2 with its card").click()
    with zipfile.ZipFile(download.value.path()) as adapter:
        card = adapter.read("README.md").decode()
    assert card.startswith("# The adapter's card")
    assert rests_on in card
    assert "|  | baseline | stage2 | change |" in card


def test_what_cannot_be_compared_is_told_and_the_page_stays(
    fresh_server: Server, page: Page, tmp_path: Path
) -> None:
    studio = fresh_server.studio
    Filler(studio, tmp_path).finished("content-then-manner", CURED)
    Filler(studio, tmp_path, topic="tower").finished("joint", JOINT, seed=1)
    Filler(studio, tmp_path, topic="tower").finished("joint", JOINT, seed=2)
    page.goto(f"{fresh_server.url}/compare?pipeline=1&against=2")
    expect(page.get_by_text("have no evaluation prompt in common.")).to_be_visible()
    expect(page.get_by_text("Verdict").first).to_be_visible()
    page.get_by_role("combobox", name="Compare final stage with").click()
    options = page.get_by_role("option")
    expect(options.nth(1)).to_contain_text("✗ 3 ·")
    page.keyboard.press("Escape")

    page.goto(f"{fresh_server.url}/compare?pipeline=2&against=3")
    expect(page.get_by_role("heading", name="Against the other pipeline")).to_be_visible()
    expect(page.get_by_text(str(tmp_path.parent))).to_have_count(0)
