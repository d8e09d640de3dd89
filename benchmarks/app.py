"""How quick the pages feel, and what they hold in memory: `python -m benchmarks.app [--pairs 1000000] [--json]`.

Starts the dashboard on a home of its own, fills it through the browser with synthetic pairs, and drives
it with Playwright as a person would: upload until the pairs can be explored, the Stages page opened, lines dragged
over their histograms, three tabs at once. Beside it, the core's share of what follows a release. Ends with one JSON
line; `--json` prints nothing but the four figures that the Stages page promises.

A frame of a drag lasts from its begin until it has been painted; only frames that moved a line count. First paint is
from the start of the navigation until the histograms have been painted, in a browser that has fetched the app's
scripts before. Bytes are all that the page then receives but these scripts.
"""

import json
import math
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
from typing import Any

import numpy as np
import pyarrow as pa
from playwright.sync_api import Page, expect, sync_playwright
from pyarrow import parquet

from app.app_pages.stages.columns import Columns
from app.state.open_data import OpenData
from benchmarks.options import new_parser
from grice_core.data.load import load_pairs
from grice_core.maxims import MAXIMS
from grice_core.recipes.load import load_recipe
from grice_core.recipes.plan import plan_margins
from grice_core.recipes.summary import summarise

ROOT = Path(__file__).parents[1]
PATIENCE_MS = 600_000
FIGURES = ("drag_p95_ms", "first_paint_ms", "bytes_per_pair", "server_mib")
"""What `--json` prints."""
_DRAWN = "grice stages drawn"
"""What the board marks in the browser's timeline whenever it has been painted."""
_RECORD = """grip => {
  const painted = new MessageChannel();
  let begun, last = grip.ariaValueNow;
  window.frameTimes = [];
  painted.port1.onmessage = () => {
    if (grip.ariaValueNow !== last) window.frameTimes.push(performance.now() - begun);
    last = grip.ariaValueNow;
  };
  const frame = () => {
    begun = performance.now();
    painted.port2.postMessage(null);
    if (window.frameTimes) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""
_FRAMES = "() => { const found = window.frameTimes; window.frameTimes = null; return found; }"
_LINES = ("manner >", "|quantity| or |relation| >", "quantity + relation >")
_VISITS = 5


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--pairs", type=int, default=100_000, help="to upload; else %(default)s")
    parser.add_argument("--moves", type=int, default=50, help="of each line; else %(default)s")
    parser.add_argument("--json", action="store_true", help="print only the four figures of Stages")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = write_pairs(Path(folder) / "pairs.parquet", arguments.pairs)
        figures = {"pairs": arguments.pairs, "cpus": os.cpu_count(), "load": os.getloadavg()[0]}
        figures |= _core(path)
        with _dashboard(Path(folder) / "home") as (url, process):
            figures |= _in_browser(url, process, path, arguments.moves)
    if arguments.json:
        print(json.dumps({name: figures[name] for name in FIGURES}))
        return
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
    """What parsing costs, what the browser is sent once, and the answer to a release: masks, reasons, means."""
    begun = time.perf_counter()
    data = OpenData(load_pairs(path).table)
    parsing_s = time.perf_counter() - begun
    recipe = load_recipe("content-then-manner")
    held_out = data.held_out(recipe.holdout_share)
    begun = time.perf_counter()
    Columns(data, [recipe]).files(None, held_out)
    coding_s = time.perf_counter() - begun
    seconds = []
    for _ in range(11):
        begun = time.perf_counter()
        plan = plan_margins(recipe, data.margins, held_out)
        summarise({stage.config.name: stage.filtered for stage in plan}, data.margins)
        seconds.append(time.perf_counter() - begun)
    return {
        "parse s": parsing_s,
        "core, columns for the browser, ms": 1000 * coding_s,
        "core, both stages, ms": 1000 * float(np.median(seconds)),
    }


def _in_browser(
    url: str, process: "subprocess.Popen[bytes]", path: Path, num_moves: int
) -> dict[str, float]:
    with sync_playwright() as playwright:
        executable = shutil.which("chromium") or playwright.chromium.executable_path
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page = context.new_page()
        empty_mib = memory_mib(process.pid)
        figures = {"upload to explore s": _upload(page, url, path)}
        first_ms = _visit(page, url)
        visits = [_visit(page, url) for _ in range(_VISITS)]
        frames, releases = _drag_lines(page, num_moves)
        num_pairs = parquet.read_metadata(path).num_rows
        figures |= {
            "drag_p50_ms": float(np.percentile(frames, 50)),
            "drag_p95_ms": float(np.percentile(frames, 95)),
            "frames": len(frames),
            "exact counts after release p50 ms": float(np.percentile(releases, 50)),
            "exact counts after release p95 ms": float(np.percentile(releases, 95)),
            "first visit, first paint ms": first_ms,
            "first_paint_ms": float(np.median(visits)),
            "bytes_per_pair": _bytes_received(context.new_page(), url) / num_pairs,
            "memory, no data, MiB": empty_mib,
            "server_mib": memory_mib(process.pid),
        }
        for _ in range(2):
            _visit(context.new_page(), url)
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


def _visit(page: Page, url: str) -> float:
    """Open Stages; milliseconds until its histograms are painted."""
    page.goto(f"{url}/stages?data=1")
    page.wait_for_function(f"() => performance.getEntriesByName('{_DRAWN}').length")
    painted_ms: float = page.evaluate(
        f"() => performance.getEntriesByName('{_DRAWN}')[0].startTime"
    )
    _settle(page)
    return painted_ms


def _bytes_received(page: Page, url: str) -> int:
    """What a page of Stages receives but the app's scripts."""
    received: list[int] = []
    scripts: set[str] = set()

    def responded(event: dict[str, Any]) -> None:
        if "/static/" in event["response"]["url"]:
            scripts.add(event["requestId"])

    def came(event: dict[str, Any]) -> None:
        if event["requestId"] not in scripts:
            received.append(event["dataLength"])

    def told(event: dict[str, Any]) -> None:
        received.append(len(event["response"]["payloadData"]) * 3 // 4)  # in base 64

    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.on("Network.responseReceived", responded)
    network.on("Network.dataReceived", came)
    network.on("Network.webSocketFrameReceived", told)
    _visit(page, url)
    page.close()
    return sum(received)


def _settle(page: Page) -> None:
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def _drag_lines(page: Page, num_moves: int) -> tuple[list[float], list[float]]:
    """Drag each line to and fro: milliseconds of each frame, and from each release to the server's counts."""
    frames: list[float] = []
    releases: list[float] = []
    for name in _LINES:
        grip = page.get_by_role("slider", name=name, exact=True).first
        box = grip.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.wait_for_timeout(500)  # a person's hand takes as long to close
        grip.evaluate(_RECORD)
        page.mouse.down()
        for move in range(num_moves):
            page.mouse.move(x + 40 * math.sin(move / 4), y)
        page.mouse.move(x + 7, y)
        frames += page.evaluate(_FRAMES)
        drawn = f"() => performance.getEntriesByName('{_DRAWN}').length"
        before = page.evaluate(drawn)
        begun = time.perf_counter()
        page.mouse.up()
        page.wait_for_function(f"before => ({drawn})() > before", arg=before)
        releases.append(1000 * (time.perf_counter() - begun))
        _settle(page)
    return frames, releases


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
