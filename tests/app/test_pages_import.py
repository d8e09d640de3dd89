"""No page needs torch, which takes seconds to import and gigabytes to hold."""

import subprocess
import sys

_CHECK = """
import sys
from app.app_pages import all_pages
assert len(all_pages()) >= 9
heavy = {"torch", "transformers", "peft"} & set(sys.modules)
sys.exit(f"a page imports {heavy}" if heavy else 0)
"""


def test_no_page_imports_torch() -> None:
    subprocess.run([sys.executable, "-c", _CHECK], check=True)
