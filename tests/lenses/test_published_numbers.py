"""The paper's numbers in the figures of its datasets."""

import pandas as pd
import pytest

from fourlenses.lenses.domain import figure as domain
from fourlenses.lenses.granularity import figure as granularity
from fourlenses.lenses.quality import figure as quality
from fourlenses.plotting import published_markers
from tests.helpers.figures import evidence_of, only
from tests.helpers.synthetic_metrics import row


def paper_like(protocol):
    rows = [
        row("domain", "simclr", "imagenet-1000000", "inat21", 30.0),
        row("domain", "simclr", "imagenet-100", "inat21", 20.0),
    ]
    rows += [
        row("quality", "simclr", f"imagenet-100{ending}", "imagenet", 50.0)
        for ending in ("", "@downsample4", "@blur")
    ]
    rows += [
        row("granularity", "simclr", "inat21-100", "inat21", 90.0, level=level)
        for level in ("kingdom", "fine")
    ]
    rows = [entry | {"protocol": protocol} for entry in rows]
    return [
        *rows,
        row(
            "granularity",
            "supervised",
            "inat21-100",
            "inat21",
            95.0,
            level="kingdom",
            protocol="scratch_published",
        ),
    ]


def test_the_papers_numbers_lie_under_those_of_its_datasets_and_its_protocol(tmp_path):
    evidence = evidence_of(tmp_path, paper_like("linear_augmented"))
    cells = domain.draw(evidence)[1]
    assert only(cells, source="imagenet-1000000")["published_top1"] == 37.3  # table 1
    assert pd.isna(only(cells, source="imagenet-100")["published_top1"])
    figure, bars = quality.draw(evidence)
    assert only(bars, corruption="downsample4")["published_change"] == pytest.approx(
        -34.1
    )  # figure 4
    assert pd.isna(only(bars, corruption="blur")["published_change"])
    assert published_markers.LABEL in {text.get_text() for text in figure.legends[0].get_texts()}
    numbers = granularity.numbers_drawn(evidence)
    kingdom = only(numbers, method="simclr", level="kingdom")
    assert (kingdom["published_top1"], kingdom["published_gap"]) == (
        97.5,
        pytest.approx(97.5 - 98.8),
    )  # figure 5
    assert pd.isna(only(numbers, method="simclr", level="fine")["published_top1"])


def test_another_protocol_has_no_hollow_markers(tmp_path):
    evidence = evidence_of(tmp_path, paper_like("linear"))
    assert domain.draw(evidence)[1]["published_top1"].isna().all()
    assert quality.draw(evidence)[1]["published_change"].isna().all()
    assert granularity.draw(evidence)[1].query("method == 'simclr'")["published_top1"].isna().all()
