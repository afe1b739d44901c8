"""The footer of a figure: what it is based on, for a reader who has the picture alone."""

import textwrap
from collections.abc import Iterable

import pandas as pd
from matplotlib.figure import Figure

from fourlenses.analysis import table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection
from fourlenses.findings.thresholds import LEAST_SEEDS
from fourlenses.plotting import ends, style, ticks
from fourlenses.study import methods, names

SIZE = 5.5  # points
LINE = 0.105  # inches
CHARACTERS = 22.5  # of this size, an inch
SEPARATOR = " · "
COVERING = "95 % intervals over test images and seeds"


def text(
    evidence: Evidence,
    shown: Iterable[str],
    seeds: Iterable[int],
    *,
    targets: Iterable[str],
    intervals: str = "bands",
    covering: str = COVERING,
    lens: str | None = None,
) -> str:
    """Return `real_mini · SimCLR, ResNet-18, 64 px, 2,344 steps · 3 seeds · 2,000 test images ·
    bands: 95 % intervals over test images and seeds`.

    Args:
        evidence: the study's table.
        shown: methods of the figure.
        seeds: of each number in it.
        targets: datasets that it shows results on.
        intervals: how the figure draws them: bands, whiskers, ±.
        covering: what they are.
        lens: whose encoders it shows; None: those of the whole study.
    """
    metrics = table.rows_for(evidence.metrics, lens) if lens else evidence.metrics
    contrastive = [name for name in methods.in_order(shown) if methods.is_contrastive(name)]
    numbers = sorted({int(number) for number in seeds})
    own = table.own_encoders(metrics)
    trained = own[own["method"].isin(contrastive) & own["target"].isin(set(targets))]
    # concatenated encoders have the steps of all of them together
    single = trained[~trained["source"].map(names.is_concatenated).astype(bool)]
    tests = metrics.loc[metrics["target"].isin(set(targets)), "n_test"]
    what = [
        ", ".join(dict.fromkeys(methods.label(name) for name in contrastive)),
        names.backbone(own["backbone"].iloc[0]),
        pixels(own),
        _span(selection.step_counts(single), "step"),
    ]
    parts = [
        str(metrics["study"].iloc[0]),
        ", ".join(filter(None, what)),
        _span(pd.Series(numbers), "seed") or "no seed",
        _span(tests, "test image"),
        f"{intervals}: {covering}",
    ]
    return SEPARATOR.join(filter(None, parts)) + _lean(evidence, numbers, intervals)


def _span(values: pd.Series, noun: str) -> str:
    """Return `3 seeds`, `1,020 to 10,000 test images`; nothing where none is above 0."""
    known = values[values > 0]
    if known.empty:
        return ""
    least, most = int(known.min()), int(known.max())
    numbers = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return f"{numbers} {noun}{'s' * (most > 1)}"


def pixels(metrics: pd.DataFrame) -> str:
    """Return `64 px`, or nothing where the table does not have the image size."""
    if "image_size" not in metrics:
        return ""
    sizes = sorted(pd.to_numeric(metrics["image_size"], errors="coerce").dropna().unique())
    return f"{' and '.join(str(int(size)) for size in sizes)} px" if sizes else ""


def _lean(evidence: Evidence, seeds: list[int], intervals: str) -> str:
    if not seeds or seeds[0] >= LEAST_SEEDS:
        return ""
    deviation = evidence.seed_variance.words()
    hatched = "hatched " if intervals == "bands" else ""
    widened = (
        f"one seed: {hatched}{intervals} widened by a standard deviation over seeds of "
        f"{deviation}; "
        if seeds[0] == 1
        else ""
    )
    return f". Fewer than {LEAST_SEEDS} seeds: {widened}read as a lean."


def write(figure: Figure, *lines: str) -> None:
    """Write lines below everything else, in a strip that makes the figure taller, and move labels
    that would overlap.

    To be called last.
    """
    width, height = figure.get_size_inches()
    wrapped = [part for line in lines for part in textwrap.wrap(line, int(CHARACTERS * width))]
    strip = LINE * len(wrapped) + 0.06
    share = strip / (height + strip)
    figure.set_size_inches(width, height + strip)
    style.layout(figure, rect=(0, share, 1, 1 - share))
    for legend in figure.legends:  # else they would stand at the bottom of the page, in the strip
        size = float(legend.get_texts()[0].get_fontsize())
        legend.borderaxespad += 72 * strip / size
    look: style.Look = {"fontsize": SIZE, "color": style.QUIET, "va": "bottom", "linespacing": 1.25}
    figure.text(0.06 / width, 0.04 / (height + strip), "\n".join(wrapped), **look)
    style.lay_out(figure)
    for _ in range(2):  # turned labels may still be too many
        changed = [ticks.fit(axes) for axes in figure.axes]
        if any(changed):
            style.lay_out(figure)
    for axes in figure.axes:
        ends.spread(axes)
