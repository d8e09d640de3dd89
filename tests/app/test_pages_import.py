"""No page needs torch, which takes seconds to import and gigabytes to hold."""

import subprocess
import sys

_CHECK = """
import sys
import app.app_pages.overview, app.app_pages.data, app.app_pages.stages, app.app_pages.detector
import app.app_pages.launch, app.app_pages.runs, app.app_pages.compare, app.app_pages.playground
import app.app_pages.system
heavy = {"torch", "transformers", "peft"} & set(sys.modules)
sys.exit(f"a page imports {heavy}" if heavy else 0)
"""


def test_no_page_imports_torch() -> None:
    subprocess.run([sys.executable, "-c", _CHECK], check=True)
