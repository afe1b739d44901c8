"""Links, headings and paths that the pages and the code name."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    + list((ROOT / "docs").rglob("*.md"))
)
KINDS = ("guide", "reference", "measured")
FOLDERS = "src|rules|docs|tests|workflow_scripts|profiles|presets|schemas|studies|benchmarks|envs"
PATH = re.compile(rf"(?<![\w/.<>{{}}-])(?:{FOLDERS})/[\w./<>*{{}}…-]*")
# what a reader makes, or a program writes: pages show commands with these names
EXAMPLES = {"mine", "flowers", "birds", "moths", "more_corruptions", "speeds", "x"}
CODE = [
    *ROOT.glob("*.*"),
    *(
        file
        for folder in (*FOLDERS.split("|"), ".ci")
        for file in (ROOT / folder).rglob("*")
        if file.suffix in {".py", ".smk", ".yaml", ".yml", ".sh", ".toml", ".cff"}
    ),
    ROOT / "Snakefile",
    ROOT / "Makefile",
]
NAMING_PAGES = [
    file
    for file in CODE
    if file.is_file() and file not in PAGES and "docs/" in file.read_text("utf-8")
]


def relative(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """Return the page without its code blocks."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def headings(page: Path) -> list[str]:
    return re.findall(r"^#+ +(.+?) *$", prose(page), flags=re.MULTILINE)


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def exists(path: str) -> bool:
    """Tell whether a path that a page names is there, or is an example or a pattern."""
    path = path.rstrip(".")
    if any(mark in path for mark in "<*{…") or Path(path).stem.removeprefix("test_") in EXAMPLES:
        return True
    return (ROOT / path).exists()


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_link_of_a_page_leads_somewhere(page):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, part = target.partition("#")
        file = (page.parent / path) if path else page
        if not file.exists() or (part and part not in map(anchor, headings(file))):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_path_that_a_page_names_exists(page):
    text = re.sub(r"\]\([^)\s]+\)", "]", page.read_text(encoding="utf-8"))  # links: the test above
    text = re.sub(r"https?://\S+", "", text)
    assert [path for path in PATH.findall(text) if not exists(path)] == []


@pytest.mark.parametrize("file", NAMING_PAGES, ids=relative)
def test_every_page_that_code_names_exists(file):
    """Also the heading, where one is named after it: docs/reference/slurm.md, "Time"."""
    text = re.sub(r"\n\s*#?\s*", " ", file.read_text(encoding="utf-8"))
    for page, heading in re.findall(r'(?<![\w/.])(docs/[\w/.-]+\.md)(?:, "([^"]+)")?', text):
        assert (ROOT / page).is_file(), page
        assert not heading or heading in headings(ROOT / page), f"{page}: {heading}"


def test_every_page_is_of_one_kind():
    """A page under docs/ lies in the folder of its kind.

    docs/README.md lists them all; a page with a folder of its name lists the pages there.
    """
    index = ROOT / "docs" / "README.md"
    pages = [page for page in PAGES if ROOT / "docs" in page.parents and page != index]
    assert {page.relative_to(index.parent).parts[0] for page in pages} == set(KINDS)
    lists: dict[Path, set[Path]] = {}  # the page that is to list them -> pages
    for page in pages:
        folder = page.parent
        listing = index if folder.parent == index.parent else folder.with_suffix(".md")
        lists.setdefault(listing, set()).add(page)
    for listing, of_it in lists.items():
        links = re.findall(r"\]\(([\w/-]+\.md)\)", listing.read_text("utf-8"))
        assert of_it <= {listing.parent / link for link in links}, listing


def test_every_page_of_a_kind_leads_back_to_the_index():
    index = ROOT / "docs" / "README.md"
    pages = [page for page in PAGES if page.parent.parent == index.parent]
    assert [
        page for page in pages if "[All pages](../README.md)" not in page.read_text("utf-8")
    ] == []
    assert "(../README.md)" in index.read_text("utf-8")  # and the index to the first page
