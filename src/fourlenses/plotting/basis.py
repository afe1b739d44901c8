"""What a figure rests on, said in the figure itself: who looks at a picture alone should not need the table to judge it."""

import textwrap
from collections.abc import Iterable

import pandas as pd
from matplotlib.figure import Figure

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings.thresholds import LEAST_SEEDS
from fourlenses.plotting import style
from fourlenses.study import methods, names

SIZE = 5.5  # points
LINE = 0.105  # inches
CHARACTERS = 23.5  # of this size, an inch


def text(
    evidence: Evidence, shown: Iterable[str], seeds: Iterable[int], marks: str = "bands"
) -> str:
    """`SimCLR, ResNet-18 at 64 px; 3 seeds; bands: 95 % intervals over test images and seeds.`

    shown: methods of the figure. seeds: of each number in it. marks: what it calls its intervals.
    """
    called = ", ".join(
        dict.fromkeys(
            methods.label(name) for name in methods.in_order(shown) if methods.is_contrastive(name)
        )
    )
    encoder = names.backbone(evidence.metrics["backbone"].iloc[0]) + pixels(evidence.metrics)
    seeds = sorted({int(one) for one in seeds})
    counted = (
        "no seed"
        if not seeds
        else f"{seeds[0]} to {seeds[-1]} seeds"
        if len(seeds) > 1
        else f"{seeds[0]} seed{'s' * (seeds[0] > 1)}"
    )
    said = f"{called + ', ' if called else ''}{encoder}; {counted}; {marks}: 95 % intervals over test images and seeds"
    return f"{said}{_lean(evidence, seeds, marks)}."


def pixels(metrics: pd.DataFrame) -> str:
    """` at 64 px`, or nothing where the table does not say."""
    sizes = (
        pd.to_numeric(metrics["image_size"], errors="coerce").dropna()
        if "image_size" in metrics
        else pd.Series(dtype=float)
    )
    return (
        f" at {' and '.join(str(int(size)) for size in sorted(sizes.unique()))} px"
        if len(sizes)
        else ""
    )


def _lean(evidence: Evidence, seeds: list[int], marks: str) -> str:
    if not seeds or seeds[0] >= LEAST_SEEDS:
        return ""
    widened = (
        f"{marks} widened by a standard deviation over seeds of {evidence.seed_variance.words()}"
        if seeds[0] == 1
        else ""
    )
    return f". Fewer than {LEAST_SEEDS} seeds: {widened + '; ' if widened else ''}read as a lean"


def write(figure: Figure, *lines: str) -> None:
    """Below everything else, in a strip that the figure is made taller by. To be called last."""
    width, height = figure.get_size_inches()
    wrapped = [part for line in lines for part in textwrap.wrap(line, int(CHARACTERS * width))]
    strip = LINE * len(wrapped) + 0.06
    share = strip / (height + strip)
    figure.set_size_inches(width, height + strip)
    figure.get_layout_engine().set(rect=(0, share, 1, 1 - share))
    for legend in figure.legends:  # else they would stand at the bottom of the page, in the strip
        legend.borderaxespad += 72 * strip / legend.get_texts()[0].get_fontsize()
    inches = {"x": 0.06 / width, "y": 0.04 / (height + strip)}
    figure.text(
        inches["x"],
        inches["y"],
        "\n".join(wrapped),
        fontsize=SIZE,
        color=style.QUIET,
        va="bottom",
        linespacing=1.25,
    )
