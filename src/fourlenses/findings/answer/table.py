"""The table of a decision card: top-1 of each option over the label sizes, with intervals."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import contest, selection, words
from fourlenses.findings.answer.options import COMPARED, DOWNLOAD, LABELS, PRETRAIN
from fourlenses.findings.card import Row, Table, Value
from fourlenses.findings.line import Line
from fourlenses.study import names
from fourlenses.study.vocabulary import EXTERNAL, FROM_SCRATCH, OPTIONS, method_of

CONTINUED, UNTRAINED = "continued", "untrained"

Option = tuple[str, str, pd.DataFrame]  # role, name, rows of one label size or several


def of(rows: pd.DataFrame, *, lines: Sequence[Line], evidence: Evidence) -> Table:
    """Return the table.

    Labels alone, own pretraining and downloads have a row for each way that they were used, so that
    both sides of every difference are there, and each number has one protocol.

    Args:
        rows: of one target at its finest level, as `selection.finest` returns them.
        lines: of the card.
        evidence: the study's table.
    """
    found = [*_alone(rows, evidence)]
    found += [row for option in _encoders(rows) for row in _rows(option, evidence)]
    random = selection.linear(rows[rows["method"] == "random"])
    cells = selection.groups(random, ["labelled_images"])
    values = [_value(cell, evidence) for _, cell in cells]
    found.append(_sorted(UNTRAINED, OPTIONS["untrained"][0], values))
    found = [row for row in found if row.values]
    labels = sorted({value.labels for row in found for value in row.values})
    return Table(labels=labels, rows=found, differences=list(_differences(lines)))


def _mean_top1(cells: Mapping[str, pd.DataFrame]) -> Callable[[str], float]:
    """Return a function from the name of a way to its mean top-1."""
    return lambda name: float(cells[name]["top1"].mean())


def _alone(rows: pd.DataFrame, evidence: Evidence) -> Iterator[Row]:
    """Labels alone, a row for each way: from scratch, or by a supervised encoder."""
    by_way: dict[str, list[Value]] = {}
    for _, here in selection.groups(rows, ["labelled_images"]):
        for way, cell in selection.supervised(here):
            by_way.setdefault(way, []).append(_value(cell, evidence))
    for values in by_way.values():
        yield _sorted(LABELS, OPTIONS["labels"][0], values)


def _encoders(rows: pd.DataFrame) -> Iterator[Option]:
    """Own pretraining of each method entry, each download, each download continued."""
    own = selection.own_encoders(rows)
    for (entry,), of_entry in selection.groups(selection.from_random_weights(own), ["entry"]):
        parts = [
            contest.largest(part) for _, part in selection.groups(of_entry, ["labelled_images"])
        ]
        most = pd.concat(parts)
        images = words.images(int(most["pretrain_images"].max()))
        yield PRETRAIN, f"{words.method(entry)} on {images} images", most
    external = rows[rows["method"] == EXTERNAL]
    for (source,), cells in selection.groups(external, ["source"]):
        yield DOWNLOAD, names.source(source), cells
    starts = own.assign(start=own["source"].map(selection.start_of))
    keys = ["start", "entry", "source"]
    for (start, entry, _), cells in selection.groups(starts[starts["start"] != ""], keys):
        yield CONTINUED, f"{names.source(start)} continued ({words.method(entry)})", cells


def _rows(option: Option, evidence: Evidence) -> Iterator[Row]:
    """A row for each way; of continued encoders, of which there are many, the best at each label
    size."""
    role, name, rows = option
    by_way: dict[str, list[Value]] = {}
    for _, here in selection.groups(rows, ["labelled_images"]):
        cells = {
            protocol: cell
            for (protocol,), cell in selection.groups(here, ["protocol"])
            if protocol in contest.WAYS
        }
        if role == CONTINUED and cells:
            best = max(cells, key=_mean_top1(cells))
            cells = {"": cells[best]}
        for protocol, cell in cells.items():
            by_way.setdefault(protocol, []).append(_value(cell, evidence))
    for protocol in [*contest.WAYS, ""]:
        if protocol in by_way:
            yield _sorted(role, name, by_way[protocol])


def _value(cell: pd.DataFrame, evidence: Evidence) -> Value:
    mean = evidence.mean(cell)
    protocol = cell["protocol"].iloc[0]
    way = names.protocol(protocol)
    if method_of(cell["method"].iloc[0]) == "supervised" and protocol not in FROM_SCRATCH:
        way = f"supervised encoder, {way}"
    return Value(
        labels=int(cell["labelled_images"].iloc[0]),
        estimate=round(mean.estimate, 4),
        low=round(mean.low, 4),
        high=round(mean.high, 4),
        way=way,
        seeds=int(cell["seed"].nunique()),
    )


def _sorted(role: str, name: str, values: list[Value]) -> Row:
    return Row(role=role, name=name, values=sorted(values, key=lambda value: value.labels))


def _differences(lines: Sequence[Line]) -> Iterator[Row]:
    """Of each comparison of two options what the first brings; of own pretraining an entry each."""
    names = {
        "contest": "{} minus labels alone",
        "downloaded": "best download minus own pretraining",
        "download_or_labels": "best download minus labels alone",
        "continued_or_labels": "best continued encoder minus labels alone",
        "continued_or_download": "best continued encoder minus best download",
        "continued_or_own": "best continued encoder minus own pretraining",
    }
    assert names.keys() == COMPARED.keys()
    for question, name in names.items():
        of_question = [line for line in lines if line.question == question]
        methods = dict.fromkeys(line.method for line in of_question if question == "contest")
        for method in methods or [""]:
            values = [
                Value(
                    labels=line.labelled_images,
                    estimate=line.estimate,
                    low=line.low,
                    high=line.high,
                    way=_ways(line),
                    seeds=line.seeds,
                )
                for line in of_question
                if line.method == method or not methods
                if line.labelled_images is not None
                and line.estimate is not None
                and line.low is not None
                and line.high is not None
            ]
            if values:
                yield _sorted(question, name.format(words.method(method) if method else ""), values)


def _ways(line: Line) -> str:
    """`both linear`, `linear against fine-tuned`; where labels alone are the other side, the way of
    the first."""
    first, second = map(_way, (line.option, line.against))
    if not first or not second:
        return first
    return names.ways(first, second)


def _way(side: str) -> str:
    return next(
        (names.protocol(way) for way, said in contest.WAYS.items() if side.endswith(said)), ""
    )
