"""What is pinned is known: an SBOM and a list of licences, from constraints.txt and the installed packages."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def sbom(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "scripts/sbom.py", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_list_of_licences_is_what_is_pinned_and_installed() -> None:
    checked = sbom("--check")
    assert checked.returncode == 0, checked.stderr


def test_the_sbom_names_every_package_with_its_version_licence_and_needs() -> None:
    document = json.loads(sbom().stdout)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    components = {one["name"]: one for one in document["components"]}
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    assert {name: one["version"] for name, one in components.items()}.items() <= pins.items()
    assert components["SQLAlchemy"]["licenses"] == [{"expression": "MIT"}]
    needs = {one["ref"]: one["dependsOn"] for one in document["dependencies"]}
    assert components["torch"]["bom-ref"] in needs["grice-studio"]
    assert components["Mako"]["bom-ref"] in needs[components["alembic"]["bom-ref"]]
    assert set(needs) - {"grice-studio"} == {one["bom-ref"] for one in components.values()}
    assert {ref for each in needs.values() for ref in each} <= set(needs)
