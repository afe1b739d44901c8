"""Labels at the ends of lines, and tick labels: measured, none over another."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from fourlenses.plotting import ends, spacing, style, ticks
from tests.helpers.overlaps import problems


def test_labels_that_collide_become_a_block_around_their_mean_within_the_panel():
    heights = [2.0, 2.0, 2.0]
    assert spacing.spaced([1, 10, 20], heights, low=0, high=30) == [1, 10, 20]
    assert spacing.spaced([9, 10, 20], heights, low=0, high=30) == [8.5, 10.5, 20]
    assert spacing.spaced([9, 10, 11], heights, low=0, high=30) == [8, 10, 12]
    assert spacing.spaced([29, 30, 30], heights, low=0, high=30) == [25, 27, 29]
    assert spacing.spaced([0, 0, 0], heights, low=0, high=30) == [1, 3, 5]


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


def test_leaders_are_level_within_the_panel_and_bend_to_their_labels_outside_of_it():
    figure, axes = crowded()
    axes.set_xlim(0, 1.2)
    figure.draw_without_rendering()
    ends.spread(axes)
    for label in ends.of(axes):
        begin, edge, end = label.leader()
        x, y = axes.transData.transform(label.xy)
        assert begin[0] > x
        assert begin[1] == pytest.approx(y)
        assert edge == pytest.approx((axes.bbox.x1, y))
        box = Text.get_window_extent(label)
        assert edge[0] < end[0] < box.x0
        assert end[1] == pytest.approx((box.y0 + box.y1) / 2)


def test_a_label_at_the_edge_and_the_height_of_its_line_needs_no_leader():
    figure, axes = crowded()
    ends.add(axes, "alone", x=1, y=90, colour="black")
    axes.set_xlim(0, 1)
    figure.draw_without_rendering()
    ends.spread(axes)
    assert {label.get_text(): bool(label.leader()) for label in ends.of(axes)} == {
        **{f"line {number}": True for number in range(6)},
        "alone": False,
    }


@pytest.mark.parametrize("at", [0.1, 0.88])
def test_what_ends_early_is_labelled_next_to_its_end_on_the_side_with_room(at):
    figure, axes = crowded()
    for number, x in enumerate((at, at + 0.01)):
        ends.add(axes, f"point {number}", x=x, y=20.0, colour="black")
    axes.set_xlim(0, 1)
    figure.draw_without_rendering()
    ends.spread(axes)
    early = [label for label in ends.of(axes) if label.get_text().startswith("point")]
    assert [label.inside for label in ends.of(axes)] == [False] * 6 + [True] * 2
    for label in early:
        x, y = axes.transData.transform(label.xy)
        box = Text.get_window_extent(label)
        assert (box.x0 > x) == (at < 0.5)
        assert axes.bbox.x0 < box.x0 < box.x1 < axes.bbox.x1
        assert abs((box.y0 + box.y1) / 2 - y) < box.height
    assert not problems(figure)


@style.context()
def test_points_of_a_panel_with_one_number_are_labelled_next_to_them():
    figure = style.new_figure(1, 2.0)
    axes = figure.subplots()
    for number in range(3):
        ends.add(axes, f"point {number}", x=1, y=50 + number, colour="black", marker="o")
    axes.set_xlim(0, 2)
    axes.set_ylim(0, 100)
    figure.draw_without_rendering()
    ends.spread(axes)
    for label in ends.of(axes):
        assert label.inside
        assert all(x < axes.transData.transform((1.3, 0))[0] for x, _ in label.leader())
    assert not problems(figure)


def test_the_marker_of_a_line_stands_before_its_label():
    figure, axes = crowded()

    def colours_drawn():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., :3]
        return (pixels == (255, 0, 0)).all(-1).any()

    assert not colours_drawn()
    ends.add(axes, "red", x=1, y=90, colour="#FF0000", marker="o")
    assert colours_drawn()


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
