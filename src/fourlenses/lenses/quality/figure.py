"""Data quality (the paper's Figure 4): the cost of corrupting the pretraining images.

A bar is top-1 after pretraining on corrupted images minus top-1 after clean pretraining, all else
equal (method, source, number of images, target, labelled images, seed): a linear classifier,
trained and tested on clean images. Contrastive and supervised pretraining are next to each other.
Whiskers are 95 % intervals.

Under the points the same as a share of what the encoder gained over the random-init encoder, since
an encoder of low accuracy has little to lose; no share is drawn of an encoder that is not above the
random-init encoder by more than its interval. Hollow markers are the paper's changes on
the same dataset, which is of 1M images there, at bars of the paper's protocol. A panel is a
pretraining source on a target.
"""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourlenses.analysis import published_comparison, scales, table
from fourlenses.analysis.cells import Cell
from fourlenses.analysis.contrasts import Evidence
from fourlenses.core.errors import UserError
from fourlenses.findings import selection
from fourlenses.lenses.quality import finding
from fourlenses.plotting import colours, footer, panels, published_markers, style
from fourlenses.study import methods, names

NAME = "quality"
BAR = 0.17  # inches
UNKNOWN = (float("nan"),) * 3
MOST_SHARE = (-200.0, 100.0)  # percent: intervals beyond are cut off rather than flatten the bars
TITLES = {
    "change": "change of top-1, points",
    "share": "change of the gain over\nthe random encoder, %",
}


def numbers_drawn(evidence: Evidence) -> pd.DataFrame:
    """Return one row per bar: source, target, corruption, method, the two accuracies, the change
    in points and in percent of the gain.

    Raises:
        UserError: there is no corrupted pretraining, or no clean pretraining to compare it with.
    """
    metrics = evidence.metrics
    rows = selection.linear(table.at_finest(table.rows_for(metrics, NAME)))
    rows = rows[rows["method"] != "random"]
    corrupted = rows[rows["corruption"] != "none"]
    if corrupted.empty:
        raise UserError(
            f"{table.where(metrics)} has no linear evaluation of corrupted pretraining for the "
            "lens quality "
            f"(corruptions found: {', '.join(rows['corruption'].unique()) or 'none'}); "
            "add corruptions to the study"
        )
    pairs = finding.drops(metrics)
    keys = list(dict.fromkeys(_keys(corrupted)))
    lacking = next((key for key in keys if key not in pairs), None)
    if lacking:
        target, source, corruption, method = lacking
        labels = max(corrupted.loc[corrupted["target"] == target, "labelled_images"])
        raise UserError(
            f"{table.where(metrics)} has {method} on {source} with {corruption} for {target} but "
            f"no clean pretraining of the same images and seed at {labels} labelled images; add "
            "it to the study"
        )
    published = _published_changes(metrics)
    numbers = pd.DataFrame([_bar(*pairs[key], evidence, published=published) for key in keys])
    order = names.in_order(corrupted["corruption"], ())
    numbers["_corruption"] = numbers["corruption"].map(order.index)
    numbers["_method"] = numbers["method"].map(methods.rank)
    numbers = numbers.sort_values(["source", "target", "_corruption", "_method"], ignore_index=True)
    return numbers.drop(columns=["_corruption", "_method"])


def _keys(rows: pd.DataFrame) -> list[tuple]:
    """Return the keys of `finding.drops`."""
    sources = rows["source"].map(names.clean_source)
    return list(zip(rows["target"], sources, rows["corruption"], rows["method"], strict=True))


def _bar(
    clean: pd.DataFrame, corrupted: pd.DataFrame, evidence: Evidence, *, published: dict
) -> dict:
    """Return the change by one corruption, over the seeds that both sides have."""
    change = evidence.difference(corrupted, clean)
    share = _share(clean, corrupted, evidence)
    first, corruption = clean.iloc[0], corrupted["corruption"].iloc[0]
    seeds = set(clean["seed"]) & set(corrupted["seed"])
    datasets = names.datasets(first["source"])
    key = (datasets, first["target"], corruption, first["method"], first["protocol"])
    return {
        **{key: first[key] for key in ("source", "target")},
        "corruption": corruption,
        **{key: first[key] for key in ("method", "protocol", "pretrain_images", "labelled_images")},
        "clean_top1": _mean_top1(clean, seeds),
        "corrupted_top1": _mean_top1(corrupted, seeds),
        "change": change.estimate,
        "change_low": change.low,
        "change_high": change.high,
        "seeds": change.seeds,
        **dict(zip(("share", "share_low", "share_high"), share, strict=True)),
        "published_change": published.get(key, float("nan")),
    }


def _mean_top1(rows: pd.DataFrame, seeds: set[int]) -> float:
    return rows[rows["seed"].isin(seeds)].groupby("seed")["top1"].mean().mean()


def _share(
    clean: pd.DataFrame, corrupted: pd.DataFrame, evidence: Evidence
) -> tuple[float, float, float]:
    """Return the change in percent of the gain over the random-init encoder.

    nan where that was not evaluated, or the encoder is not above it for certain.
    """
    random = selection.random_encoder(evidence.metrics, clean)
    if (
        random.empty
        or not selection.share_seeds(clean, corrupted, random)
        or evidence.difference(clean, random).low <= 0
    ):
        return UNKNOWN
    cells = [Cell.of(rows) for rows in (clean, corrupted, random)]
    share = evidence.contrast(cells, scales.share_of_gain)
    # of the loss, which a corruption makes: its change has the other sign
    return -share.estimate, -share.high, -share.low


def _published_changes(metrics: pd.DataFrame) -> dict[tuple, float]:
    """Return the paper's change in points of each (datasets pretrained on, target, corruption,
    method, protocol)."""
    rows = published_comparison.published_rows(metrics, NAME)
    clean = rows[rows["corruption"] == "none"]
    top1 = clean.set_index(["target", "method", "protocol"])["top1"]
    changes = {}
    for row in rows[rows["corruption"] != "none"].itertuples():
        key = (names.datasets(row.source), row.target, row.corruption, row.method, row.protocol)
        changes[key] = row.top1 - top1[row.target, row.method, row.protocol]
    return changes


@style.context()
def draw(evidence: Evidence) -> tuple[Figure, pd.DataFrame]:
    """Return the figure of the quality lens and the numbers in it."""
    numbers = numbers_drawn(evidence)
    pairs = sorted(set(zip(numbers["source"], numbers["target"], strict=True)))
    shown = methods.in_order(numbers["method"])
    corruptions = names.in_order(numbers["corruption"], evidence.metrics["corruption"].unique())
    kinds = ["change", "share"] if numbers["share"].notna().any() else ["change"]
    per_row = style.columns(len(pairs), 2.2)
    rows = len(kinds) * -(-len(pairs) // per_row)
    height = 0.75 + BAR * len(corruptions) * (len(shown) + 0.6)
    figure = style.new_figure(len(pairs), height=0.3 + rows * height)
    grid = panels.grid(figure, len(pairs), per_row=per_row, blocks=len(kinds))
    for kind, block in zip(kinds, grid, strict=True):
        for index, (axes, (source, target)) in enumerate(zip(block, pairs, strict=True)):
            bars = numbers[(numbers["source"] == source) & (numbers["target"] == target)]
            _panel(axes, bars, shown, corruptions=corruptions, kind=kind)
            if kind == "change" or len(pairs) > per_row:
                axes.set_title(f"{names.source(source)} → {names.dataset(target)}")
            if index % per_row:
                axes.tick_params(axis="y", labelleft=False)
            panels.better_right(axes, TITLES[kind])
        _one_scale(list(block), kind)
    panels.legend_below(figure, columns=2 if len(pairs) == 1 else 4)
    look: style.Look = {"targets": sorted({pair[1] for pair in pairs}), "intervals": "whiskers"}
    footer.write(
        figure, footer.text(evidence, numbers["method"], numbers["seeds"], lens="quality", **look)
    )
    return figure, numbers


def _panel(
    axes: Axes, rows: pd.DataFrame, shown: list[str], *, corruptions: list[str], kind: str
) -> None:
    """Draw the bars of all methods for each corruption, the first corruption on top, each with its
    value in a column at the right."""
    thick = 0.8 / len(shown)
    for index, method in enumerate(shown):
        bars = rows[(rows["method"] == method) & rows[kind].notna()]
        shift = (index - (len(shown) - 1) / 2) * thick
        y = bars["corruption"].map(corruptions.index).astype(float) + shift
        label = f"{methods.label(method)} pretraining"
        colour = colours.of_method(method)
        area: style.Look = {"color": colour, "alpha": 0.45, "linewidth": 0, "label": label}
        axes.barh(y, bars[kind], height=0.92 * thick, **area)
        axes.hlines(y, bars[f"{kind}_low"], bars[f"{kind}_high"], color=colour, linewidth=1.0)
        axes.plot(bars[kind], y, methods.marker(method), color=colour, markersize=2.6)
        for height, value in zip(y, bars[kind], strict=True):
            _write_value(axes, float(height), value, colour=colour)
        known = bars["published_change"].notna()
        if kind == "change":
            look: style.Look = {"colour": "black", "marker": methods.marker(method)}
            published_markers.draw(axes, bars["published_change"][known], y[known], **look)
    axes.axvline(0, color="black", linewidth=0.6)
    labels = [textwrap.fill(names.corruption(name), 16) for name in corruptions]
    axes.set_yticks(range(len(corruptions)), labels)
    axes.set_ylim(len(corruptions) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(True, axis="x")


def _write_value(axes: Axes, y: float, value: float, *, colour: str) -> None:
    text = f"{value:+.1f}".replace("-", "\N{MINUS SIGN}")
    look: style.Look = {"fontsize": 6, "va": "center", "ha": "right", "clip_on": False}
    at = axes.get_yaxis_transform()
    axes.text(1.13, y, text, transform=at, color=colours.of_text(colour), **look)


def _one_scale(panels_of_kind: list[Axes], kind: str) -> None:
    """Give all panels of one unit one axis; that of shares ends where only intervals go on."""
    panels.same_x(panels_of_kind)
    if kind == "share":
        for axes in panels_of_kind:
            low, high = axes.get_xlim()
            axes.set_xlim(max(low, MOST_SHARE[0]), min(high, MOST_SHARE[1]))
