"""Curves of trainings in a report: what is read, what is drawn, and what is said of it."""

import math
from itertools import pairwise

import pytest

from fourlenses.report.charts.training import (
    BOTTOM,
    HEIGHT,
    LABEL_GAP,
    LEFT,
    MOST_POINTS,
    RIGHT,
    WIDTH,
    drawings,
)
from fourlenses.report.records.history import read_history
from tests.helpers.report_pages import Page, add_all, make_study, written


def run(name: str, loss: dict[int, float], knn: dict[int, float] | None = None):
    return name, {"loss": loss, "knn_top1": knn or {}}


def places(points: str) -> list[tuple[float, float]]:
    return [tuple(map(float, point.split(","))) for point in points.split()]


def test_a_history_is_read_by_step_and_what_is_no_number_is_not_finite(tmp_path):
    file = tmp_path / "history.csv"
    file.write_text("step,loss,knn_top1\n5,4.0,\n10,x,20.5\n15,nan,21\n")
    history = read_history(file)
    assert list(history["loss"]) == [5, 10, 15]
    assert history["loss"][5] == 4.0
    assert all(math.isnan(history["loss"][step]) for step in (10, 15))
    assert history["knn_top1"] == {10: 20.5, 15: 21.0}
    assert read_history(tmp_path / "absent.csv") == {"loss": {}, "knn_top1": {}}


def test_a_line_is_the_mean_of_the_seeds_and_its_band_their_ends():
    first, second = {10: 4.0, 20: 3.0, 40: 1.0}, {10: 2.0, 30: 5.0, 40: 2.0}
    (drawing,) = drawings([run("simclr/a-10/seed0", first), run("simclr/a-10/seed1", second)])
    (line,) = drawing.lines
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    assert (drawing.steps.low, drawing.steps.high, drawing.steps.at(0)) == (0, 40, LEFT)
    assert [x for x, _ in places(line.points)] == [LEFT + (right - LEFT) / 4, right]
    assert [y for _, y in places(line.points)] == [drawing.values.at(3.0), drawing.values.at(1.5)]
    assert [y for _, y in places(line.band)] == [
        drawing.values.at(value) for value in (2.0, 1.0, 2.0, 4.0)
    ]
    assert drawing.values.at(drawing.values.low) == bottom
    assert drawing.title == "SimCLR on a"
    assert line.words == "10: 3 to 1.5 at step 40, 2 seeds"


def test_one_seed_has_no_band_and_a_line_ends_where_its_loss_is_not_finite():
    (drawing,) = drawings([run("moco/a-10/seed0", {1: 3.0, 2: 2.0, 3: math.inf, 4: 1.0})])
    (line,) = drawing.lines
    assert line.band == ""
    assert len(places(line.points)) == 2
    assert "at step 2, 1 seed" in line.words
    assert drawings([run("moco/a-10/seed0", {1: math.nan})]) == []


def test_a_drawing_has_all_sources_of_a_dataset_the_most_images_darkest():
    loss = {1: 3.0, 2: 2.0}
    names = ("a-900", "a-4000", "a-4000@jpeg10", "a-all", "a-500+b-500", "a-900.from_rn50")
    found = drawings(
        [
            *(run(f"simclr/{name}/seed0", loss, {2: 30.0}) for name in names),
            run("simclr_half/a-all/seed0", loss),
            run("simclr_long/a-900/seed0", loss),
            run("supervised/b-900/seed0", loss),
            run("random/none/seed0", {}),
            run("external/rn50/seed0", {}),
        ]
    )
    assert [(one.title, one.measure) for one in found] == [
        ("SimCLR on a", "loss"),
        ("SimCLR on a", "kNN on training images, %"),
        ("simclr long on a", "loss"),
        ("supervised on b", "loss"),
    ]
    assert [(line.label, line.shade) for line in found[0].lines] == [
        ("all", 0),
        ("4k", 1),
        ("4k, JPEG quality 10", 2),
        ("500 + b 500", 3),
        ("900", 3),
        ("900, from rn50", 3),
        ("all, half as long", 3),
    ]
    ends = sorted(line.label_y for line in found[0].lines)
    assert min(b - a for a, b in pairwise(ends)) >= LABEL_GAP - 0.11


def test_sources_whose_labels_are_one_by_rounding_have_a_line_each():
    runs = [run(f"simclr/a-{size}/seed0", {1: 3.0, 2: 1.0}) for size in (12_345, 12_350)]
    (drawing,) = drawings(runs)
    assert [line.label for line in drawing.lines] == ["12.3k", "12.3k"]


def test_a_history_of_one_row_without_its_step_is_drawn(tmp_path):
    (tmp_path / "history.csv").write_text("loss\n3.0\n")
    (drawing,) = drawings([("simclr/a-10/seed0", read_history(tmp_path / "history.csv"))])
    assert drawing.lines[0].words == "10: 3 to 3 at step 0, 1 seed"


@pytest.mark.parametrize("steps", [2, MOST_POINTS, 1000])
def test_long_lines_are_thinned_and_keep_both_ends(steps):
    (drawing,) = drawings(
        [run("byol/a-10/seed0", {step: 1 / step for step in range(1, steps + 1)})]
    )
    points = places(drawing.lines[0].points)
    assert len(points) == min(steps, MOST_POINTS)
    assert points[0] == (drawing.steps.at(1), drawing.values.at(1.0))
    assert points[-1] == (drawing.steps.at(steps), drawing.values.at(1 / steps))


def test_a_report_shows_them_with_their_numbers_as_words(tmp_path):
    study = make_study(tmp_path / "study")
    assert 'class="training"' not in written(study)
    add_all(study)
    text = written(study)
    assert text.count('<figure class="training">') == 1
    assert "loss over training steps. 10k: 4 to 2.5 at step 4, 1 seed." in text
    assert "bands go from the least to the most" in Page(written(study)).text
