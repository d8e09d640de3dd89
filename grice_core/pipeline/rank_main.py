"""`python -m grice_core.pipeline.rank_main`: a rank that `--num-processes` has started on this machine."""

import os
import sys

from grice_core.loading import begin_loading
from grice_core.parent import die_with_parent


def main() -> int:
    """Do what rank 0 gives; returns the exit status."""
    die_with_parent()
    begin_loading()
    from grice_core.dpo.distributed.launcher import place_of
    from grice_core.pipeline.rank_server import serve

    place = place_of(os.environ)
    assert place is not None  # noqa: S101 - our parent has set it
    return serve(place)


if __name__ == "__main__":
    sys.exit(main())
