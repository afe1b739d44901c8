"""How seeds become a band, what stands below every figure, and chance."""

import pytest

from fourlenses.analysis import bands
from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from fourlenses.metrics.statistics import wilson_share
from fourlenses.plotting import basis, chance, style
from tests.helpers import synthetic_metrics as synthetic
from tests.helpers.synthetic_metrics import row

KEYS = ["target", "method"]


def evidence_of(tmp_path, rows, **more):
    return Evidence.of(read_metrics(synthetic.write(tmp_path / "metrics.csv", rows)), **more)


def seeds(*top1s, **more):
    return [
        row("domain", "simclr", "a-100", "a", top1, seed=seed, **more)
        for seed, top1 in enumerate(top1s)
    ]


def band(evidence):
    return bands.over_seeds(evidence.metrics, KEYS, evidence).iloc[0]


def test_a_band_holds_test_images_and_seeds(tmp_path):
    """One seed: wider than the test images alone make it, by the deviation that is stated; none stated: Wilson's interval."""
    low, high = (100 * end for end in wilson_share(0.5, 5000))
    one = band(evidence_of(tmp_path, seeds(50.0), prior_sd=0.0))
    assert (one["top1_low"], one["top1_high"]) == pytest.approx((low, high), abs=0.01)
    widened = band(evidence_of(tmp_path, seeds(50.0), prior_sd=2.0))
    half = 1.96 * (0.5 * 0.5 / 5000 * 1e4 + 2.0**2) ** 0.5
    assert widened["top1_high"] - 50 == pytest.approx(half, rel=0.01)
    assert (one["seeds"], widened["seeds"]) == (1, 1)


def test_more_seeds_make_a_band_narrower(tmp_path):
    widths = [band(evidence_of(tmp_path, seeds(*[50.0] * count), prior_sd=2.0)) for count in (1, 3)]
    one, three = (one["top1_high"] - one["top1_low"] for one in widths)
    assert three < one
    assert widths[1]["seeds"] == 3


def test_draws_of_the_labels_are_averaged_within_a_seed(tmp_path):
    rows = [
        *seeds(50.0, 60.0, label_draw=0),
        row("domain", "simclr", "a-100", "a", 54.0, seed=0, label_draw=1),
    ]
    assert (
        band(
            evidence_of(
                tmp_path, [*rows, row("domain", "simclr", "a-100", "a", 60.0, seed=1, label_draw=1)]
            )
        )["top1"]
        == 56.0
    )


def test_of_two_sources_of_one_number_of_images_the_first_is_taken(tmp_path):
    rows = [*seeds(50.0), row("domain", "simclr", "a-all", "a", 70.0, pretrain_images=100)]
    assert band(evidence_of(tmp_path, rows))["top1"] == 50.0


def test_a_figure_says_what_it_rests_on(tmp_path):
    three = [
        entry | {"seed": seed, "image_size": 64, "method": method}
        for seed in range(3)
        for method in ("simclr", "moco")
        for entry in seeds(50.0)
    ]
    said = basis.text(evidence_of(tmp_path, three), ["moco", "random", "simclr"], [3, 3])
    assert (
        said
        == "SimCLR, MoCo v2, ResNet-18 at 64 px; 3 seeds; bands: 95 % intervals over test images and seeds."
    )
    said = basis.text(evidence_of(tmp_path, seeds(50.0), prior_sd=0.9), ["simclr"], [1], "whiskers")
    assert said.startswith("SimCLR, ResNet-18; 1 seed; whiskers: ")
    assert (
        "widened by a standard deviation over seeds of 0.9 points at 50 %, less towards 0 and 100 %, which is stated and not measured "
        "(findings.seed_sd); read as a lean." in said
    )
    pooled = evidence_of(
        tmp_path,
        [
            *three,
            *(entry | {"target": "b"} for entry in three),
            *(entry | {"target": "c"} for entry in seeds(50.0)),
        ],
    )
    assert "1 to 3 seeds" in basis.text(pooled, ["simclr"], [3, 1])
    assert "pooled over 4 cells of the study; read as a lean" in basis.text(
        pooled, ["simclr"], [3, 1]
    )
    assert basis.text(pooled, ["simclr"], [2]).endswith("Fewer than 3 seeds: read as a lean.")


@style.context()
def test_the_strip_below_makes_room_for_itself_and_moves_no_legend_into_it():
    figure = style.new_figure(1, height=2.0)
    figure.subplots().plot([0, 1], label="line")
    legend = figure.legend(loc="outside lower center")
    basis.write(
        figure,
        "a line that is long enough to be wrapped into more than one line below a figure of one column, "
        * 2,
    )
    figure.draw_without_rendering()
    text, axes = figure.texts[0].get_window_extent(), figure.axes[0].get_tightbbox()
    assert figure.get_figheight() > 2.0
    assert (
        0
        <= text.y0
        < text.y1
        <= legend.get_window_extent().y0
        < legend.get_window_extent().y1
        <= axes.y0
    )
    assert text.x1 <= figure.bbox.x1


def test_chance_is_a_line_or_far_below_the_accuracies_a_number(tmp_path):
    metrics = evidence_of(tmp_path, seeds(50.0, chance=12.5)).metrics
    numbers = metrics.assign(chance=chance.beside(metrics, metrics, ["target", "level"]))
    axes = style.new_figure(1, 2.0).subplots()
    chance.line(axes, numbers)
    assert [list(line.get_ydata()) for line in axes.lines] == [[12.5, 12.5]]
    chance.line(axes, numbers, near=numbers["top1"])
    assert (len(axes.lines), axes.texts[0].get_text()) == (1, "chance: 12 %")
    nothing = style.new_figure(1, 2.0).subplots()
    chance.line(nothing, numbers.assign(chance=float("nan")))
    assert not nothing.lines
