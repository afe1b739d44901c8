"""Accuracy by label level."""

from fourlenses.lenses.granularity import figure as granularity
from fourlenses.plotting import ends, style
from tests.helpers.figures import evidence_of, hierarchy, only
from tests.helpers.synthetic_metrics import row


def test_granularity_gap_is_contrastive_minus_supervised(planted):
    numbers = granularity.draw(planted)[1]
    gaps = numbers[numbers["method"] == "simclr"].set_index(["target", "level"])["gap"].to_dict()
    # over the seed that both sides have
    assert gaps == {
        ("a", "coarse"): -5.0,
        ("a", "fine"): -15.0,
        ("b", "coarse"): -5.0,
        ("b", "fine"): 5.0,
    }
    assert numbers.loc[numbers["method"] != "simclr", "gap"].isna().all()
    assert only(numbers, target="a", method="random", level="coarse")["top1"] == 30.0


def test_granularity_follows_the_order_of_the_fullest_evaluation(tmp_path):
    rows = [row("granularity", "random", "none", "a", 5.0, level="species")]
    levels = ("kingdom", "order", "species")
    rows += [
        row("granularity", "simclr", "a-100", "a", 90.0 - 20 * index, level=level)
        for index, level in enumerate(levels)
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


def test_supervised_is_the_better_of_scratch_and_of_a_linear_classifier_on_as_many_labels(tmp_path):
    contrastive = [
        row("granularity", "simclr", "a-1000", "a", top1, level=level)
        for level, top1 in (("top", 70.0), ("fine", 40.0))
    ]
    scratch = [
        row("granularity", "supervised", "a-1000", "a", top1, level=level, protocol="scratch")
        for level, top1 in (("top", 80.0), ("fine", 50.0))
    ]
    features = [
        row("granularity", "supervised", "a-1000", "a", top1, level=level)
        for level, top1 in (("top", 84.0), ("fine", 55.0))
    ]
    more_labels = [
        row("granularity", "supervised", "a-9000", "a", top1, level=level)
        for level, top1 in (("top", 94.0), ("fine", 85.0))
    ]
    figure, numbers = granularity.draw(
        evidence_of(tmp_path, [*contrastive, *scratch, *features, *more_labels])
    )
    assert list(numbers[numbers["method"] == "simclr"]["gap"]) == [-14.0, -15.0]
    assert "supervised\n(linear)" in [label.get_text() for label in ends.of(figure.axes[0])]
    numbers = granularity.numbers_drawn(
        evidence_of(tmp_path, [*contrastive, *scratch, *more_labels])
    )
    assert list(numbers[numbers["method"] == "simclr"]["gap"]) == [-10.0, -10.0]


def test_levels_keep_their_order_where_one_evaluation_begins_with_the_finest(tmp_path):
    supervised = hierarchy("supervised", "a", (92.0, 78.0, 60.0), protocol="scratch")
    rows = [
        supervised[2] | {"lens": "domain;granularity"},
        *supervised[:2],
        *hierarchy("simclr", "a", (90.0, 70.0, 40.0)),
    ]
    numbers = granularity.numbers_drawn(evidence_of(tmp_path, rows))
    assert list(numbers[numbers["method"] == "simclr"]["level"]) == ["top", "middle", "fine"]


def test_levels_have_their_number_of_labels_and_panels_the_width_of_their_levels(tmp_path):
    rows = [
        row("granularity", "simclr", "a-100", "a", 90.0 - number, level=f"name_depth{number}")
        | {"n_classes": 10 * number, "level_depth": number, "is_finest": str(number == 18).lower()}
        for number in range(1, 19)
    ]
    rows += [row("granularity", "simclr", "b-100", "b", 50.0)]
    figure, _ = granularity.draw(evidence_of(tmp_path, rows))
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert labels[0] == "depth 1 (10)"
    widths = [axes.get_subplotspec().get_gridspec().get_width_ratios() for axes in figure.axes]
    assert widths[0][0] > 3 * widths[0][1]


def test_the_gap_of_an_encoder_that_is_not_trained_enough_is_grey(tmp_path):
    rows = [
        *hierarchy("simclr", "a", (50.0, 12.0)),
        *hierarchy("supervised", "a", (70.0, 40.0), protocol="scratch"),
        *hierarchy("random", "a", (40.0, 11.0)),
    ]
    rows = [entry | ({"source": "none"} if entry["method"] == "random" else {}) for entry in rows]
    figure, numbers = granularity.draw(evidence_of(tmp_path, rows))
    assert set(numbers.loc[numbers["method"] == "simclr", "trained"]) == {False}
    assert figure.axes[1].lines[0].get_color() == style.PALE
    trained = granularity.numbers_drawn(evidence_of(tmp_path, rows), trained_margin=-9.0)
    assert len(trained) == len(numbers)
