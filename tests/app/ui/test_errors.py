"""What a page shows in place of what could not be shown."""

from streamlit.testing.v1 import AppTest


def _invalid() -> None:
    from app.ui.errors import failures_shown
    from grice_core.recipes.config import LoraSettings

    with failures_shown():
        LoraSettings.model_validate({"r": 0})


def _broken() -> None:
    from app.ui.errors import failures_shown

    with failures_shown():
        raise ZeroDivisionError


def _shown(page: AppTest) -> str:
    (error,) = page.run().error
    return error.value


def test_an_input_that_only_a_model_refuses_is_no_bug() -> None:
    shown = _shown(AppTest.from_function(_invalid))
    assert "can't be used" in shown
    assert "greater than or equal to 1" in shown


def test_anything_else_is() -> None:
    assert "because of a bug" in _shown(AppTest.from_function(_broken))
