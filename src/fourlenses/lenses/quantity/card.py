"""What a decision card says of more unlabelled images: would twice as many be worth it?"""

from collections.abc import Iterator
from dataclasses import replace

from fourlenses.analysis.contrasts import Contrast, Evidence
from fourlenses.findings import selection, words
from fourlenses.findings.comparison import LONGER_FIRST, Comparison, Outcome, measured, points
from fourlenses.findings.contest import OPEN
from fourlenses.findings.line import AT_MOST, Line, line_of
from fourlenses.findings.questions import Missing
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses.quantity import finding
from fourlenses.lenses.quantity.doubling import gain_from_doubling
from fourlenses.lenses.quantity.finding import Family

FLAT = 0.05  # points: a curve at its bound, so that its interval has no lower half
WORTH, NOT_WORTH = "worth it", "not worth it"
MISSING = {
    "doubling": Missing(
        "the gain from twice the unlabelled images",
        "pretrain on two or more numbers of images (pretrain_images of the lens quantity)",
        ("quantity: {more: [{datasets: [{target}], pretrain_images: [1000, all]}]}",),
    ),
}


def answers(evidence: Evidence, thresholds: Thresholds) -> Iterator[tuple[str, Line]]:
    """Yield each target with the line of a method entry."""
    for family in finding.families(evidence.metrics):
        line = _doubling(family, evidence, thresholds)
        if line:
            yield family.target, line


def _doubling(family: Family, evidence: Evidence, thresholds: Thresholds) -> Line | None:
    sides = [family.at(size) for size in family.sizes[:-3:-1]]
    if not selection.share_seeds(*sides):
        return None
    comparison = Comparison(
        target=family.target,
        what="",
        cells=sides,
        scales=[points([1.0, -1.0])],
        trained=[sides],
        random=selection.random_encoder(evidence.metrics, sides[0]),
        excluded=finding.excluded(family, sides, evidence),
    )
    last = measured(comparison, evidence, thresholds)
    if last.excluded:
        return _excluded(family, last, evidence)
    return _gain(family, last.contrast, evidence=evidence, thresholds=thresholds)


def _excluded(family: Family, last: Outcome, evidence: Evidence) -> Line:
    """The line of a doubling of which nothing can be said, and why."""
    assert last.excluded
    answer, reason = last.excluded
    more, fewer = (words.images(size) for size in family.sizes[:-3:-1])
    name = words.method(family.entry)
    labels = _labels(family)
    said = f"{name}: {more} unlabelled images minus {fewer}"
    asked = f"With {words.images(labels)} labels, {said}"
    line = line_of(
        last.contrast,
        question="doubling",
        subject=more,
        method=family.entry,
        sentence=f"{asked}: {words.interval(last.contrast)}, but {reason}.",
        answer=answer,
    )
    line = replace(line, labelled_images=labels, option=name, reason=reason)
    control = finding.convergence(family, evidence) if answer == LONGER_FIRST else None
    if control is None:
        return line
    return replace(line, p_value=max(control.ahead.p_value(), control.length.p_value()))


def _gain(family: Family, last: Contrast, *, evidence: Evidence, thresholds: Thresholds) -> Line:
    """last: of the two largest sizes, the larger minus the smaller."""
    sizes = [words.images(size) for size in family.sizes]
    limit, curve = thresholds.worthwhile_gain, gain_from_doubling(family, evidence)
    flat = curve is not None and curve.estimate < FLAT
    if curve and not flat:
        contrast = curve
        said = (
            f"twice the {sizes[-1]} unlabelled images are expected to gain {words.interval(curve)}"
            f": a curve through {words.listed(sizes)}"
        )
        answer = WORTH if curve.low > limit else NOT_WORTH if curve.high < limit else OPEN
        reason = f"a curve through {len(sizes)} sizes"
    else:
        contrast = finding.per_doubling(family, last)
        said = (
            f"from {sizes[-2]} to {sizes[-1]} unlabelled images a doubling gained "
            f"{words.interval(contrast)}; fewer than four sizes make no curve but a line, at most: "
            "where the truth saturates the next doubling gains less"
        )
        answer = NOT_WORTH if contrast.high < limit else AT_MOST
        reason = f"a line through {len(sizes)} sizes: at most that"
        if flat:  # of accuracies that do not rise
            said = said.partition(";")[0] + f"; a curve through {words.listed(sizes)} is flat"
            reason = f"a curve through {len(sizes)} sizes is flat; this is the last step"
    name, labels = f"{words.method(family.entry)}{words.at_steps(family.curve)}", _labels(family)
    line = line_of(
        contrast,
        question="doubling",
        subject=sizes[-1],
        method=family.entry,
        sentence=f"With {words.images(labels)} labels, {name}: {said}.",
        answer=answer,
    )
    return replace(
        line,
        p_value=contrast.p_value(limit),
        labelled_images=labels,
        sense={WORTH: 1, NOT_WORTH: -1}.get(answer),
        option=words.method(family.entry),
        reason=reason,
    )


def _labels(family: Family) -> int:
    return int(family.curve["labelled_images"].iloc[0])
