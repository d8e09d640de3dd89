"""How quick the pages feel, and what they hold in memory: `python -m benchmarks.app [--pairs 1000000]`.

Starts the dashboard on a home of its own, fills it through the browser with synthetic pairs, and drives
it with Playwright as a person would: upload until the pairs can be explored, thresholds moved one after
the other until the board has redrawn, three tabs at once. Beside it, the core's share of a redraw. Ends
with one JSON line.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
from playwright.sync_api import Page, expect, sync_playwright
from pyarrow import parquet

from app.state.open_data import OpenData
from benchmarks.options import new_parser
from grice_core.data.load import load_pairs
from grice_core.maxims import MAXIMS
from grice_core.recipes.load import load_recipe
from grice_core.recipes.plan import plan_margins
from grice_core.recipes.summary import summarise

ROOT = Path(__file__).parents[1]
PATIENCE_MS = 600_000
_REDRAWN = """value => {
  const labels = root => [...root.querySelectorAll('*')].flatMap(one =>
    [...(one.matches('.cut-label') ? [one.textContent] : []),
     ...(one.shadowRoot ? labels(one.shadowRoot) : [])]);
  const begun = performance.now();
  return new Promise(done => {
    const look = () => labels(document).includes(value)
      ? requestAnimationFrame(() => done(performance.now() - begun))
      : requestAnimationFrame(look);
    look();
  });
}"""
"""Resolves when the board shows a cut-off line with this value and the browser has painted it."""


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--pairs", type=int, default=100_000, help="to upload; else %(default)s")
    parser.add_argument("--moves", type=int, default=50, help="of a threshold; else %(default)s")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = write_pairs(Path(folder) / "pairs.parquet", arguments.pairs)
        figures = {"pairs": arguments.pairs, "cpus": os.cpu_count(), "load": os.getloadavg()[0]}
        figures |= _core(path)
        with _dashboard(Path(folder) / "home") as (url, process):
            figures |= _in_browser(url, process, path, arguments.moves)
    for name, value in figures.items():
        print(
            f"{name:32} {value:>12,.1f}" if isinstance(value, float) else f"{name:32} {value:>12,}"
        )
    print(json.dumps(figures))


def write_pairs(path: Path, num: int) -> Path:
    """Scored pairs whose margins are small noise, every other one with a strong signal."""
    rng = np.random.default_rng(0)
    margins = rng.normal(0, 0.05, (num, len(MAXIMS)))
    strong = np.arange(0, num, 2)
    margins[strong, rng.integers(0, len(MAXIMS), len(strong))] += rng.uniform(0.2, 0.8, len(strong))
    columns: dict[str, object] = {
        "prompt": [f"We talked about bridge {row // 2}. Answer." for row in range(num)],
        "chosen": [f"Bridge {row} is made of steel, and opened long ago." for row in range(num)],
        "rejected": [f"Bridge {row} is nice. By the way, my cat likes fish." for row in range(num)],
    }
    for maxim, column in zip(MAXIMS, margins.T, strict=True):
        columns[f"chosen_{maxim}"] = np.clip(0.5 - column / 2, 0, 1)
        columns[f"rejected_{maxim}"] = np.clip(0.5 + column / 2, 0, 1)
    parquet.write_table(pa.table(columns), path)
    return path


def _core(path: Path) -> dict[str, float]:
    """What parsing costs, and a redraw without any browser: masks, histograms, waterfall, means."""
    begun = time.perf_counter()
    data = OpenData(load_pairs(path).table)
    parsing_s = time.perf_counter() - begun
    recipe = load_recipe("content-then-manner")
    held_out = data.held_out(recipe.holdout_share)
    seconds = []
    for _ in range(11):
        _ = data.bins.total
        begun = time.perf_counter()
        plan = plan_margins(recipe, data.margins, held_out)
        for stage in plan:
            data.bins.histogram(stage.filtered.kept)
        summarise({stage.config.name: stage.filtered for stage in plan}, data.margins)
        seconds.append(time.perf_counter() - begun)
    return {"parse s": parsing_s, "core redraw, both stages, ms": 1000 * float(np.median(seconds))}


def _in_browser(
    url: str, process: "subprocess.Popen[bytes]", path: Path, num_moves: int
) -> dict[str, float]:
    with sync_playwright() as playwright:
        executable = shutil.which("chromium") or playwright.chromium.executable_path
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 1000})
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page = context.new_page()
        empty_mib = memory_mib(process.pid)
        figures = {"upload to explore s": _upload(page, url, path)}
        _open_stages(page, url)
        one_tab_mib = memory_mib(process.pid)
        # Values at which no other line of the board stands, or the wait would end at once.
        redraws = [_move(page, 0.31 + 0.01 * (move % 40)) for move in range(num_moves)]
        figures |= {
            "redraw p50 ms": float(np.percentile(redraws, 50)),
            "redraw p95 ms": float(np.percentile(redraws, 95)),
            "memory, no data, MiB": empty_mib,
            "memory, one tab, MiB": one_tab_mib,
            f"memory after {num_moves} moves, MiB": memory_mib(process.pid),
        }
        for _ in range(2):
            _open_stages(context.new_page(), url)
        figures["memory, three tabs, MiB"] = memory_mib(process.pid)
        browser.close()
    return figures


def _upload(page: Page, url: str, path: Path) -> float:
    """Seconds from choosing the file until its pairs can be explored."""
    page.goto(f"{url}/data?view=Pairs")
    field = page.locator("input[type=file]").first
    field.wait_for(state="attached")
    begun = time.perf_counter()
    field.set_input_files(path)
    expect(page.get_by_role("button", name="Filter by margin")).to_be_visible()
    return time.perf_counter() - begun


def _open_stages(page: Page, url: str) -> None:
    page.goto(f"{url}/stages?data=1")
    expect(page.get_by_role("spinbutton", name="manner >")).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def _move(page: Page, value: float) -> float:
    """Milliseconds from a threshold's new value until the board has redrawn."""
    field = page.get_by_role("spinbutton", name="manner >")
    field.fill(f"{value:.2f}")
    begun = time.perf_counter()
    field.press("Enter")
    page.evaluate(_REDRAWN, f"{value:.2f}")
    redraw_ms = 1000 * (time.perf_counter() - begun)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    return redraw_ms


def memory_mib(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has ended")


@contextmanager
def _dashboard(home: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home.mkdir()
    environment = {**os.environ, "GRICE_HOME": str(home), "GRICE_PORT": str(port)}
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.serve"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.terminate()
            process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5)  # noqa: S310 - our own
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the dashboard did not start")


if __name__ == "__main__":
    main()
