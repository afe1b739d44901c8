"""The report: one whole page that loads nothing, says what is missing, and shows names as text."""

import base64
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from fourlenses.core.errors import UserError
from tests.helpers import synthetic_metrics as synthetic
from tests.helpers.report_pages import (
    Page,
    add_all,
    make_study,
    named_as_the_pipeline_does,
    written,
)

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = ("#", "data:image/", "data:text/csv;")  # where a page's links and pictures lead
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def study(tmp_path):
    return make_study(tmp_path / "study")


def test_a_table_and_figures_are_enough_and_the_rest_is_said_to_be_missing(study):
    page = Page(written(study))
    for gap in (
        "findings.json is not there. Made by snakemake findings",
        "decision.json is not there. Made by snakemake findings",
        "published.csv is not there",
        "plan.md, plan.csv and plan.svg are not there. Made by snakemake plan",
        "study.json is not there. Made by snakemake results/planted/study.json",
        "The figure of the granularity lens is not there. Made by snakemake figures",
        "Counts and undecodable images of a, b are not known",
        "No record of 18 of the 18 encoders in the table, e.g. random/none/seed0",
    ):
        assert gap in page.text


def test_what_is_there_is_shown(study):
    add_all(study)
    page = Page(written(study))
    for text in (
        "Quantity of a supported",
        "Mean of what counts: +1.3 (+0.6 to +2.1) points claimed: 2",
        "One seed of a. The numbers it rests on (1) target estimate a 1.10 (0.50 to 2.00) cell "
        "of a",
        "Images of a ¶ Images of a Pretrain on a. It wins on a. small, a",
        "1,000 labels a, linear 56.0 (53.2 to 58.7)",
        "Pool with a? ▲ worth it because of a +1.0 (+0.4 to +1.6)",
        "Not measured, and what to add (1) In the study's file. the cost of a: add a; cost: "
        "hours of a",
        "Every comparison (1) All of a. worth it : Pooling with a gains 1.0 points.",
        "-5.2",
        "3.2 hours for a.",
        "stored_size: 48",
        "c0ffee",
        "The encoder of a collapsed. A note on a.",
        "1 min 11 s",
        "1,131",
        "truncated a",
        "4,800 1,200 4 zoo, 10 a 1 abababababab yes",
        "No record of 17 of the 18 encoders",
    ):
        assert text in page.text, page.text
    assert "is not there" not in page.text.replace(
        "figure of the quality lens is not there", ""
    ).replace("figure of the granularity lens is not there", "").replace(
        "figure of the alternatives lens is not there", ""
    )


def test_it_loads_nothing_and_is_well_formed(study):
    add_all(study)
    html = written(study)
    page = Page(html)
    assert all(address.startswith(ALLOWED) for address in page.addresses)
    assert {address[1:] for address in page.addresses if address[0] == "#"} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert page.tags.count("script") == 1
    assert "http:" not in html
    assert "https:" not in html
    assert "@import" not in html
    assert "url(" not in html
    assert all(
        len(set(table)) == 1 for table in page.tables
    )  # as many cells in every row as in the head


def test_every_figure_is_embedded_whole_with_its_caption_and_numbers(study):
    page = Page(written(study))
    pictures = [
        base64.b64decode(address.partition(",")[2])
        for address in page.addresses
        if address.startswith("data:image/")
    ]
    figures = study / "results" / "planted" / "figures"
    # of two pictures of one figure, the drawing; of a figure that is a picture only, that
    assert pictures == [
        (figures / "quantity.svg").read_bytes(),
        (figures / "domain_pools.png").read_bytes(),
    ]
    assert "Top-1 accuracy on the test set against the number of labelled images" in page.text
    assert "Differences in top-1 with 95 % intervals" in page.text
    assert "target top1 a 40.12 b 60" in page.text


@pytest.mark.parametrize(
    "name",
    [
        HOSTILE,
        '"><img src=x onerror=alert(1)>',
        "{{ 7 * 7 }}",
        "`**<b>x</b>**`",
        "</style></title>",
        "a|b\\|c",
    ],
)
def test_hostile_names_are_text(study, name, tmp_path):
    plain = make_study(tmp_path / "plain")
    add_all(plain)
    expected = Counter(Page(written(plain)).tags)
    name = name.replace('"', "'")
    add_all(study, name)
    page = Page(written(study))
    found = Counter(page.tags)
    assert {tag for tag in found if found[tag] != expected[tag]} <= {
        "strong",
        "code",
    }  # what markdown may make of a name
    assert all(address.startswith(ALLOWED) for address in page.addresses)
    assert f"truncated {name}" in page.text


def test_a_hostile_table_is_text_and_leads_nowhere(study):
    rows = [
        synthetic.row(HOSTILE, HOSTILE, "a-1000", HOSTILE, 40.0),
        synthetic.row("domain", "simclr", "../../a-1000", "../a", 40.0),
    ]
    synthetic.write(study / "results" / "planted" / "metrics.csv", named_as_the_pipeline_does(rows))
    page = Page(written(study))
    assert page.tags.count("script") == 1
    assert HOSTILE in page.text


def test_the_same_files_give_the_same_bytes_wherever_they_are(study, tmp_path):
    add_all(study)
    first = written(study)
    assert written(study) == first
    moved = tmp_path / "elsewhere"
    for part in ("results", "data"):
        moved.mkdir(exist_ok=True)
        (study / part).rename(moved / part)
    assert written(moved) == first


def test_damaged_records_are_said_and_the_rest_is_shown(study):
    results = add_all(study)
    (results / "findings.json").write_text('[{"finding": ')
    (results / "decision.json").write_text('"no card"')
    (results / "study.json").write_text("[]")
    (results / "pretrain/simclr/a-10000/seed0/run.json").write_text(
        '{"settings": 3, "versions": [], "datasets": [1], "notes": "x"}'
    )
    (results / "pretrain/simclr/a-10000/seed0/history.csv").write_text("step,loss\n1,nan\n")
    page = Page(written(study))
    assert "findings.json is damaged" in page.text
    assert "loss not finite" in page.text
    assert "-5.2" in page.text


def test_a_table_of_something_else_is_one_sentence(study):
    file = study / "results" / "planted" / "metrics.csv"
    file.write_text("name,value\na,1\n")
    with pytest.raises(
        UserError, match=r"metrics\.csv has no column 'lens', so it is no study's table"
    ):
        written(study)
    file.write_text(",".join(synthetic.COLUMNS) + "\n")
    with pytest.raises(UserError, match="has no row"):
        written(study)


def test_the_program_needs_neither_torch_nor_matplotlib(study):
    """In a separate process, in which they cannot be imported."""
    program = ROOT / "workflow_scripts" / "write_report.py"
    code = (
        "import runpy, sys\n"
        "for name in ('torch', 'matplotlib'): sys.modules[name] = None\n"
        "sys.argv = ['write_report.py', '--metrics', 'results/planted/metrics.csv']\n"
        "sys.argv += ['--output', 'report.html']\n"
        f"runpy.run_path({str(program)!r}, run_name='__main__')\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=study, check=True)
    assert (study / "report.html").read_text(encoding="utf-8") == written(study)


def test_verdicts_that_lean_and_comparisons_that_do_not_count_are_distinguished(study):
    second = {
        "estimate": 12.0,
        "low": -1.0,
        "high": 25.0,
        "unit": "% of the gain over the random encoder",
    }
    counted = {
        "estimate": -2.26,
        "low": -3.0,
        "high": -1.5,
        "unit": "points",
        "what": "b minus a",
        "target": "a",
        "status": "against",
    }
    excluded = counted | {
        "what": "c minus a",
        "status": "confounded",
        "reason": "twice the steps",
        "second_scale": second,
    }
    finding = {
        "finding": "domain_added",
        "verdict": "leans contradicted",
        "side": "below",
        "threshold": 1.0,
        "seeds": 1,
        "paired": False,
    }
    finding |= {
        "estimate": -2.26,
        "low": -3.0,
        "high": -1.5,
        "unit": "points",
        "counts": {"against": 1, "confounded": 1},
    }
    finding["evidence"] = [counted, excluded]
    (study / "results" / "planted" / "findings.json").write_text(
        json.dumps([finding], sort_keys=True)
    )
    html = written(study)
    text = Page(html).text
    assert '<span class="verdict contradicted leans">leans contradicted</span>' in html
    assert "Others added leans contradicted" in text
    assert "-2.3 (-3.0 to -1.5) points claimed: below 1" in text
    assert "a b minus a against the claim -2.3 (-3.0 to -1.5) points" in text
    assert "a c minus a confounded" in text
    assert "12 (-1 to 25) % of the gain over the random encoder" in text
    assert "More about it" not in text  # the note says the counts in words
