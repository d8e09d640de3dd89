"""The scripts and styles of our own components, which lie beside their modules."""

from pathlib import Path

UI = Path(__file__).parent
"""Scripts and styles that several components share."""


def joined(*files: Path) -> str:
    """Some files behind each other, as one: a component's script can't import another one."""
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
