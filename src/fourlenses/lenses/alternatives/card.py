"""What a decision card says of downloaded encoders: against one's own, and continued on one's own
images; how many images would draw level; what the study declares of them."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings import best_of, selection, words
from fourlenses.findings.comparison import LONGER_FIRST, Comparison, points
from fourlenses.findings.contest import ALIKE, OPEN
from fourlenses.findings.line import (
    Line,
    line_of,
    line_of_sign,
    measured_if_shared,
    too_wide,
)
from fourlenses.findings.questions import Missing
from fourlenses.findings.thresholds import Thresholds
from fourlenses.findings.verdict import NOT_MEASURED
from fourlenses.lenses.alternatives import against_continued, against_labels, finding
from fourlenses.lenses.alternatives.continued import DESTROYED, Continued, continued, images
from fourlenses.lenses.alternatives.declared import Declared, read
from fourlenses.lenses.alternatives.finding import ONE_SET, Rivalry
from fourlenses.lenses.alternatives.reach import LEAST_SIZES, Reach, families, reach
from fourlenses.lenses.alternatives.sides import WAYS, in_words, introduced
from fourlenses.lenses.quantity import finding as quantity
from fourlenses.study import names
from fourlenses.study.vocabulary import EXTERNAL

DOWNLOADED, OWN = "a downloaded encoder beats yours", "yours beats the downloaded"
COSTS, HELPS, GONE = "continuing costs", "continuing helps", "destroyed"
MISSING = {
    "downloaded": Missing(
        "an encoder that can be downloaded against one's own pretraining",
        "name an encoder to download under encoders (docs/reference/encoders.md), and list it in "
        "the lens alternatives",
        ("alternatives: {more: [{datasets: [{target}], encoders: [rn50]}]}",),
    ),
    "download_or_labels": Missing(
        "a downloaded encoder against labels alone",
        "name an encoder to download under encoders (docs/reference/encoders.md), and list it in "
        "the lens alternatives, with the protocol fine_tune and the baseline scratch",
        (
            "alternatives: {more: [{datasets: [{target}], encoders: [rn50], "
            "protocols: [linear, fine_tune], baselines: [scratch]}]}",
        ),
    ),
    "continued": Missing(
        "a downloaded encoder continued on one's own images",
        "pretrain the downloaded encoder further on your images: an entry of methods that starts "
        "from it, listed under continued in the lens alternatives",
        (
            "methods: {simclr_continued: {preset: minutes, start: rn50}}",
            "alternatives: {more: [{datasets: [{target}], encoders: [rn50], "
            "continued: [simclr_continued]}]}",
        ),
    ),
}


def answers(evidence: Evidence, thresholds: Thresholds) -> Iterator[tuple[str, Line]]:
    """Yield each target with a line of its downloaded encoders."""
    declared = read(evidence.metrics)
    held, _ = finding.rivalries(evidence, thresholds)
    for rivalry in held:
        yield rivalry.sides.target, _lead(rivalry, declared, margin=thresholds.equivalence_margin)
    yield from against_labels.answers(evidence, thresholds, declared)
    yield from _levels(held, evidence)
    for change in continued(evidence.metrics):
        line = _continued(change, evidence, thresholds)
        if line:
            yield line_target(change), line
    yield from against_continued.answers(evidence, thresholds, declared)
    yield from _declared(evidence, declared)


def line_target(change: Continued) -> str:
    return str(change.after["target"].iloc[0])


def _lead(rivalry: Rivalry, declared: dict[str, Declared], *, margin: float) -> Line:
    """A downloaded encoder beats yours by some points, or yours beats it, or neither."""
    outcome, labels = rivalry.outcome, words.images(rivalry.sides.labels)
    theirs, own = outcome.comparison.cells
    first = f"{introduced(theirs, declared)} {WAYS[theirs['protocol'].iloc[0]]}"
    sides, contrast, side = (first, in_words(own)), outcome.contrast, outcome.lead.side
    sense, limit = None, ""
    if side and not outcome.excluded:
        sense = 1 if side == best_of.FIRST else -1
        winner, loser = sides if side == best_of.FIRST else sides[::-1]
        said = f"{winner} is ahead of {loser} {words.amount(contrast)}."
        answer = DOWNLOADED if side == best_of.FIRST else OWN
    else:
        said = f"{sides[0]} minus {sides[1]}: {words.interval(contrast)}."
        answer, sense, limit = OPEN, None, too_wide(margin)
        if outcome.within(margin):
            answer, sense, limit = ALIKE, 0, f"within {words.margin(margin)}"
        decided = side or outcome.within(margin)
        if not decided and (contrast.low > 0 or contrast.high < 0):
            said += " Not after the correction for the best of several ways."
    if outcome.excluded:
        answer, limit = outcome.excluded
        sense = None
        said += f" {limit[0].upper()}{limit[1:]}."
    line = line_of(
        contrast,
        question="downloaded",
        subject=labels,
        method=outcome.comparison.method,
        sentence=f"With {labels} labels, {said}",
        answer=answer,
    )
    line = replace(
        line,
        labelled_images=rivalry.sides.labels,
        sense=sense,
        option=in_words(theirs),
        against=in_words(own),
        reason=limit,
    )
    return line if outcome.excluded else replace(line, p_value=outcome.p_value())


def _levels(held: list[Rivalry], evidence: Evidence) -> Iterator[tuple[str, Line]]:
    """Of each label size and method entry that is behind the best downloaded encoder, by a linear
    classifier, how many images would draw level; of a target where none has enough sizes that it
    is not measured."""
    lines: dict[str, list[Line]] = {}
    behind: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = {}
    for sides in (rivalry.sides for rivalry in held):
        frozen = [rows for rows in sides.downloaded.values() if len(selection.linear(rows))]
        encoder = max(frozen, key=lambda rows: rows["top1"].mean(), default=None)
        curves = {one.entry: one for one in families(evidence, sides.target, sides.labels)}
        if encoder is None:
            continue
        for rows in sides.own.values():
            protocols = {side["protocol"].iloc[0] for side in (rows, encoder)}
            if len(protocols) > 1 or rows["top1"].mean() >= encoder["top1"].mean():
                continue
            behind[sides.target] = rows, encoder
            family = curves.get(rows["entry"].iloc[0])
            found = reach(family, encoder, evidence) if family else None
            if found:
                line = _level(found, rows, encoder, evidence=evidence)
                lines.setdefault(sides.target, []).append(line)
    for target, sides_of in behind.items():
        for line in lines.get(target) or [_no_level(*sides_of)]:
            yield target, line


def _level(found: Reach, rows: pd.DataFrame, encoder: pd.DataFrame, *, evidence: Evidence) -> Line:
    family = found.family
    sizes = words.listed([words.images(size) for size in family.sizes])
    asked = f"{_needs(rows, encoder)}: by a {found.kind} through {sizes}, {found.sentence()}."
    if found.kind == "line":
        asked += " Fewer than four sizes make no curve but a line: where the truth saturates, more."
    if not family.equal:
        asked += " Sizes differ in steps too, so these are images and training together."
    control = quantity.convergence(family, evidence)
    if control and control.longer_first:
        asked += f" {LONGER_FIRST.capitalize()}: {control.sentence()}."
    ends = (found.images, found.low, found.high)
    estimate, low, high = (None if end == float("inf") else round(end) for end in ends)
    return Line(
        question="level",
        subject=words.images(int(rows["labelled_images"].iloc[0])),
        method=family.entry,
        estimate=estimate,
        low=low,
        high=high,
        unit="unlabelled images",
        answer=found.answer(),
        sentence=asked,
        seeds=found.seeds,
        labelled_images=int(rows["labelled_images"].iloc[0]),
        option=words.method(family.entry),
        against=in_words(encoder),
        reason=f"a {found.kind} through {len(family.sizes)} sizes",
    )


def _no_level(rows: pd.DataFrame, encoder: pd.DataFrame) -> Line:
    nothing = f"not measured, as that needs {LEAST_SIZES} numbers of pretraining images or more"
    return Line(
        question="level",
        subject=words.images(int(rows["labelled_images"].iloc[0])),
        method=rows["entry"].iloc[0],
        estimate=None,
        low=None,
        high=None,
        unit="unlabelled images",
        answer=NOT_MEASURED,
        sentence=f"{_needs(rows, encoder)}: {nothing} (lens quantity).",
        seeds=int(rows["seed"].nunique()),
        labelled_images=int(rows["labelled_images"].iloc[0]),
        option=words.method(rows["entry"].iloc[0]),
        against=in_words(encoder),
        reason=f"needs {LEAST_SIZES} numbers of pretraining images or more",
    )


def _needs(rows: pd.DataFrame, encoder: pd.DataFrame) -> str:
    labels = words.images(int(rows["labelled_images"].iloc[0]))
    level = f"unlabelled images for {words.method(rows['entry'].iloc[0])} to draw level with"
    return f"With {labels} labels, {level} {in_words(encoder)}"


def _continued(change: Continued, evidence: Evidence, thresholds: Thresholds) -> Line | None:
    before, after = change.before, change.after
    comparison = Comparison(
        target=line_target(change),
        what="",
        cells=[after, before],
        scales=[points([1.0, -1.0])],
        trained=[[after, before]],
        random=change.random,
        method=after["method"].iloc[0],
    )
    outcome = measured_if_shared(comparison, evidence, thresholds)
    if outcome is None:
        return None
    labels = words.images(int(after["labelled_images"].iloc[0]))
    protocol = names.protocol(after["protocol"].iloc[0])
    entry = f"{words.method(comparison.method)}{words.at_steps(after)}"
    start = names.source(change.start)
    after_words = f"{start} continued on {images(after)} ({entry})"
    line = line_of_sign(
        outcome,
        question="continued",
        subject=protocol,
        what=f"With {labels} labels, {protocol}: {after_words} minus {start} as it came",
        answers=(HELPS, COSTS),
        margin=thresholds.equivalence_margin,
        sides=(f"{after_words}, {protocol}", f"{start} as it came"),
    )
    if line.answer == COSTS and change.destroyed(evidence):
        lost = f"More than {DESTROYED:g} % of what it had over the random encoder is gone."
        line = replace(line, answer=GONE, sentence=f"{line.sentence} {lost}")
    return line


def _declared(evidence: Evidence, declared: dict[str, Declared]) -> Iterator[tuple[str, Line]]:
    """Of each target a line on each of its external encoders: whether it has seen the target, and
    its licence."""
    rows = selection.finest(evidence.metrics)
    external = rows[rows["method"] == EXTERNAL]
    for (target, encoder), of_encoder in selection.groups(external, ["target", "source"]):
        known = declared.get(encoder, Declared())
        seen = target in known.labels_of
        licence = f"licence: {known.licence or 'not declared'}"
        shown = introduced(of_encoder, declared)
        if seen:
            said = f"{shown} has seen images or labels of {names.dataset(target)}: its numbers here"
            said += " are no test of it."
        else:
            said = f"{shown} is not declared to have seen {names.dataset(target)}; its weights"
            said += " cannot say it."
        yield (
            target,
            Line(
                question="encoder",
                subject=encoder,
                method=EXTERNAL,
                estimate=None,
                low=None,
                high=None,
                unit=words.POINTS,
                answer=f"has seen this dataset; {licence}" if seen else licence,
                sentence=f"{said} It is {ONE_SET}",
                seeds=int(of_encoder["seed"].nunique()),
                option=shown,
            ),
        )
