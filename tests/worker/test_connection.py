import socket
import threading
from contextlib import suppress

import pytest
from redis import ConnectionError as LostConnectionError

from worker.connection import client_of


def test_a_lost_connection_is_tried_once_more_and_then_told_at_once(tmp_path):
    """By default redis tries four times with pauses of seconds, in which a page stands still."""
    tries = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "valkey.sock"))
        server.listen()

        def hang_up():
            with suppress(OSError):
                while True:
                    server.accept()[0].close()
                    tries.append(1)

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(LostConnectionError):
            client_of(f"unix://{tmp_path}/valkey.sock").ping()
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert len(tries) == 2
