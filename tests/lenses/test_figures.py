"""The numbers that each lens draws, against numbers planted in the table."""

import matplotlib
import pytest

from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from fourlenses.lenses.domain import figure as domain
from fourlenses.lenses.granularity import figure as granularity
from fourlenses.lenses.quality import figure as quality
from fourlenses.lenses.quantity import figure as quantity
from fourlenses.lenses.quantity import gain as quantity_gain
from fourlenses.lenses.registry import FIGURES, figure_named
from fourlenses.plotting import output, style
from fourlenses.study import methods
from tests.helpers import synthetic_metrics as synthetic
from tests.helpers.synthetic_metrics import row


@pytest.fixture
def planted(tmp_path):
    return Evidence.of(read_metrics(synthetic.write(tmp_path / "metrics.csv", synthetic.planted())))


def evidence_of(tmp_path, rows):
    return Evidence.of(read_metrics(synthetic.write(tmp_path / "other.csv", rows)))


def one(numbers, **wanted):
    """The one row with the given values."""
    for column, value in wanted.items():
        numbers = numbers[numbers[column] == value]
    assert len(numbers) == 1
    return numbers.iloc[0]


def test_quantity_has_every_planted_point_and_no_other(planted):
    numbers = quantity.draw(planted)[1]
    assert len(numbers) == 2 * (
        4 + 2 + 2
    )  # two targets: four pretrained, two from scratch, two random
    point = one(
        numbers, target="a", series="pretrained", pretrain_images=10000, labelled_images=100
    )
    assert (point["top1"], point["seeds"]) == (46.0, 2)
    assert (
        42.0 < point["top1_low"] < 44.6 < 47.4 < point["top1_high"] < 50.0
    )  # 5,000 test images alone give 44.6 to 47.4
    assert one(numbers, target="b", series="scratch", labelled_images=1000)["top1"] == 70.0
    assert one(numbers, target="b", series="random", labelled_images=100)["top1"] == 10.0


def test_quantity_draws_lines_by_labels_and_by_pretraining(planted):
    figure, _ = quantity.draw(planted)
    lines = {line.get_label(): line for axes in figure.subfigs[0].axes[:1] for line in axes.lines}
    assert list(lines["10k pretraining images"].get_xdata()) == [100, 1000]
    assert list(lines["10k pretraining images"].get_ydata()) == [46.0, 56.0]
    lines = {line.get_label(): line for axes in figure.subfigs[1].axes[:1] for line in axes.lines}
    assert list(lines["100 labelled images"].get_xdata()) == [1000, 10000]
    assert list(lines["100 labelled images"].get_ydata()) == [41.0, 46.0]


def test_quantity_adds_rows_of_panels_for_methods_and_fine_tuning(tmp_path):
    rows = [
        row("quantity", "simclr", f"a-{n}", "a", 30.0, protocol=p)
        for n in (100, 200)
        for p in ("linear", "fine_tune")
    ]
    rows += [row("quantity", "byol", f"a-{n}", "a", 35.0) for n in (100, 200)]
    figure, numbers = quantity.draw(evidence_of(tmp_path, rows))
    labels = [part.axes[0].get_ylabel().split("(")[1] for part in figure.subfigs]
    assert labels == ["SimCLR, linear)", "SimCLR, fine-tuned)", "BYOL, linear)"] * 2
    assert len(numbers) == 6


def test_domain_marks_the_best_contrastive_cell_of_each_column(planted):
    cells = domain.draw(planted)[1]
    best = cells[cells["best"]].set_index("target")
    assert best["source"].to_dict() == {
        "a": "a-10000",
        "b": "b-10000",
    }  # 56 and 76, over the pool's 52 and 72
    assert one(cells, source="a-5000+b-5000", target="a")["behind_best"] == 4.0
    supervised = one(cells, method="supervised", target="a")
    assert supervised["top1"] == 80.0
    assert not supervised["best"]
    assert set(
        zip(cells[cells["in_domain"]]["source"], cells[cells["in_domain"]]["target"], strict=True)
    ) == {
        ("a-10000", "a"),
        ("b-10000", "b"),
    }
    assert list(dict.fromkeys(cells["method"])) == ["simclr", "supervised", "random"]


def test_domain_writes_the_best_cell_bold_with_its_half_width(planted):
    figure, cells = domain.draw(planted)
    bold = [text.get_text() for text in figure.axes[0].texts if text.get_fontweight() == "bold"]
    halves = cells[cells["best"]].set_index("target")["half_width"]
    assert bold == [f"56.0 ±{halves['a']:.1f}", f"76.0 ±{halves['b']:.1f}"]
    assert (halves > 1.2).all()  # 5,000 test images alone give 1.4 and 1.2


def test_domain_takes_the_most_labelled_images_and_the_finest_level(tmp_path):
    rows = [
        row("domain", "simclr", "a-100", "a", 30.0, labelled_images=10),
        row("domain;granularity", "simclr", "a-100", "a", 40.0),
    ]
    rows.append(row("granularity", "simclr", "a-100", "a", 90.0, level="coarse"))
    cells = domain.draw(evidence_of(tmp_path, rows))[1]
    assert (len(cells), cells["top1"][0], cells["labelled_images"][0]) == (1, 40.0, 1000)


def test_quality_takes_the_drop_over_the_same_seeds(planted):
    bars = quality.draw(planted)[1]
    assert list(zip(bars["corruption"], bars["method"], strict=True)) == [
        ("down4", "simclr"),
        ("down4", "supervised"),
        ("jpeg10", "simclr"),
        ("jpeg10", "supervised"),
    ]
    assert list(bars["drop"]) == [20.0, 5.0, 6.0, 1.5]
    assert ((bars["drop_low"] < bars["drop"]) & (bars["drop"] < bars["drop_high"])).all()
    # over the random encoder's 11 %: of 46 and of 69 points
    assert one(bars, corruption="down4", method="supervised")["share"] == pytest.approx(
        100 * 5 / 69
    )
    assert one(bars, corruption="down4", method="simclr")["share"] == pytest.approx(
        100 * 20 / 44
    )  # over the seed of the random encoder


def test_quality_leaves_out_seeds_that_only_one_side_has(tmp_path):
    rows = [
        row("quality", "simclr", "a-100", "a", 50.0, seed=0),
        row("quality", "simclr", "a-100@blur", "a", 40.0, seed=0),
    ]
    rows.append(row("quality", "simclr", "a-100@blur", "a", 10.0, seed=1))
    bars = quality.draw(evidence_of(tmp_path, rows))[1]
    assert (bars["drop"][0], bars["seeds"][0]) == (10.0, 1)


def test_quality_without_a_clean_counterpart_says_which(tmp_path):
    rows = [
        row("quality", "simclr", "a-100@blur", "a", 40.0),
        row("quality", "simclr", "a-200", "a", 50.0),
    ]
    with pytest.raises(
        ValueError,
        match=r"other.csv has simclr on a-100 with blur for a but no clean pretraining .* at 1000 labelled",
    ):
        quality.draw(evidence_of(tmp_path, rows))


def test_granularity_gap_is_supervised_less_contrastive(planted):
    numbers = granularity.draw(planted)[1]
    gaps = numbers[numbers["method"] == "simclr"].set_index(["target", "level"])["gap"].to_dict()
    # over the seed that both sides have
    assert gaps == {
        ("a", "coarse"): 5.0,
        ("a", "fine"): 15.0,
        ("b", "coarse"): 5.0,
        ("b", "fine"): -5.0,
    }
    assert numbers.loc[numbers["method"] != "simclr", "gap"].isna().all()
    assert one(numbers, target="a", method="random", level="coarse")["top1"] == 30.0


def test_granularity_follows_the_order_of_the_fullest_evaluation(tmp_path):
    rows = [row("granularity", "random", "none", "a", 5.0, level="species")]
    levels = ("kingdom", "order", "species")
    rows += [
        row("granularity", "simclr", "a-100", "a", 90.0 - 20 * place, level=level)
        for place, level in enumerate(levels)
    ]
    figure, numbers = granularity.draw(evidence_of(tmp_path, rows))
    assert list(numbers[numbers["method"] == "simclr"]["level"]) == list(levels)
    assert len(figure.axes) == 1  # no supervised rows, hence no gap
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == list(levels)


def test_granularity_runs_from_coarse_to_fine_whichever_way_the_table_does(planted):
    numbers = granularity.draw(planted)[
        1
    ]  # every evaluation of the planted table names its fine level first
    assert list(numbers[(numbers["method"] == "simclr") & (numbers["target"] == "a")]["level"]) == [
        "coarse",
        "fine",
    ]


@pytest.mark.parametrize("figure_name", FIGURES)
def test_one_target_one_quantity_and_no_yardsticks_still_draw(tmp_path, figure_name):
    rows = [
        row("quantity;domain;quality;granularity", "simclr", source, "a", 40.0)
        for source in ("a-100", "a-100@blur")
    ]
    figure, numbers = FIGURES[figure_name].draw(evidence_of(tmp_path, rows))
    # the figures of comparisons say in words that there is nothing to compare
    assert len(numbers) == (
        0 if figure_name in ("domain_pools", "quality_severity", "granularity_gap") else 1
    )
    assert figure.get_figwidth() == style.ONE_COLUMN
    assert all(path.stat().st_size for path in output.save(figure, numbers, tmp_path / figure_name))


def test_figures_do_not_depend_on_the_readers_settings(planted):
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.spines.top": True}):
        axes = granularity.draw(planted)[0].axes[0]
    assert axes.xaxis.label.get_fontsize() < 10
    assert axes.lines[0].get_linewidth() == style.RC["lines.linewidth"]
    assert not axes.spines["top"].get_visible()


def test_unknown_names_are_answered_with_those_known():
    with pytest.raises(
        ValueError,
        match="no figure 'depth'; known are quantity, quantity_gain, domain, domain_pools, quality, ",
    ):
        figure_named("depth")
    with pytest.raises(ValueError, match="no method 'dino'; known are simclr, moco, byol, simsiam"):
        methods.colour("dino")


def test_dataset_colours_do_not_depend_on_order():
    assert style.dataset_colours(["b", "a", "b"]) == style.dataset_colours(["a", "b"])
    assert len(set(style.dataset_colours("abcdefghi").values())) == 9


def saturating(tmp_path, **more):
    """SimCLR on a with 70 - 200 n ** -0.35 percent at five sizes; MoCo at one."""
    sizes = (1000, 3000, 10_000, 30_000, 100_000)
    rows = [
        row(
            "quantity",
            "simclr",
            f"a-{n}",
            "a",
            70 - 200 * n**-0.35,
            n_test=200_000,
            steps=1000,
            **more,
        )
        for n in sizes
    ]
    rows = [*rows, row("quantity", "moco", "a-1000", "a", 50.0, steps=1000)]
    return Evidence.of(
        read_metrics(synthetic.write(tmp_path / "saturating.csv", rows)), prior_sd=0.1
    )


def test_quantity_gain_is_the_gain_of_the_planted_curve(tmp_path):
    numbers = quantity_gain.draw(saturating(tmp_path), modest_gain=1.0)[1]
    assert list(numbers["pretrain_images"]) == [
        1000,
        3000,
        10_000,
        30_000,
        100_000,
    ]  # MoCo's one size has no gain
    planted = 200 * numbers["pretrain_images"] ** -0.35 * (1 - 2**-0.35)
    assert list(numbers["gain"]) == pytest.approx(list(planted), abs=0.01)
    assert ((numbers["gain_low"] <= planted) & (planted <= numbers["gain_high"])).all()
    assert list(numbers["enough_images"]) == pytest.approx(
        [(200 * (1 - 2**-0.35)) ** (1 / 0.35)] * 5, rel=0.02
    )
    assert set(numbers["fit"]) == {"power_law"}


def test_quantity_gain_marks_where_the_curve_falls_below_the_modest_gain(tmp_path):
    figure, numbers = quantity_gain.draw(saturating(tmp_path), modest_gain=1.0)
    below = figure.subfigs[0].axes[1]
    marks = [line for line in below.lines if line.get_marker() == "v"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks] == [
        (numbers["enough_images"][0], 1.0)
    ]
    assert "a gain of 1 points" in below.get_legend_handles_labels()[1]
    steep = (
        quantity_gain.draw(saturating(tmp_path), modest_gain=0.1)[0].subfigs[0].axes[1]
    )  # never below it in sight
    assert not [line for line in steep.lines if line.get_marker() == "v"]


def test_quantity_gain_of_one_size_says_that_nothing_is_known(tmp_path):
    figure, numbers = quantity_gain.draw(
        evidence_of(tmp_path, [row("quantity", "simclr", "a-1000", "a", 50.0)])
    )
    assert numbers[["gain", "enough_images"]].isna().all(axis=None)
    assert [text.get_text() for text in figure.subfigs[0].axes[1].texts] == [quantity_gain.ONE_SIZE]


def test_quantity_figures_lay_published_numbers_over_the_same_sizes(tmp_path):
    named = {"level": "class", "labelled_images": 10_000, "protocol": "linear_augmented"}
    rows = [
        row("quantity", "simclr", f"imagenet-{n}", "imagenet", 20.0, **named)
        for n in (50_000, 60_000)
    ]
    for module in (quantity, quantity_gain):
        figure, numbers = module.draw(evidence_of(tmp_path, rows))
        assert numbers["published"].fillna(0).to_list() == [18.1, 0]  # the paper has no 60,000
        hollow_lines = [
            line
            for axes in figure.subfigs[0].axes
            for line in axes.lines
            if line.get_markerfacecolor() == "none"
        ]
        assert [list(line.get_ydata()) for line in hollow_lines if len(line.get_ydata())] == [
            [18.1]
        ]
