"""What a chart of one target shows: encoders and trainings, with their accuracies by labels."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection
from fourlenses.study import methods, names
from fourlenses.study.encoders import split_start
from fourlenses.study.vocabulary import EXTERNAL, FROM_SCRATCH, OPTIONS, RANDOM_INIT, method_of

# What stands for what: the class of its colour, in the order of legends.
ALONE, OWN, TUNED, SUPERVISED = "alone", "own", "tuned", "supervised"
DOWNLOADED, CONTINUED = "downloaded", "continued"
ELSEWHERE, MIXED, CORRUPTED, UNTRAINED = "elsewhere", "mixed", "corrupted", "untrained"
ROLES = (
    *(OWN, TUNED, ALONE, SUPERVISED, DOWNLOADED, CONTINUED, ELSEWHERE, MIXED, CORRUPTED),
    UNTRAINED,
)
VARIED = (OWN, TUNED, DOWNLOADED)
MOST_SIZES = 4  # of pretraining images, of one method: more lines than that cannot be distinguished
SHADES = 4  # of the colour of one's own encoders, the darkest for the most images


@dataclass(frozen=True, kw_only=True)
class Point:
    """An accuracy.

    Args:
        labels: labelled images.
        top1: percent, mean over seeds.
        low: end of its 95 % interval, percent.
        high: likewise.
        seeds: how many.
        run: `<method>/<source>`, for people who look for it in the table.
    """

    labels: int
    top1: float
    low: float
    high: float
    seeds: int
    run: str


@dataclass(frozen=True, kw_only=True)
class Series:
    """An encoder under one protocol, or a training on labels alone.

    Args:
        key: method, source and protocol; links charts and matrix.
        label: for legends.
        role: one of `ROLES`.
        shade: of the role's colour, 0 the darkest.
        variant: of the role's colour, another for each method or downloaded encoder.
        points: by increasing number of labels.
    """

    key: str
    label: str
    role: str
    points: list[Point]
    shade: int = 0
    variant: int = 0


def series_of(target: str, evidence: Evidence) -> list[Series]:
    """Return what is known of a target at its finest level, in the order of a legend."""
    rows = selection.finest(evidence.metrics)
    rows = rows[rows["target"] == target]
    named = list(_named(rows))
    series = []
    known: dict[str, list[str]] = {}  # of each role, what has a colour of its own
    for role, label, of_series, shade in sorted(named, key=lambda one: ROLES.index(one[0])):
        first = of_series.iloc[0]
        apart = str(first["method"] if role in (OWN, TUNED) else first["source"])
        members = known.setdefault(role, [])
        members += [] if apart in members else [apart]
        series.append(
            Series(
                key=key_of(first["method"], first["source"], first["protocol"]),
                label=label,
                role=role,
                points=list(_points(of_series, evidence)),
                shade=shade,
                variant=members.index(apart) if role in VARIED else 0,
            )
        )
    return series


def key_of(method: str, source: str, protocol: str) -> str:
    """Return what links an encoder's marks; a training on labels alone has one for all sizes."""
    return protocol if protocol in FROM_SCRATCH else f"{method} {source} {protocol}"


def _points(rows: pd.DataFrame, evidence: Evidence) -> Iterator[Point]:
    for labels in sorted(rows["labelled_images"].unique()):
        cell = rows[rows["labelled_images"] == labels]
        first, mean = cell.iloc[0], evidence.mean(cell)
        yield Point(
            labels=int(labels),
            top1=mean.estimate,
            low=mean.low,
            high=mean.high,
            seeds=mean.seeds,
            run=f"{first['method']}/{first['source']}",
        )


Named = tuple[str, str, pd.DataFrame, int]  # role, label, rows, shade


def _named(rows: pd.DataFrame) -> Iterator[Named]:
    scratch = rows["protocol"].isin(FROM_SCRATCH)
    protocols = rows.loc[scratch, "protocol"].drop_duplicates()
    for protocol in protocols:
        label = f"{OPTIONS['labels'][0]}, {names.protocol(protocol)}"
        yield ALONE, label, rows[rows["protocol"] == protocol], 0
    encoders = rows[~scratch]
    frozen = selection.linear(encoders)
    own = selection.from_random_weights(selection.own_encoders(frozen))
    for method, of_method in own.groupby("method", sort=False):
        yield from _own(str(method), of_method)
        yield from _tuned(str(method), encoders)
    several = len({entry for entry in frozen["method"] if methods.is_contrastive(entry)}) > 1
    rest = frozen[~frozen.index.isin(own.index)]
    for (method, source), cell in rest.groupby(["method", "source"], sort=False):
        yield _other(str(method), str(source), cell, several=several)
    tuned = encoders[(encoders["protocol"] == "fine_tune")]
    for (method, source), cell in tuned.groupby(["method", "source"], sort=False):
        if method == EXTERNAL or split_start(source)[1]:
            role, label, _, shade = _other(str(method), str(source), cell, several=several)
            yield role, f"{label}, fine-tuned", cell, shade


def _own(method: str, rows: pd.DataFrame) -> Iterator[Named]:
    """The smallest and the largest numbers of images of one's own."""
    sizes = sorted(rows["pretrain_images"].unique(), reverse=True)
    kept = sizes if len(sizes) <= MOST_SIZES else [*sizes[: MOST_SIZES - 1], sizes[-1]]
    for shade, size in enumerate(kept):
        label = f"{methods.label(method)} on {names.count(int(size))} images"
        yield OWN, label, rows[rows["pretrain_images"] == size], min(shade, SHADES - 1)


def _tuned(method: str, encoders: pd.DataFrame) -> Iterator[Named]:
    """The largest encoder of one's own that was fine-tuned."""
    own = selection.from_random_weights(selection.own_encoders(encoders))
    rows = own[(own["protocol"] == "fine_tune") & (own["method"] == method)]
    if len(rows):
        size = int(rows["pretrain_images"].max())
        label = f"{methods.label(method)} on {names.count(size)} images, fine-tuned"
        yield TUNED, label, rows[rows["pretrain_images"] == size], 0


def _other(method: str, source: str, rows: pd.DataFrame, *, several: bool) -> Named:
    shown = names.source(source)
    first = rows.iloc[0]
    if method == RANDOM_INIT:
        return UNTRAINED, OPTIONS["untrained"][0], rows, 0
    if method == EXTERNAL:
        return DOWNLOADED, shown, rows, 0
    if split_start(source)[1]:
        return CONTINUED, shown, rows, 0
    is_supervised = method_of(method) == "supervised"
    prefix = f"{methods.label(method)} on " if several or is_supervised else "on "
    if first["corruption"] != "none":
        return CORRUPTED, f"{prefix}{shown}, {names.corruption(first['corruption'])}", rows, 0
    if is_supervised and first["in_domain"]:
        alone = (rows["pretrain_images"] <= rows["labelled_images"]).all()
        label = (
            f"{OPTIONS['labels'][0]}, supervised encoder, linear" if alone else f"{prefix}{shown}"
        )
        return SUPERVISED, label, rows, 0
    role = MIXED if len(names.datasets(source)) > 1 else ELSEWHERE
    return role, f"{prefix}{shown}", rows, 0
