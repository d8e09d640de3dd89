"""A link to what is not there says so, shows nothing else in its place, and leads on."""

import pytest
from playwright.sync_api import Page, expect

from tests.app.conftest import Server
from tests.app.driving import open_page, settle

pytestmark = pytest.mark.stack


@pytest.mark.parametrize(
    ("link", "said", "field", "unseen"),
    [
        ("data?data=99", "Data set 99 is not here", "Data set", "400 usable"),
        ("stages?data=99", "Data set 99 is not here", "Data set", "keeps"),
        ("stages?data=1&recipe=99", "Recipe 99 is not here", "Recipe", "keeps"),
        ("launch?data=1&recipe=99", "Recipe 99 is not here", "Recipe", "optimizer steps"),
        (
            "launch?data=1&eval=99",
            "Evaluation prompts 99 is not here",
            "Evaluation prompts",
            "steps",
        ),
        ("compare?pipeline=3", "it has not been evaluated yet", "Pipeline", "Verdict"),
        ("playground?pipeline=99", "Pipeline 99 is not here", "Pipeline", "Ask all models"),
    ],
)
def test_what_is_gone_is_told(
    busy_server: Server, page: Page, link: str, said: str, field: str, unseen: str
) -> None:
    open_page(page, f"{busy_server.url}/{link}")
    main = page.get_by_test_id("stMain")
    expect(main.get_by_text(said)).to_be_visible()
    expect(main.get_by_text(unseen)).to_have_count(0)
    chooser = main.get_by_role("combobox", name=field, exact=True)
    expect(chooser).to_have_value("")
    chooser.click()
    page.get_by_role("option").first.click()
    settle(page)
    expect(main.get_by_text("is not here")).to_have_count(0)
    expect(chooser).to_have_count(1)  # the one of before is gone, too
    expect(chooser).not_to_have_value("")


def test_a_pipeline_that_is_gone_leaves_the_table_of_all(busy_server: Server, page: Page) -> None:
    open_page(page, f"{busy_server.url}/runs?pipeline=99")
    main = page.get_by_test_id("stMain")
    expect(main.get_by_text("Pipeline 99 is not here")).to_be_visible()
    expect(main.get_by_test_id("stDataFrame")).to_be_visible()
    expect(main.get_by_text("Differs from defaults")).to_have_count(0)
