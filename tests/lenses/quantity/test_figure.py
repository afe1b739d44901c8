"""Accuracy by pretraining images and labels."""

from fourlenses.lenses.quantity import figure as quantity
from fourlenses.plotting import ends
from tests.helpers.figures import evidence_of, only
from tests.helpers.synthetic_metrics import row


def test_quantity_has_every_planted_point_and_no_other(planted):
    numbers = quantity.draw(planted)[1]
    assert len(numbers) == 2 * (
        4 + 2 + 2
    )  # two targets: four pretrained, two from scratch, two random
    point = only(
        numbers, target="a", series="pretrained", pretrain_images=10000, labelled_images=100
    )
    assert (point["top1"], point["seeds"]) == (46.0, 2)
    assert (
        42.0 < point["top1_low"] < 44.6 < 47.4 < point["top1_high"] < 50.0
    )  # 5,000 test images alone give 44.6 to 47.4
    assert only(numbers, target="b", series="scratch", labelled_images=1000)["top1"] == 70.0
    assert only(numbers, target="b", series="random", labelled_images=100)["top1"] == 10.0


def lines_of(axes):
    return {line.get_label(): line for line in axes.lines}


def test_quantity_draws_lines_by_labels_and_by_pretraining(planted):
    figure, _ = quantity.draw(planted)
    lines = lines_of(figure.axes[0])
    assert list(lines["10k"].get_xdata()) == [100, 1000]
    assert list(lines["10k"].get_ydata()) == [46.0, 56.0]
    lines = lines_of(figure.axes[2])
    assert list(lines["100"].get_xdata()) == [1000, 10000]
    assert list(lines["100"].get_ydata()) == [41.0, 46.0]
    # from scratch on as many labels: 20 and 70 %
    level = [line.get_ydata()[0] for line in figure.axes[2].lines if len(line.get_xdata()) == 2]
    assert {20.0, 70.0} <= set(level)


def test_lines_are_labelled_at_their_ends(planted):
    figure, _ = quantity.draw(planted)
    labels = {label.get_text(): label.xy for label in ends.of(figure.axes[0])}
    assert labels == {
        "1k": (1000, 51.0),
        "10k": (1000, 56.0),
        "scratch": (1000, 70.0),
        "random": (1000, 11.0),
    }
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [quantity.SCRATCH_TOO]


def test_quantity_adds_rows_of_panels_for_methods_of_several_sizes_and_fine_tuning(tmp_path):
    rows = [
        row("quantity", "simclr", f"a-{n}", "a", 30.0, protocol=p)
        for n in (100, 200)
        for p in ("linear", "fine_tune")
    ]
    rows += [row("quantity", "byol", f"a-{n}", "a", 35.0) for n in (100, 200)]
    rows += [row("quantity", "moco", "a-200", "a", 35.0)]  # in the figure methods alone
    figure, numbers = quantity.draw(evidence_of(tmp_path, rows))
    labels = [axes.get_ylabel().split("(")[1] for axes in figure.axes]
    assert labels == ["SimCLR, linear)", "SimCLR, fine-tuned)", "BYOL, linear)"] * 2
    assert len(numbers) == 6


def test_the_random_encoder_is_not_in_panels_of_fine_tuning(tmp_path):
    """Fine-tuned, it would be training from scratch."""
    rows = [
        row("quantity", "simclr", f"a-{n}", "a", 30.0, protocol=p)
        for n in (100, 200)
        for p in ("linear", "fine_tune")
    ]
    rows += [row("quantity", "random", "none", "a", 5.0)]
    figure, _ = quantity.draw(evidence_of(tmp_path, rows))
    assert "random" in lines_of(figure.axes[0])
    assert "random" not in lines_of(figure.axes[1])
