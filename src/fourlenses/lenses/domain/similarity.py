"""Transfer between two domains against their distance: what a source is worth on a target.

Across: the distance of the two datasets' test images under an encoder that was never trained
(similarity.csv: the squared Fréchet distance, and the proxy A-distance, which ends at 2). Up: top-1
after pretraining on the source minus top-1 after in-domain pretraining, all else equal, one point
per source and target: its colour is the target's, its marker the source's. Two datasets are equally
far from each other either way, so points that would overlap stand next to each other.

Written in each panel is Spearman's rank correlation of the two over all points. Points that share a
dataset are not independent, so its p-value is that of a Mantel test
(Mantel 1967, https://pubmed.ncbi.nlm.nih.gov/6018555): how often a correlation at least as
large, either way, arises when the datasets of the distances are permuted. All permutations are
tried where there are at most 5,040 (seven datasets), else as many drawn ones. With three datasets
no p below 1/3 is possible, with four none below 1/24.
"""

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.csv_tables import read_csv_table
from fourlenses.core.errors import UserError
from fourlenses.lenses.domain import contrasts
from fourlenses.plotting import colours, footer, panels, spacing, style
from fourlenses.study import names

MEASURES = {"frechet": "squared Fréchet distance", "proxy_a_distance": "proxy A-distance"}
COLUMNS = ("source", "target", "seed", *MEASURES)
PERMUTATIONS = 5040
DODGE = 0.028  # of the span of distances (`_span`): the least between two points
NEXT = "points that would overlap stand next to each other"


def read_table(path: str | Path | None) -> pd.DataFrame:
    """Return the table of distances.

    Raises:
        UserError: there is none, or something is wrong with it.
    """
    if path is None:
        raise UserError(
            "the figure domain_similarity needs the distances too; name them by "
            "--table results/<study>/similarity.csv"
        )
    make = f"run snakemake {path}"
    return read_csv_table(path, COLUMNS, make=make, again=f"delete it and {make}")


def numbers_drawn(evidence: Evidence, similarity: pd.DataFrame) -> pd.DataFrame:
    """Return one row per source, target and contrastive method: the distances (means over seeds),
    the difference, and both correlations."""
    pairs = contrasts.transfers(evidence).drop(columns=["comparison", "excluded", "reason"])
    against = {"difference": "against", "low": "against_low", "high": "against_high"}
    pairs = pairs.rename(columns=against)
    pairs["source_dataset"] = [names.source_parts(source)[0][0] for source in pairs["source"]]
    means = similarity.groupby(["source", "target"])[list(MEASURES)].mean().reset_index()
    numbers = pairs.merge(
        means.rename(columns={"source": "source_dataset"}),
        on=["source_dataset", "target"],
        validate="many_to_one",
    )
    for measure in MEASURES:
        rho, p = correlation(numbers, means, measure)
        numbers = numbers.assign(**{f"{measure}_spearman": rho, f"{measure}_p": p})
    return numbers


def correlation(
    numbers: pd.DataFrame, distances: pd.DataFrame, measure: str
) -> tuple[float, float]:
    """Return Spearman's rank correlation of `measure` and `against`, and the p-value of the Mantel
    test; NaN where there is nothing to rank."""
    datasets = sorted({*numbers["source_dataset"], *numbers["target"]})
    if len(numbers) < 3 or numbers[measure].nunique() < 2 or numbers["against"].nunique() < 2:
        return math.nan, math.nan
    matrix = distances.pivot(index="source", columns="target", values=measure)
    matrix = matrix.reindex(index=datasets, columns=datasets).to_numpy()
    row, column = (
        numbers[name].map(datasets.index).to_numpy() for name in ("source_dataset", "target")
    )
    against = numbers["against"].rank().to_numpy()

    def rho(order: np.ndarray) -> float:
        return np.corrcoef(pd.Series(matrix[order[row], order[column]]).rank(), against)[0, 1]

    measured = rho(np.arange(len(datasets)))
    # equal correlations may differ in the last bits of a sum
    as_large = [abs(rho(order)) >= abs(measured) - 1e-9 for order in _permutations(len(datasets))]
    return measured, float(np.mean(as_large))


def _permutations(count: int) -> list[np.ndarray]:
    """Return all permutations of `count` datasets, or `PERMUTATIONS` drawn ones."""
    if math.factorial(count) <= PERMUTATIONS:
        return [np.array(order) for order in itertools.permutations(range(count))]
    generator = np.random.default_rng(0)
    drawn = (generator.permutation(count) for _ in range(PERMUTATIONS - 1))
    return [np.arange(count), *drawn]


@style.context()
def draw(evidence: Evidence, table: pd.DataFrame) -> tuple[Figure | None, pd.DataFrame]:
    """Return the figure of transfer against distance and the numbers in it."""
    numbers = numbers_drawn(evidence, table)
    if numbers.empty:
        return None, numbers
    per_row = style.columns(2, 2.4)
    figure = style.new_figure(2, height=0.3 + 2.4 * (2 // per_row))
    grid = panels.grid(figure, 2, per_row=per_row)[0]
    every = {*evidence.metrics["target"], *numbers["source_dataset"]}
    shades, markers = colours.of_datasets(every), colours.dataset_markers(every)
    moved = False
    for index, (axes, (measure, name)) in enumerate(zip(grid, MEASURES.items(), strict=True)):
        distances, span = numbers[measure], _span(numbers[measure])
        places = _dodged(distances, DODGE * span)
        moved |= not np.allclose(places, distances, rtol=0, atol=1e-6 * span)
        for point, x in zip(numbers.itertuples(), places, strict=True):
            look: style.Look = {"color": shades[point.target]}
            axes.vlines(x, point.against_low, point.against_high, linewidth=0.8, alpha=0.6, **look)
            axes.plot(x, point.against, markers[point.source_dataset], markersize=5, **look)
        _trend(axes, numbers, measure)
        axes.axhline(0, color="black", linewidth=0.6)
        axes.set_xlabel(f"{name} of source and target")
        if index % per_row == 0:
            axes.set_ylabel(f"points against in-domain\npretraining ({panels.BETTER_UP})")
        axes.margins(x=0.1)
        if distances.max() - distances.min() < span:
            # points next to each other would fill the panel, as if far apart
            axes.set_xlim(distances.iloc[0] - span / 2, distances.iloc[0] + span / 2)
        axes.grid(True)
    for target in sorted(numbers["target"].unique()):
        label = f"evaluated on {names.dataset(target)}"
        grid[0].plot([], [], color=shades[target], linewidth=4, label=label)
    for source in sorted(numbers["source_dataset"].unique()):
        label = f"pretrained on {names.dataset(source)}"
        grid[0].plot([], [], markers[source], color=style.QUIET, label=label)
    panels.legend_below(figure)
    look = {"targets": sorted(numbers["target"].unique()), "intervals": "whiskers"}
    text = footer.text(evidence, numbers["method"], numbers["seeds"], lens="domain", **look)
    footer.write(figure, text, *([NEXT] if moved else []))
    return figure, numbers


def _span(distances: pd.Series) -> float:
    """Return the span of distances; where all are one but for rounding, how far that is from 0."""
    span, largest = float(distances.max() - distances.min()), float(distances.abs().max())
    return span if span > 1e-6 * largest else largest or 1.0


def _dodged(distances: pd.Series, step: float) -> list[float]:
    """Return distances, moved as little as makes them ``step`` apart."""
    order = distances.argsort(kind="stable").to_numpy()
    wanted = [float(distances.iloc[index]) for index in order]
    places = spacing.spaced(wanted, [step] * len(wanted), low=-math.inf, high=math.inf)
    return [places[place] for place in np.argsort(order)]


def _trend(axes: Axes, numbers: pd.DataFrame, measure: str) -> None:
    """Draw the least-squares line through all points, and write their rank correlation."""
    rho, p = numbers[f"{measure}_spearman"].iloc[0], numbers[f"{measure}_p"].iloc[0]
    if math.isnan(rho):
        axes.set_title("too few different values to rank", loc="left", fontsize=7)
        return
    slope, offset = np.polyfit(numbers[measure], numbers["against"], 1)
    ends = np.array([numbers[measure].min(), numbers[measure].max()])
    look: style.Look = {"color": style.PALE, "linewidth": 0.8, "zorder": 1}
    axes.plot(ends, slope * ends + offset, linestyle="--", **look)
    points = f"{len(numbers)} points, not independent"
    axes.set_title(f"Spearman's ρ = {rho:.2f}, p = {p:.2g}\n({points})", loc="left", fontsize=7)
