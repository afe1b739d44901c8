"""Snakemake's own report of a study: every figure, finding, card and table, with a caption each."""

import json
import re
import zipfile

import pytest
from tests.workflow.test_report_rule import jobs, table
from tests.workflow.test_whole import output_of, snakemake, write_config

from fourlenses.lenses.captions import caption_of


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Return what the report of a study shows, by file name, and the whole page's text."""
    folder = tmp_path_factory.mktemp("reported")
    config = write_config(folder, lenses=["quantity"])
    results = folder / "results" / "tiny"
    results.mkdir(parents=True)
    (results / "metrics.csv").write_text(table())
    made = snakemake(folder, "all", config=config)
    assert made.returncode == 0, output_of(made)[-3000:]
    assert jobs(made)["link_pictures"] == 1
    result = snakemake(folder, "--report", folder / "report.zip", config=config)
    assert result.returncode == 0, output_of(result)[-3000:]
    with zipfile.ZipFile(folder / "report.zip") as opened:
        names = opened.namelist()
        (page,) = (name for name in names if name.endswith("/report.html") and "/data/" not in name)
        text = opened.read(page).decode("utf-8")
    files = {}
    for category, groups in variable(text, "categories").items():
        for group, paths in groups.items():
            for path in paths:
                entry = variable(text, "results")[path]
                entry |= {"category": category, "subcategory": group}
                files.setdefault(entry["name"], []).append(entry)
    return files, text, names


def variable(page, name):
    """Return a variable of the page's script, which holds JSON."""
    start = page.index(f'var {name} = {{"') + len(f"var {name} = ")
    return json.JSONDecoder().raw_decode(page[start:])[0]


def test_the_report_has_the_answer_figures_findings_and_numbers(shown):
    files, _, names = shown
    categories = {entry["category"] for entries in files.values() for entry in entries}
    assert categories == {"Answer", "Figures", "Findings", "Numbers"}
    assert files["decision.html"][0]["category"] == "Answer"
    assert files["report.html"][0]["category"] == "Answer"
    assert files["findings.md"][0]["category"] == "Findings"
    assert any(name.endswith("/quantity.svg") for name in names)


def test_a_figure_has_its_caption_under_the_question_of_its_lens(shown):
    files, _, _ = shown
    (figure,) = files["quantity.svg"]
    assert figure["category"] == "Figures"
    assert figure["subcategory"] == "How many unlabelled images does pretraining need?"
    assert figure["labels"] == {"figure": "quantity"}
    words = re.sub(r"<[^>]+>", "", figure["caption"]).split()
    assert words == caption_of("quantity").split()


def test_a_figure_without_numbers_is_not_shown(shown):
    files, _, names = shown
    pictures = {name for name in files if name.endswith(".svg")}
    assert pictures == {name.rpartition("/")[2] for name in names if name.endswith(".svg")}
    assert "methods.svg" not in pictures  # the study has one method
    labels = [entry["labels"] for entry in files["methods.csv"]]
    assert labels == [{"table": "figure methods"}]


def test_the_first_page_names_the_study(shown):
    _, text, _ = shown
    assert "fourlenses: the study tiny" in text
