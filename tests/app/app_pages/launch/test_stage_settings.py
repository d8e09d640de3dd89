"""The settings of each stage's loss."""

from streamlit.testing.v1 import AppTest


def _show() -> None:
    from app.app_pages.launch.stage_settings import stage_settings
    from grice_core.recipes.load import load_recipe

    stage_settings(load_recipe("content-then-manner"))


def shown(*changes: str) -> AppTest:
    """The settings as a link with these changes shows them."""
    page = AppTest.from_function(_show, default_timeout=60)
    if changes:
        page.query_params["change"] = list(changes)
    return page.run()


def texts(page: AppTest) -> list[str]:
    return [field.label for field in page.text_input]


def test_the_loss_is_chosen_among_all_objectives_with_its_equation() -> None:
    page = shown()
    first, second = (box for box in page.selectbox if box.label == "loss")
    assert (first.value, second.value) == ("dpo", "dpo")
    assert first.options == ["DPO", "IPO", "robust DPO", "length-normalised DPO"]
    assert first.help == "`−log σ(β · Δ)` (arXiv 2305.18290)"
    assert texts(page).count("SFT weight") == 2
    assert "label smoothing" not in texts(page)


def test_a_link_with_another_loss_shows_it() -> None:
    first, second = (box for box in shown("stage1.loss_type=ipo").selectbox if box.label == "loss")
    assert (first.value, second.value) == ("ipo", "dpo")
    assert "arXiv 2310.12036" in first.help


def test_only_a_loss_that_takes_label_smoothing_asks_for_it() -> None:
    page = shown("stage2.loss_type=robust")
    assert texts(page).count("label smoothing") == 1


def test_a_loss_that_does_not_exist_is_left_to_the_recipes_own_check() -> None:
    page = shown("stage1.loss_type=hinge")
    assert not page.exception
    assert [box.value for box in page.selectbox if box.label == "loss"] == ["dpo"]


def kept(page: AppTest) -> list[str]:
    return [box.value for box in page.selectbox if box.label == "step that is kept"]


def test_which_step_is_kept_is_one_choice_of_two_settings() -> None:
    assert kept(shown()) == ["last false", "last false"]
    changes = "stage2.keep=best", "stage2.stop_when_retention_lost=true"
    page = shown(*changes, "stage1.epochs=3")
    assert kept(page) == ["last false", "best true"]
    (box,) = [box for box in page.selectbox if box.value == "best true"]
    page = box.select_index(1).run()
    assert kept(page) == ["last false", "best false"]
    assert page.text_area[0].value == "stage1.epochs=3\nstage2.keep=best"
    # Without the first setting the second makes no sense, which the recipe's own check says.
    assert kept(shown(changes[1])) == ["last false"]
