"""How findings and cards write numbers: one rounding for all, signs where they are the point."""

from collections.abc import Sequence

import pandas as pd

from fourlenses.analysis.contrasts import Contrast
from fourlenses.findings import selection
from fourlenses.findings.numbers import POINTS, end, images, number
from fourlenses.study import methods, names
from fourlenses.study.vocabulary import EXTERNAL


def interval(contrast: Contrast, unit: str = POINTS) -> str:
    """`+8.2 points (95 % interval +5.4 to +10.9)`."""
    low, high = (end(value, unit) for value in (contrast.low, contrast.high))
    return f"{number(contrast.estimate, unit)} {unit} (95 % interval {low} to {high})"


def amount(contrast: Contrast) -> str:
    """`by 8.2 points (95 % interval 5.4 to 10.9)`, of a difference whose direction a verb says; of
    a negative one the opposite."""
    ends = (contrast.estimate, contrast.low, contrast.high)
    if contrast.estimate < 0:
        ends = (-contrast.estimate, -contrast.high, -contrast.low)
    middle, low, high = (round(round(value, 4), 1) + 0.0 for value in ends)
    return f"by {middle:.1f} points (95 % interval {low:.1f} to {high:.1f})"


def method(name: str) -> str:
    return methods.label(name)


def pretrained(rows: pd.DataFrame) -> str:
    """`scenes 3k`, also where the study says `scenes-all`; `scenes 500 + landcover 500`."""
    source, size = rows[["source", "pretrain_images"]].iloc[0]
    shown = names.source(source)
    parts = names.source_parts(source)
    return (
        f"{shown} {names.count(size)}"
        if len(parts) == 1 and parts[0][1] is None and size
        else shown
    )


def encoder(rows: pd.DataFrame) -> str:
    """`SimCLR on scenes 3k`; of an external encoder its name."""
    source = rows["source"].iloc[0]
    if rows["method"].iloc[0] == EXTERNAL:
        return names.source(source)
    name = method(rows["method"].iloc[0])
    return name if source == "none" else f"{name} on {pretrained(rows)}"


def margin(value: float) -> str:
    """`1 point`, `2.5 points`."""
    return f"{value:g} point{'' if value == 1 else 's'}"


def by_more_than(value: float) -> str:
    """`, by more than 2 points`, or nothing where the margin is 0."""
    return f", by more than {margin(value)}" if value else ""


def with_steps(rows: pd.DataFrame) -> str:
    """`SimCLR (1,250 steps)`, or the method alone where the table does not say."""
    count = steps(rows)
    return method(rows["method"].iloc[0]) + (f" ({images(count)} steps)" if count else "")


def at_steps(rows: pd.DataFrame) -> str:
    """` at 1,125 steps`, or nothing where the rows do not agree or the table does not say."""
    count = steps(rows)
    return f" at {images(count)} steps" if count else ""


def pixels(rows: pd.DataFrame) -> str:
    """`32 px`, or that the table does not say it."""
    sizes = sorted({int(size) for size in rows.get("image_size", pd.Series(dtype=float)).dropna()})
    return " and ".join(map(str, sizes)) + " px" if sizes else "image size not recorded"


def steps(rows: pd.DataFrame) -> int | None:
    """Of the rows' pretraining, where the table has it and they agree."""
    counts = selection.step_counts(rows)
    counts = counts[counts > 0]
    return int(counts.max()) if selection.equal_steps(counts) else None


def at_all(sizes: Sequence[int]) -> str:
    """`both label sizes compared (500 and 4,000)`, of all numbers of labels that were compared."""
    compared = listed([images(size) for size in sizes])
    if len(sizes) == 1:
        return f"{compared} labels (the only size compared)"
    number = "both" if len(sizes) == 2 else f"all {len(sizes)}"
    return f"{number} label sizes compared ({compared})"


def listed(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
