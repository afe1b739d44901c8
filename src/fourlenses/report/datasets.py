"""The part of the report on each dataset: card, chart and all its numbers; and the matrix."""

from pathlib import Path

from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from fourlenses.core.errors import UserError
from fourlenses.findings import selection
from fourlenses.findings.answer import convergence
from fourlenses.report.charts.curves import Chart, chart
from fourlenses.report.charts.matrix import BLOCKS, matrix
from fourlenses.report.charts.series import series_of
from fourlenses.report.gaps import Gap
from fourlenses.report.tables import Table
from fourlenses.study import methods, names

COLUMNS = ("encoder", "protocol", "labels", "top-1, %", "95 % interval", "seeds")


def read_datasets(metrics: Path, cards: list[dict]) -> dict:
    """Return what the report shows of each dataset.

    Args:
        metrics: the study's table.
        cards: as from `read_decisions`.

    Returns:
        ``panels``: id, title, card, chart and table of each dataset; ``matrix``: targets and blocks
        of rows, or None; ``not_converged``: how many trainings had not; ``gaps``.
    """
    by_target = {card["target"]: card for card in cards}
    try:
        evidence = Evidence.of(read_metrics(metrics))
    except UserError as error:
        # written by other means: its figures cannot be drawn either, but the rest is shown
        targets = list(by_target)
        panels = [_panel(i, target, by_target) for i, target in enumerate(targets, 1)]
        return {
            "panels": panels,
            "matrix": None,
            "not_converged": [],
            "gaps": [Gap(f"No charts: {error}")],
        }
    panels = []
    targets = sorted({*evidence.metrics["target"], *by_target})
    for place, target in enumerate(targets, 1):
        panel = _panel(place, target, by_target)
        series = series_of(target, evidence)
        drawn = chart(panel["title"], series, _chance(evidence, target))
        panels.append(panel | {"chart": drawn, "table": _table(evidence, target)})
    falling = convergence.sentences(evidence.metrics)
    matrix_of_study = _matrix(evidence, targets)
    return {"panels": panels, "matrix": matrix_of_study, "not_converged": falling, "gaps": []}


def _panel(place: int, target: str, cards: dict[str, dict]) -> dict:
    card = cards.get(target)
    title = card["title"] if card and card["title"] != target else names.dataset(target)
    drawn: Chart | None = None
    return {"id": f"dataset-{place}", "title": title, "card": card, "chart": drawn, "table": None}


def _chance(evidence: Evidence, target: str) -> float | None:
    rows = selection.finest(evidence.metrics)
    known = rows.loc[rows["target"] == target, "chance"].dropna()
    return float(known.iloc[0]) if len(known) else None


def _table(evidence: Evidence, target: str) -> Table | None:
    """Every encoder at the finest level, under every protocol."""
    rows = selection.finest(evidence.metrics)
    rows = rows[rows["target"] == target]
    keys = ["method", "source", "corruption", "protocol", "labelled_images"]
    lines = []
    for (method, source, corruption, protocol, labels), cell in rows.groupby(keys, sort=False):
        mean = evidence.mean(cell)
        worse = f", {names.corruption(corruption)}" if corruption != "none" else ""
        on = f" on {names.source(source)}{worse}" if source != "none" else ""
        lines.append(
            [
                f"{methods.label(method)}{on}",
                names.protocol(protocol),
                f"{labels:,}",
                f"{mean.estimate:.1f}",
                f"{mean.low:.1f} to {mean.high:.1f}",
                str(mean.seeds),
            ]
        )
    return Table.of(COLUMNS, lines) if lines else None


def _matrix(evidence: Evidence, targets: list[str]) -> dict | None:
    found = matrix(evidence)
    if found is None:
        return None
    columns, rows = found
    blocks = [(BLOCKS[name], [row for row in rows if row.block == name]) for name in BLOCKS]
    places = [f"dataset-{targets.index(target) + 1}" for target in columns]
    titles = [names.dataset(target) for target in columns]
    return {
        "columns": list(zip(places, titles, strict=True)),
        "blocks": [block for block in blocks if block[1]],
    }
