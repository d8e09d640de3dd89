"""One folder per page: `page.py` reads input, calls the core and shows; its parts lie beside it."""

import pkgutil
from importlib import import_module

from app.ui.page import Page


def all_pages() -> dict[str, Page]:
    """Every page by its folder's name, in the navigation's order; importing them takes seconds."""
    folders = pkgutil.iter_modules(__path__, f"{__name__}.")
    pages: dict[str, Page] = {
        folder.name.rpartition(".")[2]: import_module(f"{folder.name}.page").PAGE
        for folder in folders
    }
    return dict(sorted(pages.items(), key=lambda item: item[1].position))
