"""How long each page waits for the store: 5,000 pipelines of 4 runs with 1,000,000 rows of metrics.

    python -m benchmarks.store [--postgres | --url postgresql://…] [--runs 20000] [--steps 50] [--pages [--visits 40] [--json]]

By default it builds a SQLite file in a temporary folder. Prints the median and the slowest of
20 calls per page query, in milliseconds; the aim is 50, and 500 for the table of all pipelines.
With `--pages`, whole pages instead: median and 95th percentile of the visits to each; the aim is 1 s.
"""

import gc
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.options import add_json, new_parser
from benchmarks.store_sample import MODELS, build, evaluations
from grice_core.maxims import Maxim
from grice_core.store import (
    data_sets,
    detectors,
    generations,
    logs,
    metrics,
    pipeline_table,
    pipelines,
    queue_lines,
    recipes,
    references,
    runs,
    sizes,
    votes,
)
from grice_core.store.database import Database
from grice_core.store.generations import Change, Comparison
from grice_core.store.migrate import upgrade
from grice_core.store.runs import RunFilter
from grice_core.store.states import RunState
from tests.postgres import running_postgres

NUM_CALLS = 20
AIM_MS = 50.0
ALL_PIPELINES = "Runs: all pipelines as a table"
ALL_PIPELINES_MS = 500.0


def main() -> None:
    """Build the database, time the queries, print a table."""
    parser = new_parser(__doc__)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", help="an empty database; else a SQLite file")
    where.add_argument("--postgres", action="store_true", help="a server from the wheel")
    parser.add_argument("--runs", type=int, default=20_000, help="rows of runs; else %(default)s")
    parser.add_argument(
        "--steps", type=int, default=50, help="metric rows of each run; else %(default)s"
    )
    parser.add_argument("--pages", action="store_true", help="time whole pages, not queries")
    parser.add_argument("--visits", type=int, default=40, help="to each page; else %(default)s")
    add_json(parser)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        if arguments.postgres:
            url = stack.enter_context(running_postgres()).get_uri()
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            url = arguments.url or f"sqlite:///{Path(folder) / 'grice.db'}"
        database = Database.at(url)
        said = fill(database, arguments.runs, arguments.steps)
        if not arguments.json:
            print(said)
        if arguments.pages:
            measure_pages(url, arguments.runs, arguments.visits, as_json=arguments.json)
        else:
            measure(database, arguments.runs)


def fill(database: Database, num_runs: int, num_steps: int) -> str:
    """Fill a database; returns with what."""
    started = time.perf_counter()
    upgrade(database.engine)
    build(database, num_runs, num_steps)
    seconds = time.perf_counter() - started
    dialect, rows = database.engine.dialect.name, num_runs * num_steps
    return f"{dialect}: {num_runs:,} runs, {rows:,} metric rows, built in {seconds:.0f} s"


def measure_pages(url: str, num_runs: int, num_visits: int, *, as_json: bool) -> None:
    """Time whole pages, and print a table or JSON."""
    from benchmarks.store_pages import AIM_S, page_times  # imports the app, which takes seconds

    times = []
    if not as_json:
        print(f"\n{'page':<24} {'first':>9} {'median':>9} {'p95':>9} {'processor p95':>14}")
    for found in page_times(url, num_runs, num_visits):
        times.append(asdict(found))
        remark = "" if found.p95_s < AIM_S else f"  above {AIM_S:.0f} s"
        walls = f"{found.first_s:>7.2f} s {found.p50_s:>7.2f} s {found.p95_s:>7.2f} s"
        if not as_json:
            print(f"{found.page:<24} {walls} {found.processor_p95_s:>12.2f} s{remark}", flush=True)
    if as_json:
        print(json.dumps(times))


def measure(database: Database, num_runs: int) -> None:
    """Time what the pages ask of a database."""
    dialect = database.engine.dialect.name
    # As the app does: a collection of all that was imported takes longer than any query.
    gc.collect()
    gc.freeze()
    print_times(database, num_runs)
    if dialect == "postgresql":
        with database.engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")
        print("\nwith statistics, which its own daemon gathers within a minute")
        print_times(database, num_runs)
    database.engine.dispose()


def print_times(database: Database, num_runs: int) -> None:
    """A table of the queries' times."""
    print(f"\n{'page query':<44} {'median':>10} {'slowest':>10} {'processor':>10}")
    for name, query in page_queries(database, num_runs).items():
        median_ms, slowest_ms, processor_ms = timed_ms(query)
        aim_ms = ALL_PIPELINES_MS if name == ALL_PIPELINES else AIM_MS
        remark = "" if slowest_ms < aim_ms else f"  above {aim_ms:.0f} ms"
        times = f"{median_ms:>7.1f} ms {slowest_ms:>7.1f} ms {processor_ms:>7.1f} ms"
        print(f"{name:<44} {times}{remark}")


def page_queries(database: Database, num_runs: int) -> dict[str, Callable[[], Any]]:
    """What the pages ask for."""
    evaluation = evaluations(num_runs)[-1]
    trained = evaluation - 1
    newest = list(range(num_runs, num_runs - 50, -1))
    comparison = Comparison(evaluation, Maxim.MANNER, "stage1", "stage2")
    failed = RunFilter(states={RunState.FAILED})
    old = RunFilter(before_id=num_runs // 2)
    return {
        "Overview: runs by state": lambda: runs.count_by_state(database),
        "Overview: latest verdict": lambda: pipelines.latest_result(database),
        "Overview: newest 50 pipelines with runs": lambda: pipelines.page(database),
        "Data: newest data sets": lambda: data_sets.page(database),
        "Detector: newest detectors": lambda: detectors.page(database),
        "Launch: newest recipes": lambda: recipes.newest(database),
        "Launch: asked for before?": lambda: pipelines.with_key(database, "pipeline 7"),
        "Launch: measured before?": lambda: runs.with_key(database, "run 7"),
        "every page: how many runs wait": lambda: queue_lines.num_waiting(database),
        "every page: what is paused": lambda: queue_lines.paused(database),
        ALL_PIPELINES: lambda: pipeline_table.rows(database),
        "Runs: has anything changed?": lambda: pipeline_table.stamp(database),
        "Compare, Playground: newest 200 pipelines": lambda: pipelines.page(database, limit=200),
        "Runs: newest 50": lambda: runs.page(database),
        "Runs: failed ones": lambda: runs.page(database, failed),
        "Runs: a page in the middle": lambda: runs.page(database, old),
        "Runs: last numbers of 50 runs": lambda: metrics.latest(database, newest),
        "Runs: queue with reasons for waiting": lambda: queue_lines.lines(database),
        "Runs: what can start": lambda: runs.ready(database),
        "Run: one run": lambda: runs.get(database, trained),
        "Run: the others of its pipeline": lambda: runs.of_pipeline(database, trained // 4),
        "Run: what it made": lambda: references.of_run(database, trained),
        "Run: where its logs are": lambda: logs.positions(database, trained),
        "Run: its whole curve": lambda: metrics.since(database, trained),
        "Run: steps after the last one": lambda: metrics.since(database, trained, 48),
        "Compare: violation rates": lambda: generations.violation_rates(database, evaluation),
        "Compare: broken by stage 2 on manner": lambda: generations.changes(
            database, comparison, Change.BROKEN
        ),
        "Compare: one prompt's answers": lambda: generations.answers(database, evaluation, 7),
        "Compare: prompts judged by hand": lambda: votes.judged_prompts(
            database, evaluation, "", MODELS
        ),
        "Compare: judged by hand and detector": lambda: votes.judged_twice(
            database, evaluation, "", MODELS
        ),
        "System: size of the database": lambda: sizes.database_bytes(database),
    }


def timed_ms(query: Callable[[], Any]) -> tuple[float, float, float]:
    """Median and slowest of some calls, after one to warm up, and the median of their processor time.

    The latter is this process's: with SQLite all of it, whatever else the machine does.
    """
    query()
    times_ms, processor_ms = [], []
    for _ in range(NUM_CALLS):
        started, processor = time.perf_counter(), time.process_time()
        query()
        times_ms.append(1000 * (time.perf_counter() - started))
        processor_ms.append(1000 * (time.process_time() - processor))
    return statistics.median(times_ms), max(times_ms), statistics.median(processor_ms)


if __name__ == "__main__":
    main()
