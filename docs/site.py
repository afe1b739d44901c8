"""Hooks of MkDocs (mkdocs.yml): the pages of docs/ as a site, with the files that they link to.

A page links to files of the repository by their place in it, as on the repository's host. README
is the site's first page, docs/README.md the list of all pages. What lies outside docs/ and is
linked to comes along: pages as pages, pictures and reports as they are, other files as a page with
their text. So does the schema of a study's file, config.schema.json. tests/docs/test_site.py
compares links and site.
"""

import posixpath
import re
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the tests have no MkDocs
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Navigation
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
GALLERY = "results/index.html"
MOVED = {"README.md": "index.md", "docs/README.md": "pages.md"}
AS_THEY_ARE = (".csv", ".html", ".json", ".pdf", ".png", ".svg")
LANGUAGES = {".cff": "yaml", ".py": "python", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml"}
LINK = re.compile(r"(\]\()([^)\s]+)(\))")
# a list right below a paragraph, which MkDocs would take for more of the paragraph
LIST = re.compile(r"^([^\s|>-].*\n)(?=- )", re.MULTILINE)
DETAILS = '<details markdown="1">'  # what is folded in a decision card is Markdown
FENCE = re.compile(r"(^```.*?^```)", re.DOTALL | re.MULTILINE)


def place_on_site(path: str) -> str:
    """Return where a file of the repository is on the site, as MkDocs names sources.

    Args:
        path: from the repository's root, as `docs/guide/start.md` or `config.yaml`.
    """
    if path in MOVED:
        return MOVED[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path.endswith(".md"):
        name = path.removeprefix(".github/")  # MkDocs has nothing below a dot
        return name if "/" in name else f"project/{name}"
    return path if path.endswith(AS_THEY_ARE) else f"files/{path}.md"


def outside(page: str, text: str) -> Iterator[str]:
    """Yield the files of the repository that a page links to, as paths from its root."""
    for _, target, _ in LINK.findall(FENCE.sub("", text)):
        if path := path_of(page, target):
            yield path


def path_of(page: str, target: str) -> str | None:
    """Return the path from the root that a link leads to; None if within the page or away."""
    path = target.partition("#")[0]
    if not path or re.match(r"[a-z]+:", target):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), path))


def relinked(page: str, text: str) -> str:
    """Return the text of a page with its links as the site has the files, in MkDocs's Markdown."""
    here = posixpath.dirname(place_on_site(page))

    def link(match: re.Match) -> str:
        path, mark, part = match[2].partition("#")
        target = path_of(page, path)
        if target is None:
            return match[0]
        there = posixpath.relpath(place_on_site(target), here or ".")
        return f"{match[1]}{there}{mark}{part}{match[3]}"

    def change(prose: str) -> str:
        return LIST.sub(r"\1\n", LINK.sub(link, prose)).replace("<details>", DETAILS)

    return outside_code(text, change)


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Return a text changed where it is no block of code."""
    parts = FENCE.split(text)
    return "".join(part if number % 2 else change(part) for number, part in enumerate(parts))


def text_of(path: str) -> str:
    """Return a file of the repository as a page: what is no page in a block, not to be found."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.startswith("results/"):  # all are called Findings or Decision card
        text = f"---\ntitle: {' '.join(Path(path).with_suffix('').parts[1:])}\n---\n\n{text}"
    if path.endswith(".md"):
        return relinked(path, text)
    language = LANGUAGES.get(Path(path).suffix, "text")
    return f"---\nsearch: {{exclude: true}}\n---\n\n# {path}\n\n````{language}\n{text}````\n"


def linked_files() -> list[str]:
    """Return all files outside docs/ that the site has, as paths from the repository's root."""
    pages = [*MOVED, *(page.relative_to(ROOT).as_posix() for page in (ROOT / "docs").rglob("*.md"))]
    found: dict[str, None] = dict.fromkeys(MOVED)
    while pages:
        page = pages.pop()
        for path in outside(page, (ROOT / page).read_text(encoding="utf-8")):
            if path.startswith("docs/") or path in found:
                continue
            found[path] = None
            pages += [path] * path.endswith(".md")
    for path in re.findall(r'href="([^"#:]+)', (ROOT / GALLERY).read_text(encoding="utf-8")):
        found[f"results/{path}"] = None
    return list(found)


def schema_for_editors() -> str:
    """Return the JSON schema of a study's file, by the program that writes the config's page."""
    sys.path.insert(0, str(ROOT / "src"))
    return runpy.run_path(str(ROOT / "docs" / "reference" / "config.py"))["for_editors"]()


def on_files(files: "Files", *, config: "MkDocsConfig") -> "Files":
    """Add the files outside docs/ to the site's."""
    from mkdocs.structure.files import File

    files.remove(files.get_file_from_path("README.md"))
    for path in linked_files():
        place = place_on_site(path)
        if place.endswith(".md"):
            files.append(File.generated(config, place, content=text_of(path)))
        else:
            files.append(File.generated(config, place, abs_src_path=str(ROOT / path)))
    files.append(File.generated(config, "config.schema.json", content=schema_for_editors()))
    return files


def on_page_markdown(markdown: str, *, page: "Page", **_: object) -> str:
    """Change the links of a page of docs/ to places on the site."""
    if page.file.generated_by:
        return markdown
    return relinked(f"docs/{page.file.src_uri}", markdown)


def on_nav(nav: "Navigation", **_: object) -> "Navigation":
    """Add the gallery of reports, which is no page of MkDocs."""
    from mkdocs.structure.nav import Link

    nav.items.append(Link("Gallery", GALLERY))
    return nav
