"""All that README shows of some studies, made from their committed files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from fourlenses.analysis import table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from fourlenses.core.files import read_json
from fourlenses.findings import words
from fourlenses.findings.thresholds import Thresholds
from fourlenses.showcase import picture, readme, titles
from fourlenses.showcase.titles import Title
from fourlenses.study import names
from fourlenses.study.layout import METRICS


@dataclass(frozen=True, kw_only=True)
class Showcase:
    """README's section and picture.

    Attributes:
        section: the text between the markers.
        numbers: what the picture shows.
        left: title of the accuracies.
        right: title of the differences.
        footer: what the picture rests on.
    """

    section: str
    numbers: pd.DataFrame
    left: Title
    right: Title
    footer: str

    def figure(self) -> Figure:
        return picture.draw(self.numbers, self.left, self.right, footer=self.footer)


def whole(studies: Sequence[Path]) -> Showcase:
    """Return what README shows.

    Args:
        studies: folders of results; the picture is of the first.

    Raises:
        UserError: a study lacks its table or its findings.
    """
    first = studies[0]
    evidence = Evidence.of(read_metrics(first / METRICS))
    target = picture.target_of(evidence)
    numbers = picture.numbers(evidence, target, Thresholds())
    left = titles.of_labels(read_json(first / "decision.json"), target)
    right = titles.of_domains(read_json(first / "findings.json"))
    alt = f"{left.result}: {left.rests_on}. {right.result}: {right.rests_on}."
    return Showcase(
        section=readme.section(studies, alt),
        numbers=numbers,
        left=left,
        right=right,
        footer=_footer(first.name, evidence, numbers),
    )


def _footer(study: str, evidence: Evidence, numbers: pd.DataFrame) -> str:
    own = table.own_encoders(evidence.metrics)
    encoder = f"{names.backbone(own['backbone'].iloc[0])}, {words.pixels(own)}"
    seeds = sorted(set(numbers["seeds"]))
    several = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"{seeds[0]}"
    return (
        f"{study} · {encoder} · {several} seed{'s' if seeds != [1] else ''} · bands: 95 % "
        "intervals over test images and seeds · points of top-1 against pretraining on the target "
        "itself (boxed)"
    )
