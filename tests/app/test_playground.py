"""Playground: all models of a pipeline answer one prompt, for real."""

import re

import pytest
from playwright.sync_api import Page, expect

from app.state.evaluations import evaluated_pipelines, open_evaluation, output_of
from grice_core.store import data_sets
from tests.app.conftest import Server
from tests.app.driving import settle

pytestmark = pytest.mark.stack

NEW = "where do <b>otters</b> sleep?"


def ask(page: Page, prompt: str) -> None:
    page.get_by_role("textbox", name="Prompt").fill(prompt)
    page.get_by_role("button", name="Ask all models").click()
    expect(page.get_by_text("Answered with")).to_be_visible()
    settle(page)


def test_every_model_says_what_it_said_when_it_was_evaluated(
    trained_server: Server, page: Page
) -> None:
    studio = trained_server.studio
    run_id = evaluated_pipelines(studio).found[0].run_id
    models = open_evaluation(studio, output_of(studio, run_id)).models
    page.goto(f"{trained_server.url}/playground?pipeline=1")
    page.get_by_role("button", name="Use an evaluation prompt").click()
    expect(page.get_by_role("textbox", name="Prompt")).to_have_value(
        re.compile("where do .* sleep")
    )
    ask(page, models[0].prompts[0])
    cards = page.locator(".answer")
    expect(cards).to_have_count(3)
    for place, model in enumerate(models):
        expect(cards.nth(place).locator(".model")).to_contain_text(model.name)
        expect(cards.nth(place).locator(".text")).to_have_text(model.responses[0])
        for column, score in enumerate(model.scores[0]):
            expect(cards.nth(place).locator(".scores")).to_contain_text(f"{score:.2f}")
            assert column < 4


def test_answers_outlast_a_reload_and_markup_stays_text(trained_server: Server, page: Page) -> None:
    page.goto(f"{trained_server.url}/playground?pipeline=1")
    ask(page, NEW)
    expect(page).to_have_url(re.compile("asked="))
    answers = page.locator(".answers").inner_text()
    page.reload()
    expect(page.get_by_text("Answered with")).to_be_visible()
    expect(page.locator(".prompt")).to_have_text(NEW)
    assert page.locator(".answers").inner_text() == answers


def test_a_prompt_joins_the_evaluation_set_once(trained_server: Server, page: Page) -> None:
    database = trained_server.studio.database
    before = data_sets.page(database)
    page.goto(f"{trained_server.url}/playground?pipeline=1")
    ask(page, NEW)
    page.get_by_role("button", name="Add to the evaluation set").click()
    expect(page.get_by_text("Added:")).to_be_visible()
    newest = data_sets.page(database)[0]
    assert newest.id not in {one.id for one in before}
    assert newest.name == "eval.json + 1"
    page.get_by_role("link", name="Launch with it").click()
    expect(page).to_have_url(re.compile(rf"eval={newest.id}"))

    page.goto(f"{trained_server.url}/playground?pipeline=1")
    ask(page, NEW)
    page.get_by_role("button", name="Add to the evaluation set").click()
    expect(page.get_by_text("is in eval.json + 1 already")).to_be_visible()


def test_without_worker_and_queue_it_says_what_is_missing(busy_server: Server, page: Page) -> None:
    page.goto(f"{busy_server.url}/playground?pipeline=1")
    page.get_by_role("textbox", name="Prompt").fill("Anybody there?")
    page.get_by_role("button", name="Ask all models").click()
    expect(page.get_by_text("server can't be reached")).to_be_visible()
    expect(page.get_by_text("because of a bug")).to_be_hidden()
