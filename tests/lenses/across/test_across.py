"""Figures of a whole study: methods, protocols, ours against the paper's."""

import pytest

from fourlenses.analysis import published
from fourlenses.analysis.contrasts import Evidence
from fourlenses.lenses.across import methods, protocols
from fourlenses.lenses.across import published as against_published
from tests.helpers.figures import evidence_of, only
from tests.helpers.synthetic_metrics import row


def test_methods_of_as_many_images_are_on_one_axis(tmp_path):
    rows = [row("quantity", "simclr", f"a-{size}", "a", size / 100) for size in (1000, 2000)]
    rows += [row("quantity", "byol", "a-1000", "a", 30.0)]
    rows += [row("quantity", "byol", "b-1000", "b", 30.0)]  # alone on its target
    rows += [row("quantity", "supervised", "a-1000", "a", 20.0, protocol="scratch")]
    rows += [row("quantity", "random", "none", "a", 5.0, chance=1.0)]
    figure, numbers = methods.draw(evidence_of(tmp_path, rows))
    assert list(numbers["method"]) == ["simclr", "byol", "supervised", "random"]
    assert list(numbers["top1"]) == [10.0, 30.0, 20.0, 5.0]
    assert figure.axes[0].get_title() == "a\n1k pretraining images"
    assert methods.draw(evidence_of(tmp_path, rows[:2]))[0] is None


def test_protocols_of_one_encoder_are_on_one_axis(tmp_path):
    rows = [
        row("quantity", "simclr", "a-1000", "a", top1, protocol=protocol)
        for protocol, top1 in (("knn", 20.0), ("linear", 30.0), ("fine_tune", 40.0))
    ]
    rows += [row("quantity", "simclr", "a-9000", "a", 50.0)]  # under one protocol alone
    rows += [row("quantity", "supervised", "a-1000", "a", 35.0, protocol="scratch")]
    rows += [row("domain", "simclr", "b-1000", "b", 35.0)]
    figure, numbers = protocols.draw(evidence_of(tmp_path, rows))
    assert list(zip(numbers["protocol"], numbers["top1"], strict=True)) == [
        ("linear", 30.0),
        ("fine_tune", 40.0),
        ("scratch", 35.0),
        ("knn", 20.0),
    ]
    assert figure.axes[0].get_title() == "a\nSimCLR, 1k images"
    assert protocols.draw(evidence_of(tmp_path, rows[3:]))[0] is None


def test_ours_against_the_papers_lies_on_the_line_where_they_agree(tmp_path):
    rows = published.rows().assign(study="ours")
    figure, numbers = against_published.draw(Evidence.of(rows))
    assert list(numbers["ours"]) == pytest.approx(list(numbers["paper"]))
    assert {axes.get_title() for axes in figure.axes} == set(against_published.ORIGINS.values())
    table1 = next(axes for axes in figure.axes if axes.get_title() == "Table 1, domain")
    points = [line for line in table1.lines if line.get_marker() not in ("None", "")]
    assert sum(len(line.get_xdata()) for line in points) == len(
        numbers[numbers["origin"] == "table1_cross_domain"]
    )
    assert only(numbers, source="imagenet-1000000", target="inat21", lens="domain")["paper"] == 37.3
    others = evidence_of(tmp_path, [row("domain", "simclr", "a-100", "a", 50.0)])
    assert against_published.draw(others)[0] is None
