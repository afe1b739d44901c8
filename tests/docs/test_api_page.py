"""docs/reference/api.md has what the guides import, and nothing that is not there."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
NAMES = re.findall(r"^::: (fourlenses[\w.]+)$", PAGE, re.M)
IMPORT = re.compile(r"^from (fourlenses[\w.]*) import (.+)$", re.M)


def imported() -> set[str]:
    """Return the dotted names that the guides import from the package."""
    guides = [page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "guide").glob("*.md")]
    lines = [line for guide in guides for line in IMPORT.findall(guide)]
    return {f"{module}.{name.strip()}" for module, names in lines for name in names.split(",")}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_the_page_is_there_and_documented(name):
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(module), attribute)
    assert found.__module__ == module
    assert found.__doc__


def test_what_guides_import_is_on_the_page():
    """A module counts where something of it is on the page."""
    assert len(imported()) >= 9
    missing = [
        name
        for name in imported()
        if name not in NAMES and not any(other.startswith(f"{name}.") for other in NAMES)
    ]
    assert missing == []
