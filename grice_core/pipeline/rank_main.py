"""`python -m grice_core.pipeline.rank_main`: a rank other than the first (see `several`)."""

import pickle
import signal
import sys
from typing import TYPE_CHECKING

from grice_core.errors import GriceError, InterruptedRunError
from grice_core.loading import begin_loading, end_loading
from grice_core.parent import die_with_parent
from grice_core.quiet import hush_libraries

if TYPE_CHECKING:
    from grice_core.pipeline.launch_ranks import RankJob


def main() -> int:
    """Do the same as rank 0, which writes and decides; returns the exit status."""
    die_with_parent()
    for number in (signal.SIGINT, signal.SIGTERM):  # rank 0 stops, and we with it
        signal.signal(number, signal.SIG_IGN)
    begin_loading()
    from grice_core.dpo.distributed.process_group import LostRankError
    from grice_core.pipeline.launch_ranks import LOST_ANOTHER

    end_loading()
    hush_libraries()
    job: RankJob = pickle.load(sys.stdin.buffer)  # noqa: S301 - of our own parent
    try:
        _work(job)
    except InterruptedRunError:
        return 0
    except LostRankError:
        return LOST_ANOTHER
    except GriceError as error:
        print(error, file=sys.stderr)  # noqa: T201 - its log, which rank 0 reads
        return error.exit_code
    return 0


def _work(job: "RankJob") -> None:
    from grice_core.dpo.distributed.process_group import RankInfo, process_group
    from grice_core.pipeline.launch_ranks import READY

    trainer = job.trainer()
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    info = RankInfo(job.index, job.count, job.port, job.compute.device)
    with process_group(info, trainer.policy, job.settings) as ranks:
        trainer.share_with(ranks)
        trainer.run(job.num_steps, job.seed)
        for preferences in (trainer.preferences(), *trainer.examples.earlier.values()):
            trainer.reward_margins(preferences)


if __name__ == "__main__":
    sys.exit(main())
