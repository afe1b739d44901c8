"""Finding 2 (the paper's Tables 1 and 2) in three parts, which are three questions of a user.

- instead: images of another domain in place of as many of one's own.
- pool: a pool with one's own images in it, in place of as many of one's own.
- added: images of other domains added to one's own, against one's own alone.
"""

from collections.abc import Iterator

import pandas as pd

from fourlenses.analysis import table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import selection, words
from fourlenses.findings.comparison import CONFOUNDED, Comparison, Exclusion, points
from fourlenses.findings.finding import Finding, judged
from fourlenses.findings.thresholds import Thresholds
from fourlenses.findings.verdict import BELOW
from fourlenses.study import names

INSTEAD, POOL, ADDED = "domain", "domain_pool", "domain_added"
NAME = INSTEAD
CLAIMS = {
    INSTEAD: "Images of another domain do not beat as many images of the target's own",
    POOL: "A pool of the target's own images with others does not beat as many of its own",
    ADDED: "Adding images of other domains to the target's own does not beat its own alone",
}
MISSING = {
    INSTEAD: "an encoder of another dataset on as many images as one of the target's own. "
    "Add the lens domain with two or more datasets.",
    POOL: "a pool with the target's dataset in it, and an encoder of as many images of its own. "
    "Add to the lens domain pools, and pool_controls with total.",
    ADDED: "a pool with the target's dataset in it, and an encoder of its share of the pool alone. "
    "Add to the lens domain pools, and pool_controls with share.",
}


def evaluate(evidence: Evidence, thresholds: Thresholds) -> list[Finding]:
    """Return a finding per part: top-1 of the other source minus that of the target's own.

    Clean, linear, contrastive, of one method entry at equal steps, at the target's most labels for
    which there are both.
    """
    by_part = comparisons(evidence.metrics, thresholds)
    return [
        judged(
            part,
            f"{claim} by more than {words.margin(thresholds.domain_margin)}.",
            by_part[part],
            side=BELOW,
            unit="points",
            note="Other minus own.",
            missing=MISSING[part],
            evidence=evidence,
            thresholds=thresholds,
            equivalence=thresholds.equivalence_margin,
        )
        for part, claim in CLAIMS.items()
    ]


def comparisons(metrics: pd.DataFrame, thresholds: Thresholds) -> dict[str, list[Comparison]]:
    """Return the comparisons of each part, per target, method entry and other source."""
    margin = thresholds.domain_margin
    by_part: dict[str, list[Comparison]] = {part: [] for part in CLAIMS}
    for part, other, own in _pairs(metrics):
        by_part[part].append(_comparison(part, other, own, metrics=metrics, margin=margin))
    return by_part


@table.once_per_table
def _pairs(metrics: pd.DataFrame) -> list[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Return part, rows of the other source and rows of the target's own of each comparison."""
    rows = selection.linear(selection.finest(metrics))
    rows = selection.clean(rows[rows["contrastive"]])
    return [
        pair
        for (target, _), of_entry in selection.groups(rows, ["target", "method"])
        for pair in _at_most_labels(target, of_entry)
    ]


def _at_most_labels(
    target: str, rows: pd.DataFrame
) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Yield of each part each other source and the target's own, at the most labels at which there
    are both."""
    in_domain = rows["in_domain"]
    own = dict(selection.groups(rows[in_domain], ["labelled_images", "pretrain_images"]))
    keys = ["labelled_images", "source", "pretrain_images"]
    others = sorted(
        selection.groups(rows[~in_domain], keys), key=lambda cell: cell[0][0], reverse=True
    )
    for part in CLAIMS:
        done = set()
        for (labels, source, images), other in others:
            mixed = target in names.datasets(source)
            if mixed != (part != INSTEAD) or (source, images) in done:
                continue
            like = share(source, target) if part == ADDED else images
            reference = own.get((labels, like))
            if reference is not None and selection.share_seeds(other, reference):
                done.add((source, images))
                yield part, other, reference


def share(source: str, target: str) -> int:
    """Return how many images of a pool are the target's own."""
    return sum(size or 0 for name, size in names.source_parts(source) if name == target)


def _comparison(
    part: str, other: pd.DataFrame, own: pd.DataFrame, *, metrics: pd.DataFrame, margin: float
) -> Comparison:
    method, source = other[["method", "source"]].iloc[0]
    alone = " alone" if part == ADDED else ""
    labels = words.images(int(own["labelled_images"].iloc[0]))
    what = f"{words.method(method)}: {words.pretrained(other)} minus {words.pretrained(own)}{alone}"
    return Comparison(
        target=own["target"].iloc[0],
        what=f"{what}, {labels} labels{words.at_steps(pd.concat([other, own]))}",
        cells=[other, own],
        scales=[points([1.0, -1.0], margin)],
        trained=[[other, own]],
        random=selection.random_encoder(metrics, own),
        excluded=_excluded(other, own),
        method=method,
        about={"source": source, "own_images": int(own["pretrain_images"].iloc[0])},
    )


def _excluded(other: pd.DataFrame, own: pd.DataFrame) -> Exclusion | None:
    if selection.equal_steps(pd.concat([other, own])["steps"]):
        return None
    steps = [int(side["steps"].iloc[0]) for side in (other, own)]
    same_images = other["pretrain_images"].iloc[0] == own["pretrain_images"].iloc[0]
    if min(steps) == 0 and same_images:  # a table without steps: equal images of one entry
        return None
    lengths = "lengths that the table does not say"
    if min(steps):
        lengths = f"{words.images(steps[0])} steps against {words.images(steps[1])}"
    return Exclusion(CONFOUNDED, f"{lengths}: more images and more training at once")
