"""An index of the reports in a folder: of each study its answer, conditions and tiles."""

from pathlib import Path

from fourlenses.analysis.table import read_metrics
from fourlenses.core.errors import UserError
from fourlenses.core.files import atomic
from fourlenses.findings.answer import convergence
from fourlenses.report import answer
from fourlenses.report.decisions import read_decisions
from fourlenses.report.findings import read_findings, with_strips
from fourlenses.report.page import html_of
from fourlenses.report.study_table import read_study_table
from fourlenses.study.layout import METRICS, Layout


def write_gallery(results: Path, output: Path) -> int:
    """Write the index.

    Args:
        results: the folder of the studies; those with a report and a table are shown, by name.
        output: index.html, in the same folder, so that its links lead to the reports.

    Returns:
        How many studies it has.

    Raises:
        UserError: no study has a report, or the table of one is no study's.
    """
    name = Path(Layout("study", 0).report).name
    folders = sorted(file.parent for file in results.glob(f"*/{name}"))
    studies = [_study(folder) for folder in folders if (folder / METRICS).is_file()]
    if not studies:
        raise UserError(f"{results} has no study with a {name}; make one with snakemake report")
    html = html_of("gallery.html.jinja", {"studies": studies, "report": name})
    with atomic(output) as temporary:
        temporary.write_text(html, encoding="utf-8", errors="backslashreplace")
    return len(studies)


def _study(folder: Path) -> dict:
    table = read_study_table(folder / METRICS)
    decisions = read_decisions(folder)
    findings, _ = with_strips(read_findings(folder)["findings"], decisions["cards"])
    tiles, axis = answer.tiles(decisions["cards"], findings, table.lenses)
    return {
        "name": folder.name,
        "headline": answer.headline(decisions["cards"], tiles),
        "conditions": answer.conditions(table),
        "warnings": answer.warnings(
            [*decisions["shared"], *_not_converged(folder / METRICS)],
            table,
            0.0,
            study=folder.name,
        ),
        "tiles": tiles,
        "axis": axis,
    }


def _not_converged(metrics: Path) -> list[str]:
    """Return how many trainings had not converged; nothing of a table made by other means."""
    try:
        return convergence.sentences(read_metrics(metrics))
    except UserError:
        return []
