"""The footer of a figure: what it is based on, for a reader who has the picture alone."""

import textwrap
from collections.abc import Iterable

import pandas as pd
from matplotlib.figure import Figure

from fourlenses.analysis import table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings.thresholds import LEAST_SEEDS
from fourlenses.plotting import style
from fourlenses.study import methods, names

SIZE = 5.5  # points
LINE = 0.105  # inches
CHARACTERS = 23.5  # of this size, an inch


def text(
    evidence: Evidence, shown: Iterable[str], seeds: Iterable[int], *, intervals: str = "bands"
) -> str:
    """Return `SimCLR, ResNet-18 at 64 px; 3 seeds; bands: 95 % intervals over test images and
    seeds.`

    Args:
        evidence: the study's table.
        shown: methods of the figure.
        seeds: of each number in it.
        intervals: how the figure draws them: bands, whiskers, ±.
    """
    contrastive = [name for name in methods.in_order(shown) if methods.is_contrastive(name)]
    labels = ", ".join(dict.fromkeys(methods.label(name) for name in contrastive))
    pretrained = table.own_encoders(evidence.metrics)
    encoder = names.backbone(pretrained["backbone"].iloc[0]) + pixels(pretrained)
    numbers = sorted({int(number) for number in seeds})
    sentence = (
        f"{labels + ', ' if labels else ''}{encoder}; {_seeds(numbers)}; "
        f"{intervals}: 95 % intervals over test images and seeds"
    )
    return f"{sentence}{_lean(evidence, numbers, intervals)}."


def _seeds(numbers: list[int]) -> str:
    if not numbers:
        return "no seed"
    least, most = numbers[0], numbers[-1]
    return f"{least} to {most} seeds" if most > least else f"{least} seed{'s' * (least > 1)}"


def pixels(metrics: pd.DataFrame) -> str:
    """Return ` at 64 px`, or nothing where the table does not have the image size."""
    if "image_size" not in metrics:
        return ""
    sizes = sorted(pd.to_numeric(metrics["image_size"], errors="coerce").dropna().unique())
    return f" at {' and '.join(str(int(size)) for size in sizes)} px" if sizes else ""


def _lean(evidence: Evidence, seeds: list[int], intervals: str) -> str:
    if not seeds or seeds[0] >= LEAST_SEEDS:
        return ""
    deviation = evidence.seed_variance.words()
    widened = (
        f"{intervals} widened by a standard deviation over seeds of {deviation}; "
        if seeds[0] == 1
        else ""
    )
    return f". Fewer than {LEAST_SEEDS} seeds: {widened}read as a lean"


def write(figure: Figure, *lines: str) -> None:
    """Write lines below everything else, in a strip that makes the figure taller.

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
