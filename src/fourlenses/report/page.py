"""The page: everything gathered, put into the template, and written."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from fourlenses.core.files import atomic
from fourlenses.planning.report import CAPTION
from fourlenses.report import answer
from fourlenses.report.charts import curves, heat, strip, training
from fourlenses.report.classes import read_classes
from fourlenses.report.datasets import read_datasets
from fourlenses.report.decisions import read_decisions
from fourlenses.report.figures import embedded_csv, not_measured, read_figure, read_lenses
from fourlenses.report.findings import read_findings, read_published, with_strips
from fourlenses.report.gaps import Gap, optional_text
from fourlenses.report.markdown import parse
from fourlenses.report.pictures import read_pictures
from fourlenses.report.records import image_records, marks
from fourlenses.report.records.provenance import read_provenance
from fourlenses.report.records.runs import read_runs
from fourlenses.report.study_table import read_study_table
from fourlenses.report.tables import read_table
from fourlenses.study import names
from fourlenses.study.vocabulary import LENSES

TEMPLATE = Path(__file__).parent / "template"
STYLES = ("page.css", "parts.css", "charts.css", "print.css")
MOST_EMBEDDED = 300_000  # bytes of metrics.csv that a page carries
MOST_BYTES = 1_450_000  # of a page; pictures of images that do not fit are named alone


def write_report(metrics: Path, results: Path, *, data: Path, output: Path) -> None:
    """Write the report.

    What is known of the images is kept next to the table, for a clone without data. The same files
    give the same bytes: the page has no date and no path that is not relative to the study.

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
    page = _encoded(render(contents))
    if len(page) > MOST_BYTES and contents["pictures"]["kinds"]:
        without = _encoded(render(contents | {"pictures": read_pictures(results, room=0)}))
        room = (MOST_BYTES - len(without)) * 3 // 4  # base64 has four bytes for three
        page = _encoded(render(contents | {"pictures": read_pictures(results, room=room)}))
    with atomic(output) as temporary:
        temporary.write_bytes(page)


def _encoded(text: str) -> bytes:
    """Names of files may hold bytes that are no text."""
    return text.encode("utf-8", errors="backslashreplace")


def gather(metrics: Path, results: Path, data: Path) -> dict:
    """Return what the template shows, by section."""
    table = read_study_table(metrics)
    runs = read_runs(results / "pretrain", table.encoders)
    decisions, found = read_decisions(results), read_findings(results)
    with_dots, findings_axis = with_strips(found["findings"], decisions["cards"])
    tiles, axis = answer.tiles(decisions["cards"], with_dots, table.lenses)
    parts = {
        "findings": found | {"findings": with_dots},
        "decisions": decisions,
        "datasets": read_datasets(metrics, decisions["cards"]),
        "pictures": read_pictures(results),
        "classes": read_classes(results),
        "published": read_published(results),
        "plan": _plan(results),
        "provenance": read_provenance(
            metrics, results, data, datasets=table.datasets, runs=runs["runs"]
        ),
        "health": runs,
    }
    lenses = read_lenses(results / "figures", table.lenses)
    gaps = [gap for part in (*parts.values(), *lenses) for gap in part["gaps"]]
    gaps = _not_asked(table.lenses) + not_measured(results / "figures", table.lenses) + gaps
    return {
        "study": results.resolve().name,
        "table": table,
        "protocols": [names.protocol(protocol) for protocol in table.protocols],
        "headline": answer.headline(decisions["cards"], tiles),
        "short_answers": answer.short_answers(parts["datasets"]["panels"]),
        "conditions": answer.conditions(table),
        "warnings": answer.warnings(
            [*decisions["shared"], *parts["datasets"]["not_converged"]],
            table,
            runs["hours"],
            study=results.resolve().name,
        ),
        "tiles": tiles,
        "meanings": answer.meanings(table),
        "axis": axis,
        "findings_axis": findings_axis,
        "metrics_csv": embedded_csv(metrics) if metrics.stat().st_size <= MOST_EMBEDDED else None,
        "sections": _sections(lenses, with_dots),
        "gaps": gaps,
        "not_asked": [(name, lens) for name, lens in LENSES.items() if name not in table.lenses],
        **parts,
    }


def _sections(lenses: list[dict], findings: list[dict]) -> list[dict]:
    """A section per lens that has a figure or a finding that was measured."""
    numbered = list(enumerate(findings, 1))
    by_lens = {lens["lens"]: lens for lens in lenses}
    sections = []
    for name in (*LENSES, "other"):
        said = [pair for pair in numbered if pair[1]["lens"] == name]
        said = [pair for pair in said if name in by_lens or pair[1]["counts"]]
        figures = by_lens[name]["figures"] if name in by_lens else []
        if said or figures:
            question = LENSES[name].question if name in LENSES else ""
            title = name.capitalize() if name in LENSES else "More"
            section = {"lens": name, "title": title, "question": question}
            sections.append({**section, "findings": said, "figures": figures})
    return sections


def _not_asked(asked: set[str]) -> list[Gap]:
    """The lenses that the study does not have."""
    return [
        Gap(f"{name.capitalize()} is not measured: {lens.question}", key=f"Add {name} to lenses")
        for name, lens in LENSES.items()
        if name not in asked
    ]


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
    """Return the HTML of a report.

    It can load nothing: the policy in its head allows images of `data:`, and one style and one
    script, by their hashes.
    """
    return html_of(
        "page.html.jinja", contents | {"spark": marks.SPARK, "curves": curves, "training": training}
    )


def html_of(template: str, contents: dict) -> str:
    """Return what a template of the folder makes of its contents, with style and script."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = "".join((TEMPLATE / name).read_text(encoding="utf-8") for name in STYLES)
    script = (TEMPLATE / "page.js").read_text(encoding="utf-8")
    return environment.get_template(template).render(
        **contents,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        strips=strip,
        heat_map=heat,
    )


def _hash(text: str) -> str:
    """As a Content-Security-Policy names the one inline element it allows."""
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest())
    return f"sha256-{digest.decode('ascii')}"
