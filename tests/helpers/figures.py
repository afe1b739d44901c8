"""Planted tables for tests of figures."""

from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from tests.helpers import synthetic_metrics as synthetic
from tests.helpers.synthetic_metrics import row


def evidence_of(tmp_path, rows, **more):
    """The evidence of rows of a metrics.csv; ``more``: as `Evidence.of` takes it."""
    return Evidence.of(read_metrics(synthetic.write(tmp_path / "other.csv", rows)), **more)


def seeds(*top1s, **more):
    """Rows of one encoder, one a seed."""
    return [
        row("domain", "simclr", "a-100", "a", top1, seed=seed, **more)
        for seed, top1 in enumerate(top1s)
    ]


def only(numbers, **wanted):
    """The one row with the given values."""
    for column, value in wanted.items():
        numbers = numbers[numbers[column] == value]
    assert len(numbers) == 1
    return numbers.iloc[0]


def matrix(seed=0, shift=0.0):
    """Three datasets on each other, 100 images each; a is near b and far from c. Half-widths 1."""
    top1 = {
        "aa": 60,
        "ba": 55,
        "ca": 40,
        "bb": 70,
        "ab": 66,
        "cb": 50,
        "cc": 80,
        "ac": 60,
        "bc": 62,
    }
    return [
        row("domain", "simclr", f"{pair[0]}-100", pair[1], value + shift, seed=seed)
        for pair, value in top1.items()
    ]


def corrupted(method, **tops):
    return [
        row("quality", method, "a-100" + (f"@{name}" if name != "none" else ""), "a", top1)
        for name, top1 in tops.items()
    ]


def hierarchy(method, target, tops, **more):
    levels = ("top", "middle", "fine")[-len(tops) :]
    source = f"{target}-100"
    return [
        row("granularity", method, source, target, top, level=level, **more)
        for level, top in zip(levels, tops, strict=True)
    ]
