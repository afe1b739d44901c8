"""All that README shows of some studies, made from their committed files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from fourlenses.analysis import table
from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from fourlenses.config.read import read_config
from fourlenses.core.files import read_json
from fourlenses.findings import words
from fourlenses.findings.thresholds import Thresholds
from fourlenses.showcase import picture, readme, titles
from fourlenses.showcase.titles import Title
from fourlenses.study import names
from fourlenses.study.labels import labels_of, using
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
        labels: by which names are shown.
    """

    section: str
    numbers: pd.DataFrame
    left: Title
    right: Title
    footer: str
    labels: dict[str, str]

    def figure(self) -> Figure:
        with using(self.labels):
            return picture.draw(self.numbers, self.left, self.right, footer=self.footer)


def whole(studies: Sequence[Path]) -> Showcase:
    """Return what README shows.

    Args:
        studies: folders of results. The accuracies of the picture are of the first, the differences
            of the first that measured other domains.

    Raises:
        UserError: a study lacks its table or its findings.
    """
    labels: dict[str, str] = {}
    for study in reversed(studies):
        overlay = study.parents[1] / "studies" / f"{study.name}.yaml"
        labels |= labels_of(read_config([overlay])) if overlay.exists() else {}
    with using(labels):
        return _whole(studies, labels)


def _whole(studies: Sequence[Path], labels: dict[str, str]) -> Showcase:
    first = studies[0]
    left, numbers = _numbers(first)
    with_others = next((study for study in studies if _has_differences(study)), first)
    right, differences = _numbers(with_others)
    accuracies = numbers[numbers["panel"] == "accuracy"]
    differences = differences[differences["panel"] != "accuracy"]
    target = picture.target_of(left)
    over_labels = titles.of_labels(read_json(first / "decision.json"), target)
    over_domains = titles.of_domains(read_json(with_others / "findings.json"))
    alt = (
        f"{over_labels.result}: {over_labels.rests_on}. "
        f"{over_domains.result}: {over_domains.rests_on}."
    )
    rests_on = [_rests_on(first.name, left, accuracies)]
    if with_others != first:
        rests_on.append(_rests_on(with_others.name, right, differences))
    return Showcase(
        section=readme.section(studies, alt),
        numbers=pd.concat([accuracies, differences], ignore_index=True),
        left=over_labels,
        right=over_domains,
        footer=_footer(rests_on),
        labels=labels,
    )


def _numbers(study: Path) -> tuple[Evidence, pd.DataFrame]:
    evidence = Evidence.of(read_metrics(study / METRICS))
    return evidence, picture.numbers(evidence, picture.target_of(evidence), Thresholds())


def _has_differences(study: Path) -> bool:
    _, numbers = _numbers(study)
    return bool((numbers["panel"] != "accuracy").any())


def _rests_on(study: str, evidence: Evidence, numbers: pd.DataFrame) -> str:
    own = table.own_encoders(evidence.metrics)
    encoder = f"{names.backbone(own['backbone'].iloc[0])}, {words.pixels(own)}"
    seeds = sorted(set(numbers["seeds"]))
    several = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"{seeds[0]}"
    return f"{study} · {encoder} · {several} seed{'s' if seeds != [1] else ''}"


def _footer(studies: list[str]) -> str:
    sides = zip(("left", "right"), studies, strict=False)
    rests_on = "; ".join(f"{side}: {text}" for side, text in sides) if studies[1:] else studies[0]
    separator = "\n" if studies[1:] else " · "
    return (
        f"{rests_on}{separator}bands: 95 % intervals over test images and seeds · points of top-1 "
        "against pretraining on the target itself (boxed)"
    )
