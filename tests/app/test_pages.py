"""The pages as Streamlit's own test harness runs them: quick, and without a browser."""

import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.app_pages import all_pages
from app.state.open_data import open_pairs
from app.state.pipeline_rows import annotate, pipeline_rows
from app.state.studio import Studio
from grice_core.recipes.load import load_recipe
from grice_core.recipes.plan import plan_stages
from grice_core.registry import Keeper
from grice_core.settings import Settings, settings
from grice_core.store import data_sets, pipeline_table, pipelines
from tests.app.pipelines import STAGED, Filler
from tests.app.samples import pair_rows, write_pairs_file, write_unscored_file
from tests.data.conversations import conversational_rows


def written(home: Path, fill: Callable[[Studio], object] | None = None) -> Path:
    """A home that is filled so, and closed: copying it is quicker than filling another one."""
    studio = Studio.open(Settings(home=home))
    if fill is not None:
        fill(studio)
    studio.database.engine.dispose()
    return home


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = tmp_path_factory.mktemp("files")

    def fill(studio: Studio) -> None:
        keeper = Keeper(studio.database, studio.artifacts)
        keeper.keep_pairs(write_pairs_file(files / "scored.json"), "scored.json")
        keeper.keep_pairs(write_unscored_file(files / "unscored.json"), "unscored.json")

    return written(tmp_path_factory.mktemp("filled"), fill)


@pytest.fixture(scope="module")
def judged_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = tmp_path_factory.mktemp("files")

    def fill(studio: Studio) -> None:
        filler = Filler(studio, files)
        filler.finished("content-then-manner", STAGED)
        filler.finished("content-then-manner", STAGED, seed=1)

    return written(tmp_path_factory.mktemp("judged"), fill)


@pytest.fixture
def open_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Path], Studio]]:
    """Opens a copy of a home, which the pages open, too."""
    monkeypatch.setenv("GRICE_HOME", str(tmp_path))
    settings.cache_clear()
    st.cache_resource.clear()

    def opened_copy(home: Path) -> Studio:
        shutil.copytree(home, tmp_path, dirs_exist_ok=True)
        return Studio.open(Settings(home=tmp_path))

    yield opened_copy
    settings.cache_clear()
    st.cache_resource.clear()


@pytest.fixture
def studio(open_copy: Callable[[Path], Studio], empty_home: Path) -> Studio:
    """An installation without any data."""
    return open_copy(empty_home)


@pytest.fixture
def filled(open_copy: Callable[[Path], Studio], filled_home: Path) -> Studio:
    """400 scored pairs (data set 1), 20 unscored ones (data set 2)."""
    return open_copy(filled_home)


@pytest.fixture
def judged(open_copy: Callable[[Path], Studio], judged_home: Path) -> Studio:
    """Two pipelines that differ in their seed, both evaluated."""
    return open_copy(judged_home)


def opened(page: str, /, **query: str) -> AppTest:
    """A page as a link opens it; a fault on it fails the test."""
    test = AppTest.from_function(_show, default_timeout=120, kwargs={"name": page})
    for name, value in query.items():
        test.query_params[name] = value
    return ran(test.run())


def ran(test: AppTest) -> AppTest:
    """The page, unless it failed because of a bug."""
    assert not test.exception
    assert not any("because of a bug" in error.value for error in test.error)
    return test


def _show(name: str) -> None:
    # Runs as a script of its own, without the names around it.
    import streamlit as st

    from app.app_pages import all_pages
    from app.ui.errors import guarded
    from app.url import params
    from app.url.navigation import keep_pages

    pages = {
        title: st.Page(page.show, title=title, url_path=title, default=title == name)
        for title, page in all_pages().items()
    }
    keep_pages(pages)
    chosen = st.navigation(list(pages.values()), position="hidden")
    params.begin(is_another_page=False)
    guarded(chosen.run)()


def words(test: AppTest) -> str:
    """Everything that a page says."""
    shown = [*test.markdown, *test.caption, *test.info, *test.warning, *test.success, *test.text]
    return "\n".join(str(element.value) for element in shown)


PAGES = tuple(all_pages())
HOME = str(Path(__file__).parents[2] / "app" / "home.py")
VIEWS = ("Report", "Pairs", "Distributions", "Conflicts", "Duplicates", "Leakage")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.usefixtures("studio")
def test_every_page_of_an_empty_project_says_something(page: str) -> None:
    assert len(words(opened(page))) > 20


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("data_set", ["1", "2"])
def test_every_view_of_the_data_page_opens_on_scored_and_unscored_pairs(
    view: str, data_set: str
) -> None:
    assert "usable of" in words(opened("data", data=data_set, view=view))


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(("page", "row"), [("3", 51), ("99", 376), ("-3", 1), ("x", 1)])
def test_a_page_of_the_pairs_opens_by_its_link(page: str, row: int) -> None:
    assert f"**Row {row}**" in words(opened("data", data="1", view="Pairs", page=page))


@pytest.mark.usefixtures("filled")
def test_the_overview_leads_to_the_stages_of_what_is_scored() -> None:
    assert "20 unscored" in words(opened("overview"))


def test_a_moved_slider_and_undo_change_what_the_stages_keep(filled: Studio) -> None:
    page = opened("stages", data="1", plain="1")
    begun = kept(page)
    assert begun == planned(filled)

    moved = next(one for one in page.slider if "manner" in one.label).set_value(0.05).run()
    assert kept(moved) == planned(filled, "stage2.filter.manner.above=0.05")

    undone = next(one for one in moved.button if one.label == "Undo").click().run()
    assert kept(undone) == begun


@pytest.mark.usefixtures("filled")
def test_unscored_pairs_cannot_be_cut() -> None:
    assert "None of the 20 pairs is scored" in words(opened("stages", data="2"))


@pytest.mark.usefixtures("filled")
def test_a_link_that_names_nothing_that_is_there_opens_all_the_same() -> None:
    opened("stages", data="99", recipe="no-such", set="stage9.nothing=1", eval="x", leakage="y")
    opened("data", data="x", view="Pairs", margin="cat:1:2", rows="a,b", pair="z", problem="q")
    opened("detector", detector="7", detector_view="Score")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("half.parquet", b"PAR1" + bytes(100)),
        ("empty.json", b""),
        ("bomb.json.gz", gzip.compress(bytes(64 * 1024**2), mtime=0)),
        ("lines.csv", b'"pro\rmpt",chosen,rejected\na,b,c\n'),
    ],
)
def test_a_broken_upload_gets_a_sentence_and_nothing_is_stored(
    studio: Studio, name: str, content: bytes
) -> None:
    page = ran(upload(opened("data"), name, content))

    assert name.replace(".", r"\.") in page.error[0].value  # as Markdown
    assert "Nothing was stored." in words(page)
    assert not data_sets.page(studio.database)


def test_bad_rows_are_named_and_the_others_are_kept_when_somebody_says_so(studio: Studio) -> None:
    rows = pair_rows(40, seed=8)
    rows[11]["chosen_scores"]["quantity"] = 1.7
    rows[29]["rejected_scores"]["manner"] = float("nan")

    page = ran(upload(opened("data"), "some.json", json.dumps(rows).encode()))

    assert "**2 of 40 rows** of some\\.json can't be used. Nothing was stored" in words(page)
    assert "row 12" in words(page)
    assert "row 30" in words(page)
    assert not data_sets.page(studio.database)

    using = next(one for one in page.button if one.label == "Use the 38 usable rows")
    page = ran(using.click().run())

    assert "**38** usable of 40 rows" in words(page)
    assert "row 12" in words(page)
    assert [one.num_usable for one in data_sets.page(studio.database)] == [38]


def test_fields_of_ones_own_are_mapped_with_a_preview(studio: Studio) -> None:
    rows = [{"ask": f"When {n}?", "out": ["At nine.", "Boats float."], "good": n} for n in (1, 5)]
    page = ran(upload(opened("data"), "own.json", json.dumps(rows).encode()))
    assert "has no field 'prompt'" in words(page)
    assert not data_sets.page(studio.database)

    for label, path in (
        ("Prompt", "ask"),
        ("Chosen response", "out.0"),
        ("Rejected response", "out.1"),
    ):
        page = next(one for one in page.selectbox if one.label == label).set_value(path).run()
    page = next(one for one in page.toggle if "scores" in one.label).set_value(True).run()
    assert "0 to 1, lower is better: 0 becomes 0 (no violation), 1 becomes 1" in words(page)
    page = next(one for one in page.toggle if "scores" in one.label).set_value(False).run()
    assert "2 of 2 rows can be used" in words(page)
    using = next(one for one in page.button if one.label == "Use the 2 usable rows")
    page = ran(using.click().run())

    assert "Read as: **your mapping" in words(page)
    (stored,) = data_sets.page(studio.database)
    assert stored.report["reading"]["map"] == {
        "prompt": "ask",
        "chosen": "out.0",
        "rejected": "out.1",
    }


def test_prompts_of_a_field_of_ones_own_are_kept_to_evaluate_on(studio: Studio) -> None:
    page = ran(upload(opened("data"), "asks.json", b'[{"ask": "When?"}, {"ask": "Where?"}]'))
    page = next(one for one in page.selectbox if one.label == "Prompt").set_value("ask").run()
    using = next(one for one in page.button if one.label == "Use the prompts to evaluate on")
    page = ran(using.click().run())

    assert "Stored 2 prompts to evaluate on" in words(page)
    assert [one.num_usable for one in data_sets.page(studio.database)] == [2]


def test_where_two_layouts_fit_the_page_asks(studio: Studio) -> None:
    responses = {"response_0": "At nine.", "response_1": "Boats float."}
    row = {"prompt": "When?", **responses, "better_response_id": 0, "safer_response_id": 1}
    page = ran(upload(opened("data"), "safe.json", json.dumps([row]).encode()))

    page = next(one for one in page.radio if one.label == "Read it as").set_value("pku-safer").run()
    using = next(one for one in page.button if one.label == "Use the 1 usable row")
    ran(using.click().run())

    (stored,) = data_sets.page(studio.database)
    assert stored.report["reading"] == {"layout": "pku-safer"}


def test_a_file_of_prompts_is_kept_to_evaluate_on(studio: Studio) -> None:
    page = ran(upload(opened("data"), "ask.json", b'["When?", "Where?"]'))

    assert "Stored 2 prompts to evaluate on" in words(page)
    assert "Read as: **a list of texts**" in words(page)
    assert [one.num_usable for one in data_sets.page(studio.database)] == [2]


@pytest.mark.usefixtures("studio")
def test_pairs_with_a_warning_are_a_click_away() -> None:
    rows = pair_rows(10, seed=8)
    rows[4] = rows[2]
    page = ran(upload(opened("data"), "double.json", json.dumps(rows).encode()))

    page = ran(next(one for one in page.button if one.label == "Show these pairs").click().run())

    assert "**1** of 10 pairs" in words(page)  # the second of the two, which is the one too many
    assert "**Row 5**" in words(page)


def test_conversations_are_pairs_like_any_other(studio: Studio) -> None:
    content = json.dumps(conversational_rows()).encode()
    ran(upload(opened("data"), "chat.json", content))

    for view in VIEWS:
        assert "**9** usable of 9 rows" in words(opened("data", data="1", view=view))
    assert "different numbers of messages" in words(opened("data", data="1", view="Report"))
    assert "**1** of 9 pairs" in words(
        opened("data", data="1", view="Pairs", problem="unequal_turns")
    )
    assert len(kept(opened("stages", data="1", plain="1"))) == 2
    (stored,) = data_sets.page(studio.database)
    table = open_pairs(studio, stored.artifact_sha256).table
    assert table.prompts[2] == "[system]: Be brief.\n[user]: When does the ferry leave?"
    assert table.conversations[2] is not None


def upload(page: AppTest, name: str, content: bytes) -> AppTest:
    return page.file_uploader[0].set_value((name, content, "application/octet-stream")).run()


def kept(page: AppTest) -> list[int]:
    """What the stages keep, as the page says it."""
    lines = [one.value for one in page.markdown if one.value.startswith("keeps")]
    return [int(line.split("**")[1].replace(",", "")) for line in lines]


def planned(studio: Studio, *overrides: str) -> list[int]:
    """The same according to the core."""
    table = open_pairs(studio, data_sets.get(studio.database, 1).artifact_sha256).table
    recipe = load_recipe("content-then-manner", overrides)
    return [stage.filtered.num_kept for stage in plan_stages(recipe, table, seed=0)]


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize(
    ("view", "told"),
    [
        ("Answers", "the largest change first"),
        ("Judge blindly", "0 of 80 prompts judged"),
        ("Changes", "Holm-corrected. Fixed, broken"),
        ("Length and diversity", "the version that evaluated these did not count"),
        ("Seeds", "Seeds 0, 1"),
        ("Trade-offs", "Lower left is better"),
        ("Implicit reward per pair", "no implicit rewards"),
        ("no such view", "the largest change first"),
    ],
)
def test_every_view_of_a_comparison_opens(view: str, told: str) -> None:
    said = words(opened("compare", pipeline="1", against="2", view=view))
    assert "Verdict" in said
    assert told in said


@pytest.mark.usefixtures("judged")
def test_a_choice_outlives_a_browser_that_still_tells_the_link_of_before() -> None:
    page = opened("compare", pipeline="1")
    before = dict(page.query_params)
    chosen = next(one for one in page.radio if one.label == "Filter by").set_value("relation")
    page = ran(chosen.run())
    assert page.query_params["by"] == "relation"

    page.query_params.clear()
    page.query_params.update(before)
    shown = next(one for one in page.segmented_control if one.label == "Answers")
    page = ran(shown.set_value("still violated").run())

    assert page.query_params["by"] == "relation"
    assert page.query_params["show"] == "still violated"


@pytest.mark.usefixtures("judged")
def test_moved_thresholds_of_a_link_judge_anew_and_nonsense_does_not() -> None:
    moved = "Judged by other thresholds"
    assert moved in words(opened("compare", pipeline="1", at="0.3,0.5,0.5,0.5"))
    for nonsense in ("x", "0.3", "0.3,0.5,0.5,7", ""):
        assert moved not in words(opened("compare", pipeline="1", at=nonsense))


@pytest.mark.usefixtures("judged")
def test_the_playground_begins_with_an_evaluation_prompt_and_needs_its_server() -> None:
    page = opened("playground", pipeline="1")
    take = next(one for one in page.button if one.label == "Use an evaluation prompt")
    page = ran(take.click().run())
    assert page.text_area[0].value
    ask = next(one for one in page.button if one.label == "Ask all models")
    page = ran(ask.click().run())
    assert "server can't be reached" in page.error[0].value.replace("\\", "")


@pytest.mark.usefixtures("judged")
def test_the_system_page_tells_what_is_missing() -> None:
    assert "No worker is running" in words(opened("system"))


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize(
    ("page", "view", "told"),
    [
        ("data", "Repetitions", "Duplicates"),
        (
            "detector",
            "Make",
            "Queue training",
        ),  # the form of the view Train, there being no detector
        ("compare", "Taught pairs", "Implicit reward per pair"),
    ],
)
def test_a_link_to_a_view_that_was_renamed_opens_it(page: str, view: str, told: str) -> None:
    name = "detector_view" if page == "detector" else "view"
    shown = opened(page, **{name: view})
    views = {control.value for control in shown.segmented_control}
    assert told in views | {button.label for button in shown.button}


DAMAGES: dict[str, dict[str, Any]] = {
    "a specification of something else": {
        "pipelines.spec": {"a": 1},
        "runs.spec": [1],
        "runs.troubles": ["odd"],
    },
    "a seed in words, results that are a list": {
        "pipelines.spec +": {"seed": "one"},
        "runs.result": [1],
    },
    "a recipe of other fields, results of another kind": {
        "pipelines.spec +": {"recipe": {"stages": 3}},
        "runs.spec +": {"recipe": {"stages": 3}},
        "runs.troubles": {"loss": 3},
        "runs.result": {"verdict": "met", "percent": {"cooperative": [1]}, "seconds": "long"},
    },
}


def damage(studio: Studio, pipeline_id: int, change: dict[str, Any]) -> None:
    """Write into the rows of a pipeline what no program of ours would; with a +, beside what is there."""
    before = pipelines.get(studio.database, pipeline_id).spec
    for column, value in change.items():
        table, name = column.removesuffix(" +").split(".")
        text = json.dumps(before | value if column.endswith("+") else value)
        key = "id" if table == "pipelines" else "pipeline_id"
        statement = f"UPDATE {table} SET {name} = ? WHERE {key} = ?"  # noqa: S608 - our own names
        with studio.database.engine.begin() as connection:
            connection.exec_driver_sql(statement, (text, pipeline_id))


def test_damaged_pipelines_keep_no_other_from_being_shown(studio: Studio, tmp_path: Path) -> None:
    filler = Filler(studio, tmp_path)
    whole = filler.finished("content-then-manner", STAGED)
    damaged = {}
    for seed, (name, change) in enumerate(DAMAGES.items(), start=1):
        damaged[name] = filler.finished("content-then-manner", STAGED, seed)
        damage(studio, damaged[name], change)
    for page in ("overview", "launch", "playground", "detector"):
        opened(page)
    compare = opened("compare")
    assert any(line.startswith(f"{whole} · ") for line in compare.selectbox[0].options)
    for pipeline_id in damaged.values():
        reason = f"Pipeline {pipeline_id} can't be read: "
        assert any(line.value.replace("\\", "").startswith(reason) for line in compare.warning)
    shown = opened("runs", pipeline=str(whole))
    table = shown.dataframe[0].value
    assert table["no."].tolist() == [*reversed(damaged.values()), whole]
    assert table["state"].tolist() == ["done", "unreadable", "unreadable", "done"]
    assert not shown.error
    newest = opened("runs").error
    assert any("can't be read: its recipe" in each.value.replace("\\", "") for each in newest)


def test_tables_that_another_version_has_upgraded_are_not_shown(studio: Studio) -> None:
    home = AppTest.from_file(HOME, default_timeout=120)
    assert not home.run().error
    with studio.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert "a newer one has upgraded it; use that" in home.run().error[0].value


def test_pipelines_are_read_once_until_one_of_them_changes(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The dashboard's own asks who sits in front of it, and here is no session.
    monkeypatch.setattr("app.state.pipeline_rows.studio", lambda: studio)
    filler = Filler(studio, tmp_path)
    first = filler.pipeline("joint")
    rows = pipeline_rows()
    assert pipeline_rows() is rows
    annotate(first, name="the first", tags=["paper"], note="a note")
    assert [(row.name, row.tags, row.note) for row in pipeline_rows()] == [
        ("the first", ("paper",), "a note")
    ]
    pipeline_table.annotate(studio.database, first, name="another program's", tags=[], note="")
    assert [row.name for row in pipeline_rows()] == ["another program's"]
    second = filler.pipeline("joint", 1)
    assert [row.id for row in pipeline_rows()] == [second, first]
