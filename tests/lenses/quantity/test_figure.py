"""Accuracy by pretraining images and labels."""

from fourlenses.lenses.quantity import figure as quantity
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
