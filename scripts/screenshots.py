"""The README's pictures: run the demo in the studio, then photograph its pages Stages and Compare.

    $ python scripts/screenshots.py [--home DIR]      # the demo takes some minutes, unless DIR has it

Writes docs/images/{stages,compare}-{light,dark}.png. Needs Chromium (`make browser`).
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

from app.state.demo import PAIRS, open_demo
from app.state.studio import Studio
from grice_core.settings import Settings
from grice_core.store import data_sets, runs

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTH = 1440
HEIGHTS = {"stages": 905, "compare": 705}
"""Of the pictures, in pixels: as far as a page's first part goes."""
WAIT_MS = 120_000


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Make the README's pictures.")
    parser.add_argument(
        "--home", type=Path, help="GRICE_HOME to run the demo in; default: a new one"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = (asked.home or Path(temporary)).resolve()
        home.mkdir(parents=True, exist_ok=True)
        with _studio_on(home) as url:
            studio = Studio.open(Settings(home=home))
            pipeline_id = _demo_pipeline(home, studio)
            links = {
                "stages": f"{url}/stages?data={_demo_pairs(studio)}&recipe=demo",
                "compare": f"{url}/compare?pipeline={pipeline_id}&view=Changes",
            }
            with sync_playwright() as playwright:
                executable = shutil.which("chromium") or playwright.chromium.executable_path
                browser = playwright.chromium.launch(
                    executable_path=executable, args=["--no-sandbox"]
                )
                for name, link in links.items():
                    _take(browser, link, name)


def _take(browser: Browser, link: str, name: str) -> None:
    """Pictures of one page, light and dark."""
    for scheme in SCHEMES:
        context = browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHTS[name]}, color_scheme=scheme
        )
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        page.goto(link)
        expect(page.get_by_test_id("stMain").get_by_role("heading", level=1)).to_be_visible(
            timeout=WAIT_MS
        )
        expect(page.get_by_test_id("stApp")).to_have_attribute(
            "data-test-script-state", "notRunning", timeout=WAIT_MS
        )
        expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=WAIT_MS)
        page.wait_for_timeout(3000)  # figures draw themselves after the page has
        path = IMAGES / f"{name}-{scheme}.png"
        with Image.open(BytesIO(page.screenshot())) as picture:
            picture.convert("RGB").save(path, optimize=True)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")
        context.close()


def _demo_pipeline(home: Path, studio: Studio) -> int:
    """Submit the demo, unless it was, and wait until it has ended; returns the pipeline's id."""
    submitted = subprocess.run(
        [sys.executable, "-c", "from app.cli import main; main()", "submit", "--demo"],
        cwd=ROOT,
        env={**os.environ, "GRICE_HOME": str(home)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    pipeline_id = int(submitted.stdout)
    while not all(
        run.state.is_finished() for run in runs.of_pipeline(studio.database, pipeline_id)
    ):
        time.sleep(1)
    return pipeline_id


def _demo_pairs(studio: Studio) -> int:
    """Id of the demo's scored pairs, which are put there if they aren't yet."""
    known = {data_set.name: data_set.id for data_set in data_sets.page(studio.database)}
    return known[PAIRS] if PAIRS in known else open_demo(studio)


@contextmanager
def _studio_on(home: Path) -> Iterator[str]:
    """Everything that `make run` starts, on a free port; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {**os.environ, "GRICE_HOME": str(home), "GRICE_PORT": str(port)}
    with (home / "screenshots.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            while process.poll() is None and not _answers(port):
                time.sleep(0.5)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    main()
