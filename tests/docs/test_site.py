"""The documentation's site has every page, and every link of a page leads somewhere on it."""

import json
import os
import re
import runpy
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SITE = runpy.run_path(str(ROOT / "docs" / "site.py"))
PAGES = sorted(page.relative_to(ROOT).as_posix() for page in (ROOT / "docs").rglob("*.md"))
FILES = {path: SITE["place_on_site"](path) for path in [*PAGES, *SITE["linked_files"]()]}
MKDOCS = ROOT / ".docs" / "bin" / "mkdocs"


def navigation() -> list[str]:
    """Return the pages that the site's navigation lists."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    section = yaml.safe_load(re.sub(r"!!python/\S+", "", text[text.index("\nnav:") :]))

    def listed(entry) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        return [page for each in (entry.values() if isinstance(entry, dict) else entry)
                for page in listed(each)]  # fmt: skip

    return listed(section["nav"])


def test_the_navigation_has_every_page_once():
    pages = navigation()
    of_docs = {SITE["place_on_site"](page) for page in PAGES}
    assert len(pages) == len(set(pages))
    assert of_docs <= set(pages)
    assert set(pages) - of_docs <= set(FILES.values())


def test_links_lead_to_files_of_the_site():
    missing = []
    for path in FILES:
        if not path.endswith(".md"):
            continue
        text = (ROOT / path).read_text(encoding="utf-8")
        for target in SITE["outside"](path, text):
            place = SITE["place_on_site"](target)
            in_docs = target.startswith("docs/") and (ROOT / target).is_file()
            if not in_docs and place not in FILES.values():
                missing.append(f"{path}: {target}")
    assert missing == []


def test_the_site_has_the_readme_the_reports_and_the_files_that_pages_name():
    assert FILES["README.md"] == "index.md"
    assert FILES["docs/README.md"] == "pages.md"
    assert FILES["config.yaml"] == "files/config.yaml.md"
    assert FILES["results/real_mini/report.html"] == "results/real_mini/report.html"
    assert all((ROOT / path).is_file() for path in FILES)


@pytest.mark.parametrize(
    ("page", "link", "there"),
    [
        ("docs/guide/start.md", "../../config.yaml", "../files/config.yaml.md"),
        ("docs/guide/start.md", "../README.md", "../pages.md"),
        ("docs/README.md", "../README.md", "index.md"),
        ("README.md", "docs/guide/start.md#run-it", "guide/start.md#run-it"),
        ("CONTRIBUTING.md", ".github/CODE_OF_CONDUCT.md", "CODE_OF_CONDUCT.md"),
        ("CHANGELOG.md", "docs/guide/workflows.md", "../guide/workflows.md"),
        ("docs/guide/plan.md", "#what-it-can-settle", "#what-it-can-settle"),
        ("docs/guide/plan.md", "https://example.org/a.md", "https://example.org/a.md"),
    ],
)
def test_a_link_is_that_of_the_place_on_the_site(page, link, there):
    assert SITE["relinked"](page, f"see [it]({link}).") == f"see [it]({there})."


def test_code_keeps_what_looks_like_a_link():
    text = "```\n[a](../../config.yaml)\n```\n"
    assert SITE["relinked"]("docs/guide/start.md", text) == text


def test_a_list_below_a_paragraph_is_one():
    text = "**Made again.**\n- encoders,\n  of all\n- tables\n"
    wanted = "**Made again.**\n\n- encoders,\n  of all\n- tables\n"
    assert SITE["relinked"]("CHANGELOG.md", text) == wanted


def test_a_file_that_is_no_page_is_shown_whole():
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    assert f"````yaml\n{text}````" in SITE["text_of"]("config.yaml")


@pytest.mark.skipif(not MKDOCS.is_file(), reason="no .docs: run `make docs` once")
def test_the_site_builds_without_a_warning(tmp_path):
    command = [MKDOCS, "build", "--strict", "-d", tmp_path / "site"]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}  # an advertisement of the theme's makers
    end = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True)
    assert end.returncode == 0, end.stderr
    assert "WARNING" not in end.stderr
    schema = json.loads((tmp_path / "site" / "config.schema.json").read_text("utf-8"))
    assert schema["properties"]["seeds"]["description"]
    reference = (tmp_path / "site" / "reference" / "config" / "index.html").read_text("utf-8")
    assert "<code>knn.k</code>" in reference
