"""Training length in the quantity figures: equal steps, equal epochs, both, and the controls."""

import pytest

from fourlenses.lenses.quantity import figure as quantity
from fourlenses.lenses.quantity import finding, lengths
from fourlenses.lenses.quantity import gain as quantity_gain
from fourlenses.plotting import ends
from tests.helpers.figures import evidence_of
from tests.helpers.synthetic_metrics import row

SIZES = {1000: 40.0, 2000: 42.0, 4000: 43.0, 8000: 43.5}


def encoders(method, steps, sizes=SIZES, **more):
    """A row per size and seed; steps: of each size, or of all."""
    every = steps if isinstance(steps, dict) else dict.fromkeys(sizes, steps)
    return [
        row(
            "quantity",
            method,
            f"a-{n}",
            "a",
            top1 + 0.1 * seed,
            seed=seed,
            steps=every[n],
            n_test=50_000,
            **more,
        )
        for n, top1 in sizes.items()
        for seed in range(3)
    ]


EPOCHS = {1000: 500, 2000: 1000, 4000: 2000, 8000: 4000}


def last_panels(figure):
    return figure.axes[-1]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_equal_steps_are_named_on_the_axis_and_fitted(tmp_path):
    evidence = evidence_of(tmp_path, encoders("simclr", 1125))
    figure, numbers = quantity.draw(evidence)
    assert (
        last_panels(figure).get_xlabel().replace("\n", " ")
        == "pretraining images, at 1,125 steps each"
    )
    assert "at 1,125 steps" in figure.axes[0].get_ylabel()
    assert set(numbers["curve"]) == {lengths.EQUAL}
    assert (quantity_gain.draw(evidence)[1]["fit"] == "power_law").all()


@pytest.mark.parametrize("steps", [EPOCHS, ""])
def test_equal_epochs_are_no_answer_about_images(tmp_path, steps):
    """Nor are tables that do not say how long encoders were trained."""
    evidence = evidence_of(tmp_path, encoders("simclr", steps))
    figure, _ = quantity.draw(evidence)
    assert last_panels(figure).get_xlabel().replace("\n", " ") == lengths.UNEQUAL_IMAGES
    numbers = quantity_gain.numbers_drawn(evidence)
    assert numbers["gain"].isna().all()
    assert set(numbers["fit"]) == {quantity_gain.CONFOUNDED}
    assert quantity_gain.draw(evidence)[0] is None


def test_equal_steps_lead_and_equal_epochs_have_panels_of_their_own(tmp_path):
    smaller = {n: top1 + 2 for n, top1 in SIZES.items() if n < 8000}
    evidence = evidence_of(
        tmp_path, [*encoders("simclr", EPOCHS), *encoders("simclr_steps", 4000, smaller)]
    )
    figure, numbers = quantity.draw(evidence)
    assert [axes.get_xlabel().replace("\n", " ") for axes in figure.axes] == [
        "labelled images",
        "pretraining images, at 4,000 steps each",
        lengths.UNEQUAL_IMAGES,
    ]
    equal, unequal = (
        next(line for line in axes.lines if line.get_label() == "1k") for axes in figure.axes[1:]
    )
    assert list(equal.get_xdata()) == list(unequal.get_xdata()) == list(SIZES)
    assert list(equal.get_ydata()) == pytest.approx([42.1, 44.1, 45.1, 43.6])
    assert list(unequal.get_ydata()) == pytest.approx([40.1, 42.1, 43.1, 43.6])
    # as the finding takes them
    (family,) = finding.families(evidence.metrics)
    equal = numbers[numbers["curve"] == lengths.EQUAL]
    assert sorted(zip(family.curve["method"], family.curve["pretrain_images"], strict=True))[
        ::3
    ] == sorted(zip(equal["method"], equal["pretrain_images"], strict=True))
    gains = quantity_gain.draw(evidence)[1]
    assert list(gains["method"]) == ["simclr_steps"] * 3 + ["simclr"]


def test_controls_are_markers_with_their_names_and_no_panels(tmp_path):
    rows = [
        *encoders("simclr", 1000),
        *encoders("simclr_half", 500, {8000: 42.0}),
        *encoders("simclr_twice", 2000, {8000: 43.6}),
    ]
    figure, numbers = quantity.draw(evidence_of(tmp_path, rows))
    assert len(figure.axes) == 2
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[-2:] == ["8k images, half the steps", "8k images, twice the steps"]
    marks = {
        line.get_marker(): (line.get_xdata(), line.get_ydata())
        for line in last_panels(figure).lines
        if line.get_marker() in "v^"
    }
    assert [len(x) for x, _ in marks.values()] == [0, 0]  # the legend's, which come last
    drawn = [
        (line.get_marker(), line.get_ydata()[0])
        for line in last_panels(figure).lines
        if line.get_marker() in "v^" and len(line.get_ydata())
    ]
    assert drawn == [("v", pytest.approx(42.1)), ("^", pytest.approx(43.7))]
    assert len(numbers[numbers["curve"] == lengths.CONTROL]) == 2
    # twice the steps gain no more than twice the images
    assert quantity.LONGER_FIRST not in texts(last_panels(figure))


@pytest.mark.parametrize(("half", "expected"), [(35.0, True), (43.3, False)])
def test_train_longer_first_where_the_finding_says_so(tmp_path, half, expected):
    evidence = evidence_of(
        tmp_path, [*encoders("simclr", 1000), *encoders("simclr_half", 500, {8000: half})]
    )
    (family,) = finding.families(evidence.metrics)
    assert finding.convergence(family, evidence).longer_first is expected
    for axes in (
        last_panels(quantity.draw(evidence)[0]),
        quantity_gain.draw(evidence)[0].axes[1],
    ):
        assert (quantity.LONGER_FIRST in texts(axes)) is expected


@pytest.mark.parametrize("count", [2, 3])
def test_few_sizes_are_a_gain_of_the_last_doubling(tmp_path, count):
    sizes = dict(list(SIZES.items())[:count])
    figure, numbers = quantity_gain.draw(evidence_of(tmp_path, encoders("simclr", 1000, sizes)))
    assert set(numbers["fit"]) == {"log_linear"}
    assert (len(numbers), len(figure.axes)) == (1, 1)  # the last doubling, and no panel of curves


def test_sizes_without_a_common_seed_have_no_curve(tmp_path):
    rows = [
        entry
        for entry in encoders("simclr", 1000, {1000: 40.0, 2000: 42.0})
        if entry["seed"] == (entry["pretrain_images"] == 1000)
    ]
    evidence = evidence_of(tmp_path, rows)
    assert set(quantity_gain.numbers_drawn(evidence)["fit"]) == {quantity_gain.NO_SEED}
    assert quantity_gain.draw(evidence)[0] is None


def test_chance_and_the_published_length_of_scratch_are_drawn(tmp_path):
    rows = encoders("simclr", 1000, chance=1.5)
    rows += [
        row("quantity", "supervised", "a-1000", "a", 30.0, protocol=name, chance=1.5)
        for name in ("scratch", "scratch_published")
    ]
    figure, numbers = quantity.draw(evidence_of(tmp_path, rows))
    labels = {label.get_text() for label in ends.of(figure.axes[0])}
    assert {"scratch", "scratch,\nas published", "chance"} < labels
    assert "chance: 1.5 %" in texts(last_panels(figure))  # far below the accuracies
    assert set(numbers["chance"]) == {1.5}
