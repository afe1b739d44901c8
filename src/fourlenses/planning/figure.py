"""The plan of a study as a figure: hours per lens, by kind of job."""

from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from fourlenses.core.files import atomic
from fourlenses.planning.costs import KINDS, left, lenses_of, of_lens, only_of_lens, total
from fourlenses.planning.jobs import Job
from fourlenses.study.vocabulary import PROTOCOLS, TRAINING_PROTOCOLS

# Tol's muted set, as in plotting.style, which would import pandas
COLOURS = {"pretrain": "#332288", "features": "#88CCEE"}
COLOURS |= {name: PROTOCOLS[name].colour for name in TRAINING_PROTOCOLS}
DONE = "////"  # hatch


def draw(jobs: list[Job], device: str) -> Figure:
    """Draw a bar per lens, another of what it alone adds, and one of all jobs, each once.

    What is done is hatched.
    """
    bars = []
    for lens in lenses_of(jobs):
        bars.append((lens, of_lens(jobs, lens)))
        bars.append((f"{lens} alone adds", only_of_lens(jobs, lens)))
    bars.append(("all, each once", jobs))
    figure = Figure(figsize=(6.9, 0.8 + 0.27 * len(bars)), layout="constrained")
    axes = figure.subplots()
    in_hours = total(jobs).hours >= 2
    unit, hours_a_unit = ("h", 1.0) if in_hours else ("min", 1 / 60)
    for row, (_, group) in enumerate(bars):
        length = _bar(axes, row, group, hours_a_unit=hours_a_unit)
        text = f" {length:,.3g} {unit}" if length < 1000 else f" {length:,.0f} {unit}"
        axes.annotate(text, (length, row), va="center", fontsize=6.5)
    axes.set_yticks(range(len(bars)), [name for name, _ in bars])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.12 * max(total(jobs).hours / hours_a_unit, 1e-9))
    axes.set_xlabel(f"{'hours' if in_hours else 'minutes'} of {device or 'a device'}", fontsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=6.5)
    kinds = {job.kind for job in jobs if job.seconds}
    handles = [
        Patch(color=COLOURS[kind], label=kind)
        for kind in KINDS
        if kind in COLOURS and kind in kinds
    ]
    if any(job.done for job in jobs):
        handles.append(Patch(facecolor="#BBBBBB", edgecolor="white", hatch=DONE, label="done"))
    figure.legend(handles=handles, loc="outside upper center", ncols=6, frameon=False, fontsize=6.5)
    return figure


def _bar(axes: Axes, row: int, jobs: list[Job], *, hours_a_unit: float) -> float:
    """Draw the bar of some jobs, kind by kind, and return its length."""
    length = 0.0
    for kind, colour in COLOURS.items():
        of_kind = [job for job in jobs if job.kind == kind]
        done = [job for job in of_kind if job.done]
        for part, hatch in ((left(of_kind), None), (done, DONE)):
            width = total(part).hours / hours_a_unit
            if not width:
                continue
            axes.barh(
                row,
                width,
                left=length,
                height=0.72,
                color=colour,
                hatch=hatch,
                edgecolor="white",
                linewidth=0.4,
            )
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
            "hatch.linewidth": 0.6,
        }
    ):
        for ending, metadata in hidden.items():
            with atomic(prefix.with_name(f"{prefix.name}.{ending}")) as temporary:
                figure.savefig(temporary, format=ending, metadata=metadata, dpi=200)
