"""bitsandbytes is an extra: what takes it is skipped where it is not installed."""

from importlib.util import find_spec

import pytest

takes_bitsandbytes = pytest.mark.skipif(
    find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed: pip install '.[nf4]'"
)
