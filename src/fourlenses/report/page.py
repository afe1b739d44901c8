"""The page: everything gathered, put into the template, and written."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from fourlenses.core.files import atomic
from fourlenses.planning.report import CAPTION
from fourlenses.report import image_records, marks
from fourlenses.report.figures import read_figure, read_lenses
from fourlenses.report.findings import read_decisions, read_findings, read_published
from fourlenses.report.gaps import Gap, optional_text
from fourlenses.report.markdown import parse
from fourlenses.report.provenance import read_provenance
from fourlenses.report.runs import read_runs
from fourlenses.report.study_table import read_study_table
from fourlenses.report.tables import read_table

HERE = Path(__file__).parent


def write_report(metrics: Path, results: Path, *, data: Path, output: Path) -> None:
    """Write the report.

    What is known of the images is kept next to the table, for a clone without data. The same files
    give the same bytes: the page has no date and no path that is not relative to the
    study.

    Args:
        metrics: the study's table.
        results: the study's folder, in which all else is looked for.
        data: the datasets' folder, for the records of their images.
        output: report.html.

    Raises:
        UserError: ``metrics`` is no study's table.
    """
    contents = gather(metrics, results, data)
    image_records.keep(contents["provenance"]["image_records"], results)
    text = render(contents)
    with atomic(output) as temporary:
        # names of files may hold bytes that are no text
        temporary.write_bytes(text.encode("utf-8", errors="backslashreplace"))


def gather(metrics: Path, results: Path, data: Path) -> dict:
    """Return what the template shows, by section."""
    table = read_study_table(metrics)
    runs = read_runs(results / "pretrain", table.encoders)
    return {
        "study": results.resolve().name,
        "table": table,
        "findings": read_findings(results),
        "lenses": read_lenses(results / "figures", table.lenses),
        "decisions": read_decisions(results),
        "published": read_published(results),
        "plan": _plan(results),
        "provenance": read_provenance(
            metrics, results, data, datasets=table.datasets, runs=runs["runs"]
        ),
        "health": runs,
    }


def _plan(results: Path) -> dict:
    text, table = optional_text(results / "plan.md"), read_table(results / "plan.csv")
    power = optional_text(results / "power.md")
    figure = read_figure(results / "plan", CAPTION)
    if figure:
        figure["table"] = None  # shown once, below
    absent = Gap("plan.md, plan.csv and plan.svg are not there", "snakemake plan")
    gaps = [] if text or table or figure else [absent]
    return {
        "blocks": parse(text) if text else [],
        "table": table,
        "figure": figure,
        "power": parse(power) if power else [],
        "gaps": gaps,
    }


def render(contents: dict) -> str:
    """Return the HTML.

    It can load nothing: the policy in its head allows images of `data:`, and one style and one
    script, by their hashes.
    """
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "sort.js"))
    return environment.get_template("page.html.jinja").render(
        **contents,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        spark=marks.SPARK,
        forest=marks.FOREST,
    )


def _hash(text: str) -> str:
    """As a Content-Security-Policy names the one inline element it allows."""
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest())
    return f"sha256-{digest.decode('ascii')}"
