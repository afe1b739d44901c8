"""The charts of a report: what they hold, where it is, and what is said of it."""

from itertools import pairwise

import pytest

from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from fourlenses.report.charts import strip
from fourlenses.report.charts.curves import LABEL_GAP, RIGHT, WIDTH, chart
from fourlenses.report.charts.matrix import matrix
from fourlenses.report.charts.series import series_of
from tests.helpers import synthetic_metrics as synthetic


def evidence_of(folder, rows: list[dict]) -> Evidence:
    return Evidence.of(read_metrics(synthetic.write(folder / "metrics.csv", rows)))


@pytest.fixture
def planted(tmp_path) -> Evidence:
    return evidence_of(tmp_path, synthetic.planted())


def test_a_chart_has_every_encoder_and_training_once(planted):
    found = [
        (one.role, one.label, [point.top1 for point in one.points])
        for one in series_of("a", planted)
    ]
    assert found == [
        ("own", "SimCLR on 10k images", [46.0, 56.0]),
        ("own", "SimCLR on 1k images", [41.0, 51.0]),
        ("alone", "labels alone, from scratch", [20.0, 70.0]),
        ("supervised", "supervised on a 10k", [80.0]),
        ("elsewhere", "on b 10k", [44.0]),
        ("mixed", "on a 5k + b 5k", [52.0]),
        ("corrupted", "on a 10k, down4", [36.0]),
        ("corrupted", "on a 10k, JPEG quality 10", [50.0]),
        ("corrupted", "supervised on a 10k, down4", [75.0]),
        ("corrupted", "supervised on a 10k, JPEG quality 10", [78.5]),
        ("untrained", "random encoder", [10.0, 11.0]),
    ]
    keys = [one.key for one in series_of("a", planted)]
    assert len(set(keys)) == len(keys)


def test_downloaded_and_continued_encoders_have_their_place(tmp_path):
    rows = [
        synthetic.row("alternatives", "external", "rn50", "a", 70.0, protocol=protocol)
        for protocol in ("linear", "fine_tune")
    ]
    rows += [
        synthetic.row("alternatives", "simclr", "a-1000", "a", 50.0),
        synthetic.row("alternatives", "simclr_more", "a-1000.from_rn50", "a", 60.0),
    ]
    series = series_of("a", evidence_of(tmp_path, rows))
    assert {(one.role, one.label) for one in series} == {
        ("own", "SimCLR on 1k images"),
        ("downloaded", "rn50"),
        ("downloaded", "rn50, fine-tuned"),
        ("continued", "a 1k (from rn50)"),
    }


def test_two_methods_or_downloads_have_colours_of_their_own(tmp_path):
    rows = [
        synthetic.row("quantity", method, source, "a", 50.0, protocol=protocol)
        for method, source in (
            ("simclr", "a-9"),
            ("byol", "a-9"),
            ("external", "x"),
            ("external", "y"),
        )
        for protocol in ("linear", "fine_tune")
    ]
    looks = {
        (one.role, one.variant, one.key.split()[-1])
        for one in series_of("a", evidence_of(tmp_path, rows))
    }
    assert len(looks) == len(rows)


def test_lines_rise_with_the_numbers_and_labels_do_not_touch(planted):
    drawing = chart("A", series_of("a", planted), chance=10.0)
    assert drawing.kind == "lines"
    own = drawing.drawn[0]
    assert [mark.y for mark in own.marks] == [drawing.values.at(46.0), drawing.values.at(56.0)]
    assert own.marks[0].x < own.marks[1].x
    assert own.marks[1].y < own.marks[0].y  # up is more
    ends = sorted(one.label_y for one in drawing.drawn if one.line)
    assert all(b - a >= LABEL_GAP for a, b in pairwise(ends))
    assert drawing.chance == drawing.values.at(10.0)
    assert own.marks[1].words == (
        "SimCLR on 10k images: 56.0 % (53.2 to 58.7) with 1,000 labels, 2 seeds; simclr/a-10000"
    )


def test_one_number_of_labels_is_a_list_from_best_to_worst(tmp_path):
    rows = [
        synthetic.row("domain", "simclr", f"{name}-10", "a", top1)
        for name, top1 in (("a", 40.0), ("b", 30.0), ("c", 50.0))
    ]
    drawing = chart("A", series_of("a", evidence_of(tmp_path, rows)), chance=None)
    assert drawing.kind == "dots"
    assert [one.label for one in drawing.drawn] == ["on c 10", "SimCLR on 10 images", "on b 10"]
    assert [one.marks[0].y for one in drawing.drawn] == sorted(
        one.marks[0].y for one in drawing.drawn
    )
    assert drawing.words.startswith("Top-1 accuracy on A. on c 10: 50.0 % with 1,000 labels;")
    assert chart("A", [], chance=None) is None


def test_the_matrix_compares_with_images_of_the_targets_own(planted):
    targets, rows = matrix(planted)
    assert targets == ["a", "b"]
    cells = {row.label: row.cells for row in rows}
    assert [(cell.top1, cell.own, cell.points) for cell in cells["a 10k"]] == [
        (56.0, True, None),
        (64.0, False, pytest.approx(64.0 - 75.0)),  # of the seed that both have
    ]
    assert cells["a 10k"][1].tone == "worse3"
    assert cells["a 5k + b 5k"][0].tone == "worse1"
    assert {row.label: row.block for row in rows} == {
        "a 10k": "single",
        "b 10k": "single",
        "a 5k + b 5k": "pooled",
        "random encoder": "reference",
        "a 10k (supervised)": "reference",
        "b 10k (supervised)": "reference",
    }
    # a cell leads to the series of the same encoder in the chart of its dataset
    keys = {one.key for one in series_of("b", planted)}
    assert {row.cells[1].key for row in rows if row.cells[1]} <= keys


def test_what_the_interval_does_not_tell_apart_is_marked(tmp_path):
    rows = [
        synthetic.row("domain", "simclr", "a-10", "a", 40.0, n_test=200),
        synthetic.row("domain", "simclr", "b-10", "a", 41.0, n_test=200),
    ]
    _, (own, other) = matrix(evidence_of(tmp_path, rows))
    assert (own.cells[0].open, other.cells[0].open) == (False, True)
    assert other.cells[0].tone == "level"


def test_a_study_without_the_lens_has_no_matrix(tmp_path):
    rows = [synthetic.row("quantity", "simclr", "a-10", "a", 40.0)]
    assert matrix(evidence_of(tmp_path, rows)) is None


def test_a_leader_is_level_within_the_panel_and_ends_at_its_label(planted):
    drawing = chart("A", series_of("a", planted), chance=10.0)
    lines = sorted((one for one in drawing.drawn if one.line), key=lambda one: one.marks[-1].y)
    assert [one.label_y for one in lines] == sorted(one.label_y for one in lines)
    for one in lines:
        points = [tuple(map(float, pair.split(","))) for pair in one.leader.split()]
        begin, edge, end = points
        assert begin[1] == edge[1] == one.marks[-1].y
        assert begin[0] > one.marks[-1].x
        assert edge[0] == WIDTH - RIGHT
        assert end[0] > edge[0]
        assert end[1] == one.label_y
    assert all(not one.leader for one in drawing.drawn if not one.line)


def test_dots_that_would_cover_each_other_are_one_above_the_other():
    row = [
        strip.Comparison(estimate=value, low=value - 1, high=value + 1, tone="no", words=str(value))
        for value in (1.0, 1.1, 1.2, 9.0, 1.05)
    ]
    axis = strip.common_axis([row])
    dots = strip.strip(row, axis).dots
    assert all(
        abs(a.x - b.x) > 2 * strip.RADIUS or a.y != b.y for a in dots for b in dots if a is not b
    )
    # so many intervals would cover each other too
    assert {dot.low for dot in dots} == {None}
