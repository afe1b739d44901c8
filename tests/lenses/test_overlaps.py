"""No text of a figure over another or outside, at the widths of a column and of a page.

Measured with the renderer: on the planted study, and on the paper's own 316 numbers drawn as a
study's, with the hollow markers of the paper over them and the 19 levels of ImageNet.
"""

import pytest

from fourlenses.analysis import published
from fourlenses.analysis.contrasts import Evidence
from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses import registry
from fourlenses.plotting import look, style
from fourlenses.study.vocabulary import METRICS_FIGURES
from tests.helpers.overlaps import closest_panels, problems

NOT_IN_THE_PAPER = ("alternatives", "quantity_gain", "quantity_saved")


@pytest.fixture(scope="module")
def paper_scale():
    """Return the published numbers as those of a study, a point higher."""
    rows = published.rows().assign(study="ours")
    for column in ("top1", "top1_low", "top1_high"):
        rows[column] = (rows[column] + 1).clip(upper=100)
    assert len(rows) >= 316
    assert rows.loc[rows["target"] == "imagenet", "level"].nunique() == 19
    return Evidence.of(rows)


@pytest.mark.parametrize("width", [style.ONE_COLUMN, style.TWO_COLUMNS])
@pytest.mark.parametrize("name", ["granularity", "domain_pools", "quantity"])
def test_tick_labels_of_neighbouring_panels_are_further_apart_than_words(name, width, paper_scale):
    with look.using(look.Look(width=width)):
        figure, _ = registry.draw(name, paper_scale, thresholds=Thresholds())
    assert figure is not None
    assert len(figure.axes) > 1
    assert closest_panels(figure) >= 6.0


@pytest.mark.parametrize("width", [style.ONE_COLUMN, style.TWO_COLUMNS])
@pytest.mark.parametrize("name", METRICS_FIGURES)
def test_the_planted_study(name, width, planted):
    with look.using(look.Look(width=width)):
        figure, _ = registry.draw(name, planted, thresholds=Thresholds())
    assert figure is None or not problems(figure)


@pytest.mark.parametrize("width", [style.ONE_COLUMN, style.TWO_COLUMNS])
@pytest.mark.parametrize("name", [name for name in METRICS_FIGURES if name not in NOT_IN_THE_PAPER])
def test_the_numbers_of_the_paper(name, width, paper_scale):
    with look.using(look.Look(width=width)):
        figure, _ = registry.draw(name, paper_scale, thresholds=Thresholds())
    assert figure is not None
    assert not problems(figure)
    assert figure.get_figwidth() == width
