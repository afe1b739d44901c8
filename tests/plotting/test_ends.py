"""Labels at the ends of lines, and tick labels: measured, none over another."""

import pytest

from fourlenses.plotting import ends, style, ticks
from tests.helpers.overlaps import problems


def test_labels_that_collide_become_a_block_around_their_mean_within_the_panel():
    heights = [2.0, 2.0, 2.0]
    assert ends.spaced([1, 10, 20], heights, low=0, high=30) == [1, 10, 20]
    assert ends.spaced([9, 10, 20], heights, low=0, high=30) == [8.5, 10.5, 20]
    assert ends.spaced([9, 10, 11], heights, low=0, high=30) == [8, 10, 12]
    assert ends.spaced([29, 30, 30], heights, low=0, high=30) == [25, 27, 29]
    assert ends.spaced([0, 0, 0], heights, low=0, high=30) == [1, 3, 5]


@style.context()
def crowded():
    figure = style.new_figure(1, 2.0)
    axes = figure.subplots()
    for number in range(6):
        y = 50 + 0.1 * number
        axes.plot([0, 1], [10, y])
        ends.add(axes, f"line {number}", x=1, y=y, colour="black")
    axes.set_ylim(0, 100)
    return figure, axes


def test_spread_labels_do_not_overlap_and_keep_their_order():
    figure, axes = crowded()
    assert any("overlap" in problem for problem in problems(figure))
    ends.spread(axes)
    assert not problems(figure)
    heights = [label.get_window_extent().y0 for label in ends.of(axes)]
    assert heights == sorted(heights)


@style.context()
@pytest.mark.parametrize("way", [ticks.thinned, ticks.turned])
def test_tick_labels_that_collide_are_thinned_or_turned(way):
    figure = style.new_figure(1, 2.0)
    axes = figure.subplots()
    axes.set_xlim(0, 20)
    axes.set_xticks(range(20), [f"level {number}" for number in range(20)])
    way(axes)
    figure.draw_without_rendering()
    assert ticks.fit(axes)
    assert not problems(figure)
    shown = [label.get_text() for label in axes.get_xticklabels() if label.get_text()]
    assert shown[-1] == "level 19"
    assert (len(shown) == 20) == (way is ticks.turned)
    assert len(shown) > 3
    assert not ticks.fit(axes) or way is ticks.turned
