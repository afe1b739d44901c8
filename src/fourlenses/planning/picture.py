"""The plan as a picture: hours per lens, by kind of job, with what is shared between lenses and what is done already."""

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from fourlenses.planning.costs import KINDS, left, lenses_of, of_lens, only_of_lens, total
from fourlenses.planning.jobs import Job
from fourlenses.study.vocabulary import PROTOCOLS, TRAINING_PROTOCOLS

# Tol's muted set, as in lenses.style, which would import pandas
COLOURS = {"pretrain": "#332288", "features": "#88CCEE"} | {
    name: PROTOCOLS[name].colour for name in TRAINING_PROTOCOLS
}


def draw(jobs: list[Job], device: str) -> Figure:
    """A bar per lens, another of what it alone adds, and one of all jobs, each once. Hatched: done already."""
    lenses = lenses_of(jobs)
    bars = [(lens, of_lens(jobs, lens)) for lens in lenses]
    bars = [
        bar
        for lens, own in bars
        for bar in ((lens, own), (f"{lens} alone adds", only_of_lens(jobs, lens)))
    ] + [("all, each once", jobs)]
    figure = Figure(figsize=(6.9, 0.8 + 0.27 * len(bars)), layout="constrained")
    axes = figure.subplots()
    unit, divide = ("h", 1) if total(jobs).hours >= 2 else ("min", 1 / 60)
    used = [
        kind
        for kind in KINDS
        if kind in COLOURS and any(job.kind == kind and job.seconds for job in jobs)
    ]
    for place, (_, own) in enumerate(bars):
        start = 0.0
        for kind in used:
            of_kind = [job for job in own if job.kind == kind]
            for part, hatch in (
                (left(of_kind), None),
                ([job for job in of_kind if job.done], "////"),
            ):
                width = total(part).hours / divide
                axes.barh(
                    place,
                    width,
                    left=start,
                    height=0.72,
                    color=COLOURS[kind],
                    hatch=hatch,
                    edgecolor="white",
                    linewidth=0.4,
                )
                start += width
        axes.annotate(
            f" {start:,.3g} {unit}" if start < 1000 else f" {start:,.0f} {unit}",
            (start, place),
            va="center",
            fontsize=6.5,
        )
    axes.set_yticks(range(len(bars)), [name for name, _ in bars])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.12 * max(total(jobs).hours / divide, 1e-9))
    axes.set_xlabel(
        f"hours of {device or 'a device'}" if unit == "h" else f"minutes of {device or 'a device'}",
        fontsize=7,
    )
    handles = [Patch(color=COLOURS[kind], label=kind) for kind in used]
    if any(job.done for job in jobs):
        handles.append(Patch(facecolor="#BBBBBB", edgecolor="white", hatch="////", label="done"))
    figure.legend(handles=handles, loc="outside upper center", ncols=6, frameon=False, fontsize=6.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=6.5)
    return figure


def save(figure: Figure, prefix) -> None:
    from fourlenses.core.files import atomic

    with matplotlib.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "fourlenses",
            "font.family": "DejaVu Sans",
            "hatch.linewidth": 0.6,
        }
    ):
        for ending, hidden in (
            ("svg", {"Date": None, "Creator": None}),
            ("png", {"Software": None}),
        ):
            with atomic(prefix.with_name(f"{prefix.name}.{ending}")) as temporary:
                figure.savefig(temporary, format=ending, metadata=hidden, dpi=200)
