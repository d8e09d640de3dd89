"""A judge is brought, measured, made, and put to work, through the browser and a real worker."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from grice_core.detector.labels import load_labels
from grice_core.maxims import MAXIMS
from grice_core.registry import Keeper
from grice_core.store import data_sets, detectors
from tests.app.conftest import Picture, Server, free_port, serve
from tests.app.driving import open_page, settle
from tests.app.gricebench import gricebench
from tests.app.judges import Judge, write_judge
from tests.app.samples import write_pairs_file
from tests.detector import lessons, tiny
from tests.detector.judge_server import judge_server
from tests.worker.processes import eventually

pytestmark = pytest.mark.stack
LONG_MS = 240_000
"""A worker, or a command, that has to load torch on a machine that does other work."""


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    return write_judge(tmp_path_factory.mktemp("judge"))


@pytest.fixture(scope="module")
def detector(whole_server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A detector of the store; returns its id as links write it."""
    folder = tiny.write_heads(tmp_path_factory.mktemp("detectors") / "small judge")
    studio = whole_server.studio
    return str(Keeper(studio.database, studio.artifacts).keep_detector(folder).id)


def test_a_checkpoint_is_imported_with_remarks_and_measured(
    whole_server: Server, page: Page, judge: Judge, picture: Picture
) -> None:
    open_page(page, f"{whole_server.url}/detector?detector_view=Import")
    files = page.locator("input[type=file]")
    files.nth(0).set_input_files(judge.checkpoint)
    files.nth(1).set_input_files(judge.temperatures)
    page.get_by_label("Its encoder").fill(str(judge.encoder))
    queue_it(page, "Import")
    picture(page, "judge-in-import")
    look_at_it(whole_server, page, judge.checkpoint.stem)

    remark = "The temperature of quantity and relation is exactly 0.1"
    expect(page.get_by_text(remark)).to_be_visible()
    settle(page)
    picture(page, "judge-imported")

    page.get_by_role("radio", name="Evaluate").click()
    page.locator("input[type=file]").set_input_files(judge.labels)
    queue_it(page, "Evaluate")
    look_at_it(whole_server, page, judge.checkpoint.stem)

    expect(page.get_by_text("Evaluated on 80 labelled texts")).to_be_visible()
    expect(page.get_by_text("A weak judge of")).to_be_visible()
    expect(page.get_by_text("what it calls 70 % likely")).to_be_visible()
    expect(page.locator(".scatterlayer")).to_have_count(4)
    settle(page)
    picture(page, "judge-measured")
    flip_a_label(page, judge, picture)


def flip_a_label(page: Page, judge: Judge, picture: Picture) -> None:
    """Looked through, and taken along as a copy in which one label differs."""
    page.get_by_role("radio", name="Label errors").click()
    expect(page.get_by_text("of 80 texts probably wrong.")).to_be_visible()
    page.get_by_text("Also the other labels").click()
    expect(page.get_by_text(re.compile(r"^\d{3} left\.$"))).to_be_visible()
    for choice, told in (
        ("Skip", "1 decision so far"),
        ("Label is right", "2 decisions so far"),
        ("Flip label", "3 decisions so far"),
    ):
        settle(page)
        page.get_by_role("button", name=choice).click()
        expect(page.get_by_text(told)).to_be_visible()
    expect(page.get_by_text("1 label flipped, 1 confirmed.")).to_be_visible()
    page.reload()  # a new session, which finds what was decided
    expect(page.get_by_text("3 decisions so far")).to_be_visible()
    settle(page)
    picture(page, "judge-label-errors")
    with page.expect_download() as downloading:
        page.get_by_role("button", name=f"Download {judge.labels.stem} v2.json").click()
    copy = judge.labels.with_name("copy.json")
    downloading.value.save_as(copy)
    assert (load_labels(copy).labels != load_labels(judge.labels).labels).sum() == 1


def test_a_damaged_checkpoint_gets_a_sentence(
    whole_server: Server, page: Page, judge: Judge, tmp_path: Path
) -> None:
    (tmp_path / "half.pt").write_bytes(judge.checkpoint.read_bytes()[:999])
    open_page(page, f"{whole_server.url}/detector?detector_view=Import")
    files = page.locator("input[type=file]")
    files.nth(0).set_input_files(tmp_path / "half.pt")
    files.nth(1).set_input_files(judge.temperatures)
    page.get_by_label("Its encoder").fill(str(judge.encoder))

    queue_it(page, "Import")

    failed = page.get_by_test_id("stMain").get_by_text(re.compile("half.*failed"))
    expect(failed.first).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text(re.compile(r"^half\.pt .+"))).to_be_visible()


def test_without_a_detector_the_page_offers_every_way_to_one(
    empty_server: Server, page: Page, tmp_path: Path, picture: Picture
) -> None:
    open_page(page, f"{empty_server.url}/detector")
    for way in (
        "Import one",
        "Ask a language model",
        "Distil one from scored pairs",
        "Train one on labels",
    ):
        page.get_by_role("button", name=way).click()
        expect(page.get_by_test_id("stBaseButton-primary").filter(has_text=way)).to_be_visible()
        settle(page)
    picture(page, "judge-first")
    page.get_by_text("What the file looks like").click()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download an example").click()
    example = tmp_path / downloading.value.suggested_filename
    downloading.value.save_as(example)
    assert len(load_labels(example)) == 4


def test_a_folder_on_the_server_is_imported(
    page: Page, tmp_path_factory: pytest.TempPathFactory, picture: Picture
) -> None:
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("import")
    tiny.write_heads(folder / "ours")
    tiny.write_classifier(folder / "hub" / "four labels", tuple(MAXIMS))
    (folder / "way out").symlink_to(tiny.write_heads(tmp_path_factory.mktemp("secret")))
    for server in serve(home, free_port(), "app", GRICE_IMPORT_DIR=str(folder)):
        for name in ("ours", "hub/four labels"):
            open_page(page, f"{server.url}/detector?detector_view=Import")
            page.set_viewport_size(
                {"width": 1280, "height": 1800}
            )  # the list opens below the forms
            folders = page.get_by_role("combobox", name="Folder")
            folders.scroll_into_view_if_needed()
            settle(page)  # a list that is open closes when the page scrolls
            folders.click()
            expect(page.get_by_role("option")).to_have_count(2)
            picture(page, "judge-folder")
            page.get_by_role("option", name=name, exact=True).click()
            page.get_by_role("button", name="Import the folder").click()
            if name != "ours":  # a run makes it one of ours
                look_at_it(server, page, "four labels")
            expect(page.get_by_text("Calibration and thresholds")).to_be_visible(timeout=LONG_MS)
            expect(page.get_by_role("combobox", name="Detector")).to_have_value(
                re.compile(f"^{Path(name).name} ")
            )


def test_unscored_pairs_become_scored_by_a_queued_run(
    whole_server: Server, page: Page, detector: str, tmp_path: Path, picture: Picture
) -> None:
    studio = whole_server.studio
    file = gricebench(tmp_path).unscored
    unscored = Keeper(studio.database, studio.artifacts).keep_pairs(file, file.name)
    num = unscored.num_usable
    link = f"detector={detector}&detector_view=Score&data={unscored.id}"
    open_page(page, f"{whole_server.url}/detector?{link}")

    page.get_by_role("button", name=f"Score {num} pairs").click()
    looking = page.get_by_role("link", name="Look at the scored pairs")
    expect(looking).to_be_visible(timeout=LONG_MS)
    picture(page, "judge-scored")
    looking.click()

    expect(page.get_by_text(f"{num} usable of {num} rows, all scored.")).to_be_visible()
    newest = data_sets.page(studio.database)[0]
    # The same pairs may have come in another test, under another name.
    assert newest.name == f"{Path(unscored.name).stem}, scored by small judge"
    settle(page)
    picture(page, "judge-scored-pairs")


def test_a_small_detector_is_trained_as_a_queued_run(
    whole_server: Server, page: Page, judge: Judge, detector: str, picture: Picture
) -> None:
    open_page(page, f"{whole_server.url}/detector?detector={detector}&detector_view=Train")
    page.locator("input[type=file]").set_input_files(judge.labels)
    page.get_by_label("Name of the new detector").fill("my small one")
    page.get_by_label("Base encoder").fill(str(judge.encoder))

    queue_it(page)
    picture(page, "judge-in-the-making")

    look_at_it(whole_server, page, "my small one")
    expect(page.get_by_text("Evaluated on")).to_be_visible()


def queue_it(page: Page, button: str = "Queue training") -> None:
    """Ask for what the form describes."""
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_text(re.compile(r"^Run \d+ is in the queue"))).to_be_visible()


def look_at_it(server: Server, page: Page, name: str) -> None:
    """Follow the newest run's link, when it is done, to the card of what it has made."""
    made = page.get_by_test_id("stMain").get_by_text(re.compile(rf"{name} · [^·]*succeeded"))
    expect(made.first).to_be_visible(timeout=LONG_MS)
    newest = detectors.page(server.studio.database)[0]
    page.locator(f"a[href$='detector={newest.id}']").click()
    expect(page.get_by_role("combobox", name="Detector")).to_have_value(re.compile(f"^{name} "))
    expect(page.get_by_role("radio", name="Card")).to_be_checked()


def test_a_small_detector_is_distilled_from_scored_pairs(
    whole_server: Server, page: Page, judge: Judge, tmp_path: Path, picture: Picture
) -> None:
    studio = whole_server.studio
    pairs = write_pairs_file(tmp_path / "taught.json", num=60)
    Keeper(studio.database, studio.artifacts).keep_pairs(pairs, pairs.name)
    open_page(page, f"{whole_server.url}/detector?detector_view=Train&how=distill")
    page.get_by_label("Name of the new detector").fill("student")
    page.get_by_label("Base encoder").fill(str(judge.encoder))
    page.get_by_role("spinbutton", name="Epochs").fill("1")

    queue_it(page)
    look_at_it(whole_server, page, "student")

    expect(page.get_by_text("Agreement with its teacher")).to_be_visible()
    settle(page)
    picture(page, "judge-distilled")
    page.get_by_role("radio", name="Try by hand").click()
    expect(page).to_have_url(re.compile(r"detector=\d+&detector_view=Try"))
    expect(page.get_by_role("combobox", name="Detector")).to_have_value(re.compile("^student "))
    page.get_by_role("button", name="Judge both").click()
    expect(page.get_by_text("coloured the first response")).to_be_visible(timeout=LONG_MS)


def test_a_detector_is_calibrated_from_its_card(
    whole_server: Server, page: Page, judge: Judge, detector: str, picture: Picture
) -> None:
    open_page(page, f"{whole_server.url}/detector?detector={detector}")
    page.get_by_role("button", name="Calibrate it on labelled texts").click()
    expect(page.get_by_role("radio", name="Calibrate this detector")).to_be_checked()
    page.locator("input[type=file]").set_input_files(judge.labels)
    expect(page.get_by_text(judge.labels.name)).to_be_visible()

    queue_it(page)
    picture(page, "judge-in-calibration")
    look_at_it(whole_server, page, "small judge, calibrated")

    expect(page.get_by_text("Evaluated on 80 labelled texts")).to_be_visible()


def test_two_detectors_are_compared_on_the_same_labels(
    whole_server: Server,
    page: Page,
    judge: Judge,
    detector: str,
    tmp_path: Path,
    picture: Picture,
) -> None:
    folder = tiny.write_heads(tmp_path / "another judge", tiny.TWO_PER_HEAD)
    studio = whole_server.studio
    other = Keeper(studio.database, studio.artifacts).keep_detector(folder).id
    link = f"detector={detector}&against={other}&detector_view=Compare"
    open_page(page, f"{whole_server.url}/detector?{link}")
    expect(page.get_by_text("not been evaluated on the same labels")).to_be_visible()

    page.locator("input[type=file]").set_input_files(judge.labels)
    page.get_by_role("button", name="Evaluate both").click()

    expect(page.get_by_text("F1 on the same 80 labelled texts")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_role("row", name=re.compile("^manner"))).to_be_visible()
    settle(page)
    picture(page, "judges-compared")


def test_a_language_model_becomes_a_judge_and_scores_pairs(
    whole_server: Server, page: Page, tmp_path: Path, picture: Picture
) -> None:
    studio = whole_server.studio
    bare = tmp_path / "for the language model.json"
    rows = json.loads(lessons.write_pairs(tmp_path / "pairs.json", 6).read_text())
    texts = [{name: row[name] for name in ("prompt", "chosen", "rejected")} for row in rows]
    bare.write_text(json.dumps(texts))
    data = Keeper(studio.database, studio.artifacts).keep_pairs(bare, bare.name)
    with judge_server() as server:
        open_page(page, f"{whole_server.url}/detector?detector_view=Connect")
        expect(page.get_by_text("What leaves this machine:")).to_be_visible()
        page.get_by_label("Address, up to").fill(server.address)
        page.get_by_label("Model, as the server").fill("org/small")
        picture(page, "judge-connect")
        page.get_by_role("button", name="Connect").click()
        expect(page.get_by_role("combobox", name="Detector")).to_have_value(
            re.compile("^org-small")
        )
        expect(page.get_by_text("asks a server on this machine")).to_be_visible()
        assert server.asked == []

        made = detectors.page(studio.database)[0].id
        link = f"detector={made}&detector_view=Score&data={data.id}"
        open_page(page, f"{whole_server.url}/detector?{link}")
        expect(page.get_by_text("48 questions, about")).to_be_visible()
        assert server.asked == []
        picture(page, "judge-asks")
        page.get_by_role("button", name="Score 6 pairs").click()
        expect(page.get_by_role("link", name="Look at the scored pairs").first).to_be_visible(
            timeout=LONG_MS
        )
        # A scoring of another test's pairs may have its link there, too.
        eventually(lambda: len(server.asked) == 48, "all questions")
        eventually(lambda: data_sets.page(studio.database)[0].num_scored == 6, "scored pairs")
    scored = data_sets.page(studio.database)[0]
    assert (scored.num_scored, scored.name) == (6, f"{bare.stem}, scored by org-small")
