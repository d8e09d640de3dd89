"""The scripts and styles of our own components, which lie beside them."""

from pathlib import Path

_HERE = Path(__file__).parent


def joined(*names: str) -> str:
    """Some files behind each other, as one: a component's script can't import another one."""
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)
