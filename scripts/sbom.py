"""What the pinned packages are: an SBOM (CycloneDX 1.6, JSON), and docs/licences.md.

$ python scripts/sbom.py > sbom.cdx.json      # name, version, licence, purl and dependencies of each
$ python scripts/sbom.py --licences           # write docs/licences.md
$ python scripts/sbom.py --check              # exit 1 if that page is not what is pinned and installed

The versions are those of constraints.txt; licences and dependencies stand in the installed packages' own
metadata. The set is what `pip install '.[dev]'` brings, which is more than a studio needs to run.
"""

import argparse
import json
import sys
import tomllib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licences.md"
OURS = "grice-studio"
_HEAD = """# Licences of the pinned packages

Written by `python scripts/sbom.py --licences` from constraints.txt and the packages' own metadata; a test fails when it is stale.
`python scripts/sbom.py` prints the same, with dependencies, as an SBOM (CycloneDX 1.6, JSON).

| package | version | licence |
|---|---|---|
"""
_SPDX = {
    "Apache": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""What older metadata calls licences whose identifier is beyond doubt; others stand as they are."""
_KNOWN = {*_SPDX.values(), "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}


@dataclass(frozen=True)
class Package:
    """One pinned package."""

    name: str
    version: str
    licence: str
    """An SPDX expression where the package names one, else its own words."""
    is_spdx: bool
    needs: tuple[str, ...]
    """Canonical names of the packages that it needs, direct ones only."""

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{canonicalize_name(self.name)}@{self.version}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="SBOM and licences of the pinned packages.")
    parser.add_argument("--licences", action="store_true", help="write docs/licences.md")
    parser.add_argument("--check", action="store_true", help="only say whether that is right")
    wanted = parser.parse_args()
    found = packages()
    page = _HEAD + "".join(f"| {one.name} | {one.version} | {one.licence} |\n" for one in found)
    if wanted.check:
        if PAGE.read_text(encoding="utf-8") != page:
            sys.exit("docs/licences.md is stale: run python scripts/sbom.py --licences")
    elif wanted.licences:
        PAGE.write_text(page, encoding="utf-8")
    else:
        print(json.dumps(sbom(found), indent=2, ensure_ascii=False))


def packages() -> list[Package]:
    """What `.[dev]` brings of what is pinned, by name."""
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    names = {canonicalize_name(name): name for name in pins}
    found: dict[str, Package] = {}
    waiting = list(_own_needs())
    while waiting:
        need = waiting.pop()
        name = canonicalize_name(need.name)
        if name not in names:  # on another platform only
            continue
        needs = [*_needs(_installed(names[name], pins[names[name]]), need.extras)]
        known = found.get(name)
        before = set(known.needs) if known else set()
        direct = before | {canonicalize_name(one.name) for one in needs}
        if known and direct == before:
            continue
        licence, is_spdx = _licence(distribution(name))
        found[name] = Package(
            names[name], pins[names[name]], licence, is_spdx, tuple(sorted(direct))
        )
        waiting += needs
    return [found[name] for name in sorted(found)]


def _own_needs() -> Iterator[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    waiting = [*project["dependencies"], *extras["dev"]]
    while waiting:
        need = Requirement(waiting.pop())
        if need.name == OURS:
            waiting += [each for extra in need.extras for each in extras[extra]]
        else:
            yield need


def _installed(name: str, version: str) -> Distribution:
    try:
        found = distribution(name)
    except PackageNotFoundError:
        sys.exit(f"{name} {version} is pinned, but not installed: run make setup")
    if found.version.partition("+")[0] != version:
        sys.exit(f"{name} {version} is pinned, but {found.version} is installed: run make setup")
    return found


def _needs(package: Distribution, extras: Iterable[str]) -> Iterator[Requirement]:
    for text in package.requires or ():
        need = Requirement(text)
        marker = need.marker
        if marker is None or any(marker.evaluate({"extra": each}) for each in ("", *extras)):
            yield need


def _licence(package: Distribution) -> tuple[str, bool]:
    """What it says, and whether that is an SPDX expression."""
    metadata = package.metadata.json
    if expression := metadata.get("license_expression"):
        return str(expression), True
    said = str(metadata.get("license") or "").strip().splitlines()
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in metadata.get("classifier") or ()
        if each.startswith("License :: ")
    ]
    # A first line of a whole licence's text says less than a classifier.
    words = said if len(said) == 1 and said[0] not in {"", "Dual License"} else classifiers
    named = [_SPDX.get(each, each) for each in words]
    return " or ".join(named) or "not named", named != [] and set(named) <= _KNOWN


def sbom(found: list[Package]) -> dict[str, object]:
    """A CycloneDX document; the same packages give the same bytes."""
    refs = {canonicalize_name(one.name): one.purl for one in found}
    everything = "\n".join(refs.values())
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, everything)}",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": OURS, "bom-ref": OURS}},
        "components": [
            {
                "type": "library",
                "bom-ref": one.purl,
                "name": one.name,
                "version": one.version,
                "purl": one.purl,
                "licenses": [
                    {"expression": one.licence.replace(" or ", " OR ")}
                    if one.is_spdx
                    else {"license": {"name": one.licence}}
                ],
            }
            for one in found
        ],
        "dependencies": [
            {"ref": OURS, "dependsOn": sorted({refs[name] for name in _direct() if name in refs})},
            *(
                {"ref": one.purl, "dependsOn": [refs[name] for name in one.needs if name in refs]}
                for one in found
            ),
        ],
    }


def _direct() -> Iterator[str]:
    for need in _own_needs():
        yield canonicalize_name(need.name)


if __name__ == "__main__":
    main()
