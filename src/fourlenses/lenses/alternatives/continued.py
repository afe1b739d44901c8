"""Before and after continuing a downloaded encoder on one's own images, by each protocol.

Features can be destroyed: what another pretraining had learned is gone, and the nearest neighbours
with it. The word is said only of frozen features that lost more than half of what they had over the
random encoder, with the whole interval of that share.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from fourlenses.analysis import scales
from fourlenses.analysis.cells import Cell
from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection, words
from fourlenses.findings.contest import WAYS
from fourlenses.study import names
from fourlenses.study.encoders import split_start
from fourlenses.study.vocabulary import EXTERNAL, FROZEN_PROTOCOLS

DESTROYED = 50.0  # percent of the gain over the random encoder


@dataclass(frozen=True, kw_only=True)
class Continued:
    """One entry of `continued` on one target at one label size, by one protocol.

    Attributes:
        start: name of the external encoder.
        before: rows of the external encoder.
        after: rows of it continued.
        random: rows of the random encoder by the same protocol; may be empty.
    """

    start: str
    before: pd.DataFrame
    after: pd.DataFrame
    random: pd.DataFrame

    def destroyed(self, evidence: Evidence) -> bool:
        """Return whether the features lost more than half of their gain over the random encoder."""
        frozen = self.after["protocol"].iloc[0] in FROZEN_PROTOCOLS
        cells = [self.before, self.after, self.random]
        if not frozen or not selection.share_seeds(*cells):
            return False
        if self.before["top1"].mean() <= self.random["top1"].mean():
            return False  # there was nothing to lose
        lost = evidence.contrast(list(map(Cell.of, cells)), scales.share_of_gain)
        return lost.low > DESTROYED


def in_words(rows: pd.DataFrame) -> str:
    """Return e.g. `rn50 continued on birds 4k by simclr continued, fine-tuned`."""
    first = rows.iloc[0]
    start = names.source(selection.start_of(first["source"]))
    entry = words.method(first["method"])
    return f"{start} continued on {images(rows)} by {entry}, {WAYS[first['protocol']]}"


def images(rows: pd.DataFrame) -> str:
    """Return what a continued pretraining saw, without what it started from: `scenes 3k`."""
    own = rows["source"].map(lambda source: split_start(source)[0])
    return words.pretrained(rows.assign(source=own))


def continued(metrics: pd.DataFrame) -> Iterator[Continued]:
    """Yield every continued encoder that is next to what it started from, in the table's order."""
    rows = selection.finest(metrics)
    rows = rows.assign(start=rows["source"].map(selection.start_of))
    random = rows[rows["method"] == "random"]
    keys = ["target", "labelled_images", "method", "source", "protocol", "start"]
    for (target, labels, _, _, protocol, start), after in selection.groups(
        rows[rows["start"] != ""], keys
    ):
        alike = _of(rows, target, labels=labels, protocol=protocol)
        before = alike[(alike["method"] == EXTERNAL) & (alike["source"] == start)]
        if len(before) and selection.share_seeds(before, after):
            floor = _of(random, target, labels=labels, protocol=protocol)
            yield Continued(start=start, before=before, after=after, random=floor)


def _of(rows: pd.DataFrame, target: str, *, labels: int, protocol: str) -> pd.DataFrame:
    alike = (rows["target"] == target) & (rows["labelled_images"] == labels)
    return rows[alike & (rows["protocol"] == protocol)]
