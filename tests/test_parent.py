import signal

import pytest

from grice_core.parent import how_it_ended


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (-signal.SIGKILL, "was killed (SIGKILL): by a user, or out of memory"),
        (-signal.SIGTERM, "was ended by SIGTERM"),
        (3, "ended with status 3"),
    ],
)
def test_an_exit_status_in_words(status, words):
    assert how_it_ended(status) == words
