"""The half-widths that `snakemake plan` expected, next to those that a finished study reached."""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from fourlenses.core.errors import UserError
from fourlenses.findings.finding import Entry, Finding

NAME = "power.csv"
# Lengths of trainings in the words for a comparison: a pilot's may differ.
_STEPS = re.compile(r" \([\d,]+ steps\)| at [\d,]+ steps(?: each)?")


class Key(NamedTuple):
    """What is compared, as the plan and the finished study both know it.

    Attributes:
        question: the finding's name, or `card: <question>`.
        target: the dataset evaluated on.
        comparison: who is compared with whom, without the steps.
    """

    question: str
    target: str
    comparison: str


def key_of(question: str, target: str, comparison: str) -> Key:
    """Return the key of a comparison in a finding's words."""
    return Key(question, target, _STEPS.sub("", comparison))


def read(folder: Path) -> dict[tuple[Key, str], float]:
    """Return the expected half-width of each comparison on each scale (unit); nothing where the
    study was not planned.

    Args:
        folder: the study's, in which `NAME` may lie.

    Raises:
        UserError: the file is there and is not of this kind.
    """
    file = folder / NAME
    if not file.exists():
        return {}
    with open(file, newline="", encoding="utf-8", errors="replace") as opened:
        try:
            return {
                (Key(row["question"], row["target"], row["comparison"]), row["unit"]): float(
                    row["half_width"]
                )
                for row in csv.DictReader(opened)
            }
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{file} is damaged ({error}); delete it, or write it again: snakemake plan"
            ) from error


def with_planned(
    findings: Sequence[Finding],
    planned: Mapping[tuple[Key, str], float],
    *,
    unlabelled: Sequence[Finding] | None = None,
) -> list[Finding]:
    """Return the findings with the half-width that was planned in each comparison.

    Which of several sides is compared may only turn out in the study. Then the half-width is that
    of the one comparison of the same question and target, where there is one.

    Args:
        findings: of the study.
        planned: as of `read`.
        unlabelled: the same findings without labels of the user's own (`study.labels`), where the
            others have them: a plan's words have none.
    """
    pairs = zip(findings, unlabelled or findings, strict=True)
    return [_with_planned(finding, plain, planned) for finding, plain in pairs]


def _with_planned(
    finding: Finding, plain: Finding, planned: Mapping[tuple[Key, str], float]
) -> Finding:
    on_target = Counter(entry.target for entry in plain.evidence)
    halves = [
        _planned(finding.finding, entry, planned, alone=on_target[entry.target] == 1)
        for entry in plain.evidence
    ]
    evidence = [
        replace(entry, planned_half_width=half)
        for entry, half in zip(finding.evidence, halves, strict=True)
    ]
    return replace(finding, evidence=evidence)


def _planned(
    question: str, entry: Entry, planned: Mapping[tuple[Key, str], float], *, alone: bool
) -> float | None:
    """alone: whether it is the one comparison of its target."""
    key = key_of(question, entry.target, entry.what)
    if (half := planned.get((key, entry.number.unit))) is not None:
        return half
    alike = [
        half
        for (other, unit), half in planned.items()
        if other[:2] == key[:2] and unit == entry.number.unit
    ]
    return alike[0] if alone and len(alike) == 1 else None
