"""The form of the pages: an opening sentence, short lines, not too long."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
WIDTH, MOST_LINES = 100, 250
# words of a dialect: the plain ones are in CONTRIBUTING.md, "Style"
DIALECT = re.compile(
    r"\b(beside|side by side|anew|looked at|passed over|a say in|reckon\w*|puts? back|so many"
    r"|goes on|gone on|told|tells? \w+ apart)\b",
    re.I,
)


def relative(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def by_hand(page: Path) -> str:
    """Return the page without the tables that a program writes into it."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^<!-- .*?^<!-- end -->", "", text, flags=re.DOTALL | re.MULTILINE)


def written(page: Path) -> list[str]:
    """Return the lines that people write: no code, no results of benchmarks/render.py."""
    text = by_hand(page)
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [line for line in text.splitlines() if not re.match(r" {4}\S| {6,}", line)]


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_a_page_opens_with_what_it_is_for(page):
    title, _, first, *_ = page.read_text(encoding="utf-8").splitlines()
    assert title.startswith("# ")
    assert re.match(r"[A-Z*]", first), first


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_prose_is_wrapped(page):
    alone = (r"\|", r"!\[", r"\S*https?://\S*$")  # a table's row, a figure, an address
    lines = [line for line in written(page) if not re.match("|".join(alone), line)]
    assert [line for line in lines if len(line) > WIDTH] == []


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_a_page_is_not_too_long(page):
    assert len(by_hand(page).splitlines()) <= MOST_LINES


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=relative)
def test_a_page_is_in_plain_words(page):
    prose = [re.sub(r"`[^`]*`", "", line) for line in written(page)]
    assert [line for line in prose if DIALECT.search(line)] == []
