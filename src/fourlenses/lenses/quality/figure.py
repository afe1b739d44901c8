"""Data quality (the paper's Fig. 4): what corrupting the pretraining images costs, for contrastive and supervised pretraining.

A bar is top-1 after clean pretraining minus top-1 after pretraining on corrupted images, all else equal (method, source, number of
images, target, labelled images, seed): a linear classifier, trained and tested on clean images. Whiskers are 95 % intervals. Under the
points the same as a share of what the encoder gained over the random one, since an encoder that stands low has little to lose; no share is
drawn of an encoder that is not above the random one by more than its interval. Hollow markers are the paper's drops on the same dataset,
which is of 1M images there, beside bars of the paper's protocol. Columns are targets, rows pretraining sources.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis import published_comparison, scales, table
from fourlenses.analysis.cells import Cell
from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.findings import quality as finding
from fourlenses.findings import selection
from fourlenses.plotting import basis, hollow, panels, style
from fourlenses.study import methods, names

NAME = "quality"
BAR = 0.17  # inches
UNKNOWN = (float("nan"),) * 3
MOST_SHARE = (-100.0, 200.0)  # percent: intervals beyond are cut off rather than flatten the bars
TITLES = {
    "drop": "drop in top-1, points",
    "share": "share lost of the gain\nover the random encoder, %",
}


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """One row per bar: source, target, corruption, method, the two accuracies, the drop in points and in percent of the gain."""
    metrics = evidence.metrics
    rows = selection.linear(table.at_finest(table.rows_for(metrics, NAME)))
    rows = rows[rows["method"] != "random"]
    corrupted = rows[rows["corruption"] != "none"]
    if corrupted.empty:
        raise UserError(
            f"{table.where(metrics)} has no linear evaluation of corrupted pretraining for the lens quality "
            f"(corruptions found: {', '.join(rows['corruption'].unique()) or 'none'}); add corruptions to the study"
        )
    pairs = finding.drops(metrics)
    asked = list(dict.fromkeys(_keys(corrupted)))
    lacking = next((key for key in asked if key not in pairs), None)
    if lacking:
        target, source, corruption, method = lacking
        labels = max(corrupted.loc[corrupted["target"] == target, "labelled_images"])
        raise UserError(
            f"{table.where(metrics)} has {method} on {source} with {corruption} for {target} but no clean pretraining of the same images "
            f"and seed at {labels} labelled images; add it to the study"
        )
    known = _published_drops(metrics)
    numbers = pd.DataFrame([_bar(*pairs[key], evidence, known) for key in asked])
    order = names.in_order(corrupted["corruption"], ())
    numbers["_corruption"] = numbers["corruption"].map(order.index)
    numbers["_method"] = numbers["method"].map(methods.place)
    numbers = numbers.sort_values(["source", "target", "_corruption", "_method"], ignore_index=True)
    return numbers.drop(columns=["_corruption", "_method"])


def _keys(rows: pd.DataFrame) -> list[tuple]:
    """As `findings.quality.drops` names them."""
    return list(
        zip(
            rows["target"],
            rows["source"].map(names.clean_source),
            rows["corruption"],
            rows["method"],
            strict=True,
        )
    )


def _bar(clean: pd.DataFrame, corrupted: pd.DataFrame, evidence: Evidence, published: dict) -> dict:
    """The drop by one corruption, over the seeds that both sides have."""
    drop = evidence.difference(clean, corrupted)
    first = clean.iloc[0]
    seeds = set(clean["seed"]) & set(corrupted["seed"])
    accuracies = {
        name: rows[rows["seed"].isin(seeds)].groupby("seed")["top1"].mean().mean()
        for name, rows in (("clean_top1", clean), ("corrupted_top1", corrupted))
    }
    share = _share(clean, corrupted, evidence)
    corruption = corrupted["corruption"].iloc[0]
    return {
        **{key: first[key] for key in ("source", "target")},
        "corruption": corruption,
        **{key: first[key] for key in ("method", "protocol", "pretrain_images", "labelled_images")},
        **accuracies,
        **{
            "drop": drop.estimate,
            "drop_low": drop.low,
            "drop_high": drop.high,
            "seeds": drop.seeds,
        },
        **dict(zip(("share", "share_low", "share_high"), share, strict=True)),
        "published_drop": published.get(
            (
                names.datasets(first["source"]),
                first["target"],
                corruption,
                first["method"],
                first["protocol"],
            ),
            float("nan"),
        ),
    }


def _share(
    clean: pd.DataFrame, corrupted: pd.DataFrame, evidence: Evidence
) -> tuple[float, float, float]:
    """Percent of the gain over the random encoder; nan where that was not evaluated, or the encoder is not above it for certain."""
    random = selection.random_encoder(evidence.metrics, clean)
    if (
        random.empty
        or not selection.share_seeds(clean, corrupted, random)
        or evidence.difference(clean, random).low <= 0
    ):
        return UNKNOWN
    share = evidence.contrast(
        [Cell.of(rows) for rows in (clean, corrupted, random)], scales.share_of_gain
    )
    return share.estimate, share.low, share.high


def _published_drops(metrics: pd.DataFrame) -> dict[tuple, float]:
    """(datasets pretrained on, target, corruption, method, protocol) -> the paper's drop in points."""
    rows = published_comparison.published_rows(metrics, NAME)
    key = ["target", "method", "protocol"]
    clean = rows[rows["corruption"] == "none"].set_index(key)["top1"]
    corrupted = rows[rows["corruption"] != "none"]
    return {
        (names.datasets(one.source), one.target, one.corruption, one.method, one.protocol): clean[
            one.target, one.method, one.protocol
        ]
        - one.top1
        for one in corrupted.itertuples()
    }


@style.context()
def draw(evidence: Evidence) -> tuple[Figure, pd.DataFrame]:
    """The figure of the quality lens and the numbers in it."""
    numbers = numbers_drawn(evidence)
    sources, targets = sorted(numbers["source"].unique()), sorted(numbers["target"].unique())
    shown = methods.in_order(numbers["method"])
    corruptions = names.in_order(numbers["corruption"], evidence.metrics["corruption"].unique())
    kinds = ["drop", "share"] if numbers["share"].notna().any() else ["drop"]
    tall = 0.5 + BAR * len(corruptions) * (len(shown) + 0.6)
    figure = style.new_figure(len(targets), height=0.55 + len(kinds) * len(sources) * tall)
    grid = figure.subplots(len(kinds) * len(sources), len(targets), squeeze=False, sharey=True)
    colours = style.dataset_colours(evidence.metrics["target"])
    for row, line in enumerate(grid):
        kind, source = kinds[row // len(sources)], sources[row % len(sources)]
        for target, axes in zip(targets, line, strict=True):
            rows = numbers[(numbers["source"] == source) & (numbers["target"] == target)]
            _panel(axes, rows, shown, corruptions, kind=kind)
            if kind == "drop" or len(sources) > 1:
                panels.title(
                    axes, f"{names.source(source)} → {names.dataset(target)}", colours[target]
                )
            axes.set_xlabel(TITLES[kind])
    for kind in kinds:
        _one_scale(
            [
                axes
                for row, line in enumerate(grid)
                for axes in line
                if kinds[row // len(sources)] == kind
            ],
            kind,
        )
    panels.legend_below(figure, columns=2 if len(targets) == 1 else 4)
    basis.write(figure, basis.text(evidence, numbers["method"], numbers["seeds"], "whiskers"))
    return figure, numbers


def _panel(
    axes: Axes, rows: pd.DataFrame, shown: list[str], corruptions: list[str], *, kind: str
) -> None:
    """Bars of all methods side by side for each corruption, the first corruption on top."""
    thick = 0.8 / len(shown)
    for place, method in enumerate(shown):
        bars = rows[(rows["method"] == method) & rows[kind].notna()]
        y = (
            bars["corruption"].map(corruptions.index).astype(float)
            + (place - (len(shown) - 1) / 2) * thick
        )
        label = f"{methods.label(method)} pretraining"
        axes.barh(y, bars[kind], height=0.92 * thick, color=methods.colour(method), label=label)
        axes.hlines(y, bars[f"{kind}_low"], bars[f"{kind}_high"], color="black", linewidth=0.8)
        known = bars["published_drop"].notna()
        if kind == "drop":
            hollow.mark(
                axes, bars["published_drop"][known], y[known], "black", methods.marker(method)
            )
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set_yticks(range(len(corruptions)), [names.corruption(name) for name in corruptions])
    axes.set_ylim(len(corruptions) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(True, axis="x")


def _one_scale(panels_of_kind: list[Axes], kind: str) -> None:
    """Panels of one unit have one axis; that of shares ends where nothing but intervals goes on."""
    low, high = (
        end(axes.get_xlim()[place] for axes in panels_of_kind)
        for place, end in ((0, min), (1, max))
    )
    if kind == "share":
        low, high = max(low, MOST_SHARE[0]), min(high, MOST_SHARE[1])
    for axes in panels_of_kind:
        axes.set_xlim(low, high)
