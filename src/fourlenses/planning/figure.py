"""The plan of a study as a figure: hours per lens, by kind of job.

The rows add up: what each lens alone needs, what several share, and all of it.
"""

import textwrap
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import StrMethodFormatter

from fourlenses.core.files import atomic
from fourlenses.planning.costs import KINDS, left, lenses_of, only_of_lens, shared, total
from fourlenses.planning.jobs import Job
from fourlenses.planning.report import count_of, hours, one_of
from fourlenses.study.vocabulary import PROTOCOLS, TRAINING_PROTOCOLS

# as in plotting.style and plotting.footer, which would import pandas
WIDTH, SIZE, SMALL = 6.9, 6.5, 5.5  # inches; points
ROW, LINE, FRAME = 0.27, 0.16, 0.95  # inches: of a bar, of a line of the legend, of the rest
IN_A_ROW = 4  # entries of the legend
QUIET = "#555555"
# Each has at least 3:1 on white.
COLOURS = {"pretrain": "#332288", "features": "#3B8EA5"}
COLOURS |= {name: PROTOCOLS[name].colour for name in TRAINING_PROTOCOLS}
NAMES = {"pretrain": "pretraining", "features": "features and classifiers"}
NAMES |= {name: PROTOCOLS[name].label for name in TRAINING_PROTOCOLS}
PALE = 0.3  # share of its colour that the area of what is done has; its edge has all of it


def draw(jobs: list[Job], device: str, study: str) -> Figure:
    """Draw a bar of what each lens alone needs, one of what several share, and one of all jobs.

    What is done is pale within its edge, except where everything is done.

    Args:
        jobs: of the study.
        device: whose hours they are.
        study: its name, for the footer.
    """
    bars = [(f"{lens} alone", only_of_lens(jobs, lens)) for lens in lenses_of(jobs)]
    bars += [("shared by several lenses", shared(jobs))]
    bars = [bar for bar in bars if total(bar[1]).hours]
    bars = [*bars, ("all, each job once", jobs)] if len(bars) != 1 else [("all", jobs)]
    handles = _legend(jobs)
    height = FRAME + ROW * len(bars) + LINE * ((len(handles) - 1) // IN_A_ROW)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots()
    in_hours = total(jobs).hours >= 2
    hours_a_unit = 1.0 if in_hours else 1 / 60
    for row, (_, group) in enumerate(bars):
        length = _bar(axes, row, group, hours_a_unit=hours_a_unit, pale=_some_left(jobs))
        text = f" {hours(total(group).hours)}"
        axes.annotate(text, (length, row), va="center", fontsize=SIZE)
    axes.set_yticks(range(len(bars)), [name for name, _ in bars])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.12 * max(total(jobs).hours / hours_a_unit, 1e-9))
    axes.set_xlabel(f"{'hours' if in_hours else 'minutes'} on {one_of(device)}", fontsize=SIZE)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=SIZE)
    legend = {"ncols": IN_A_ROW, "frameon": False, "fontsize": SIZE}
    figure.legend(handles=handles, loc="outside upper left", **legend)
    _footer(figure, jobs, device, study=study)
    return figure


def _legend(jobs: list[Job]) -> list[Patch]:
    kinds = {job.kind for job in jobs if job.seconds}
    handles = [
        Patch(color=COLOURS[kind], label=NAMES[kind])
        for kind in KINDS
        if kind in COLOURS and kind in kinds
    ]
    if any(job.done for job in jobs) and _some_left(jobs):
        handles.append(Patch(label="pale: done", **_area(QUIET, pale=True)))
    return handles


def _some_left(jobs: list[Job]) -> bool:
    return not all(job.done for job in jobs)


def _area(colour: str, *, pale: bool) -> dict[str, Any]:
    """Return how an area is drawn: without hatching, which flickers in narrow bars."""
    inside = to_rgba(colour, PALE) if pale else colour
    return {"facecolor": inside, "edgecolor": colour if pale else "white", "linewidth": 0.6}


def _footer(figure: Figure, jobs: list[Job], device: str, *, study: str) -> None:
    """What the picture is of, for who has it alone."""
    unknown = total(jobs).unknown
    parts = [
        study,
        f"{count_of(len(jobs))}, {f'{total(jobs).done:,}' if _some_left(jobs) else 'all'} done",
        f"an estimate from images per second on {one_of(device)}",
        *([f"without {count_of(unknown)} of unknown length"] if unknown else []),
    ]
    lines = textwrap.wrap(" · ".join(filter(None, parts)), int(22.5 * WIDTH))
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=SMALL, color=QUIET)


def _bar(axes: Axes, row: int, jobs: list[Job], *, hours_a_unit: float, pale: bool) -> float:
    """Draw the bar of some jobs, kind by kind, and return its length."""
    length = 0.0
    for kind, colour in COLOURS.items():
        of_kind = [job for job in jobs if job.kind == kind]
        done = [job for job in of_kind if job.done]
        for part, is_done in ((left(of_kind), False), (done, True)):
            width = total(part).hours / hours_a_unit
            if width:
                area = _area(colour, pale=pale and is_done)
                axes.barh(row, width, left=length, height=0.72, **area)
                length += width
    return length


def save(figure: Figure, prefix: Path) -> None:
    """Write `prefix`.svg and .png, the same bytes for the same figure."""
    hidden = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
    with matplotlib.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "fourlenses",
            "font.family": "DejaVu Sans",
        }
    ):
        for ending, metadata in hidden.items():
            with atomic(prefix.with_name(f"{prefix.name}.{ending}")) as temporary:
                figure.savefig(temporary, format=ending, metadata=metadata, dpi=200)
