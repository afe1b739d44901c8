"""Who takes part: own pretraining and downloaded encoders, on one target at one label size."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import contest, selection, words
from fourlenses.lenses.alternatives.declared import Declared, read
from fourlenses.study import names
from fourlenses.study.vocabulary import EXTERNAL

WAYS = contest.WAYS  # protocols that take part, with their words


@dataclass(frozen=True, kw_only=True)
class Sides:
    """One target at one label size.

    Attributes:
        target: the dataset evaluated on.
        labels: labelled images.
        own: rows of encoders pretrained here on the target's own images, a cell a way.
        downloaded: rows of external encoders, a cell a way.
        seen: rows of those that have seen the target's images or labels, a cell a way; they are
            not among the downloaded.
    """

    target: str
    labels: int
    own: dict[str, pd.DataFrame]
    downloaded: dict[str, pd.DataFrame]
    seen: dict[str, pd.DataFrame]


def sides(evidence: Evidence) -> Iterator[Sides]:
    """Yield both sides of each target and label size that has an external encoder.

    Only by protocols that both sides have: a frozen encoder against a network trained end to end is
    no contest. Of each method entry its encoder of the most images, without `start`.
    """
    declared = read(evidence.metrics)
    rows = selection.finest(evidence.metrics)
    rows = rows[rows["protocol"].isin(WAYS)]
    for (target, labels), here in selection.groups(rows, ["target", "labelled_images"]):
        external = here[here["method"] == EXTERNAL]
        if external.empty:
            continue
        own = own_ways(here)
        protocols = {cell["protocol"].iloc[0] for cell in own.values()}
        of_both = external["protocol"].isin(protocols) if own else external["protocol"].isin(WAYS)
        has_seen = external["source"].map(
            lambda name, target=target: target in declared.get(name, Declared()).labels_of
        )
        shared = set(external.loc[of_both, "protocol"])
        yield Sides(
            target=target,
            labels=int(labels),
            own={way: cell for way, cell in own.items() if cell["protocol"].iloc[0] in shared},
            downloaded=ways_of(external[of_both & ~has_seen.astype(bool)]),
            seen=ways_of(external[of_both & has_seen.astype(bool)]),
        )


def own_ways(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the cells of own pretraining, of each method entry its encoder of the most images.

    Args:
        rows: of one target and label size, as `selection.finest` returns them.
    """
    own = selection.from_random_weights(selection.own_encoders(rows))
    ways: dict[str, pd.DataFrame] = {}
    for _, of_entry in selection.groups(own, ["entry"]):
        ways |= ways_of(contest.largest(of_entry))
    return ways


def ways_of(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the cells of encoders, by method, source and protocol.

    Args:
        rows: of one target and label size.
    """
    return {
        f"{method}/{source}/{protocol}": cell
        for (method, source, protocol), cell in selection.groups(
            rows, ["method", "source", "protocol"]
        )
        if protocol in WAYS
    }


def in_words(rows: pd.DataFrame) -> str:
    """Return e.g. `rn50 fine-tuned`, `SimCLR on scenes 3k with a linear classifier`."""
    return f"{words.encoder(rows)} {WAYS[rows['protocol'].iloc[0]]}"


def protocols(first: pd.DataFrame, second: pd.DataFrame) -> str:
    """Return `both linear`, or `linear against fine-tuned`, of the rows of two cells."""
    return names.ways(*(names.protocol(rows["protocol"].iloc[0]) for rows in (first, second)))


def introduced(rows: pd.DataFrame, declared: dict[str, Declared]) -> str:
    """Return `rn50 (pretrained on ImageNet with labels)`, an external encoder at first mention."""
    name = words.encoder(rows)
    known = declared.get(rows["source"].iloc[0], Declared())
    return f"{name} (pretrained on {known.pretrained_on})" if known.pretrained_on else name
