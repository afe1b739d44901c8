"""Properties of every figure."""

import matplotlib
import pytest

from fourlenses.lenses.granularity import figure as granularity
from fourlenses.lenses.needs import NEEDS
from fourlenses.lenses.registry import figure_named
from fourlenses.plotting import style
from fourlenses.plotting.save import save
from fourlenses.study.vocabulary import FIGURES, LENSES, METRICS_FIGURES
from tests.helpers.figures import evidence_of
from tests.helpers.synthetic_metrics import row

ALWAYS = {"quantity", "domain", "quality", "granularity", "alternatives"}


@pytest.mark.parametrize("figure_name", METRICS_FIGURES)
def test_one_target_one_quantity_and_no_baselines_still_draw(tmp_path, figure_name):
    rows = [
        row(";".join(LENSES), "simclr", source, "a", 40.0) for source in ("a-100", "a-100@blur")
    ]
    figure, numbers = figure_named(figure_name).draw(evidence_of(tmp_path, rows))
    # the others have nothing to compare
    assert len(numbers) == (figure_name in ALWAYS)
    assert (figure is not None) == (figure_name in ALWAYS)
    if figure:
        assert figure.get_figwidth() == style.ONE_COLUMN
    assert all(path.stat().st_size for path in save(figure, numbers, tmp_path / figure_name))


def test_what_is_not_always_there_says_what_it_needs():
    assert set(METRICS_FIGURES) - set(NEEDS) == ALWAYS
    assert set(NEEDS) <= set(FIGURES)


def test_figures_do_not_depend_on_the_readers_settings(planted):
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.spines.top": True}):
        axes = granularity.draw(planted)[0].axes[0]
    assert axes.xaxis.label.get_fontsize() < 10
    assert axes.lines[0].get_linewidth() == style.RC["lines.linewidth"]
    assert not axes.spines["top"].get_visible()
