"""The matrix of the domain lens."""

from fourlenses.lenses.domain import figure as domain
from tests.helpers.figures import evidence_of, only
from tests.helpers.synthetic_metrics import row


def test_domain_marks_the_best_contrastive_cell_of_each_column(planted):
    cells = domain.draw(planted)[1]
    best = cells[cells["best"]].set_index("target")
    assert best["source"].to_dict() == {
        "a": "a-10000",
        "b": "b-10000",
    }  # 56 and 76, over the pool's 52 and 72
    pool = only(cells, source="a-5000+b-5000", target="a")
    assert (pool["block"], pool["reference"]) == ("pools", "a-10000")
    assert pool["against"] == -3.0  # 52 minus 55, over the seed that both have
    assert pool["against_low"] < -3.0 < pool["against_high"] < 0
    assert only(cells, source="b-10000", target="a")["block"] == "single sources"
    supervised = only(cells, method="supervised", target="a", protocol="linear")
    assert supervised["top1"] == 80.0
    assert not supervised["best"]
    assert set(
        zip(cells[cells["in_domain"]]["source"], cells[cells["in_domain"]]["target"], strict=True)
    ) == {
        ("a-10000", "a"),
        ("b-10000", "b"),
    }
    assert supervised["block"] == "baselines"
    assert supervised["against"] == 25.0
    assert list(dict.fromkeys(cells["protocol"])) == ["linear", "scratch"]  # labels alone
    assert only(cells, protocol="scratch", target="b")["top1"] == 70.0
    assert list(dict.fromkeys(cells["method"])) == ["simclr", "supervised", "random"]


def test_a_difference_whose_interval_includes_0_is_marked(tmp_path):
    rows = [
        row("domain", "simclr", "a-100", "a", 50.0),
        row("domain", "simclr", "b-100", "a", 49.8),
        row("domain", "simclr", "c-100", "a", 30.0),
    ]
    figure, _ = domain.draw(evidence_of(tmp_path, rows))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"own images", "≈ \N{MINUS SIGN}0.2", "\N{MINUS SIGN}20.0"} < set(texts)


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


def test_where_both_protocols_were_run_the_papers_number_is_next_to_its_own(tmp_path):
    both = [
        row("domain", "simclr", "imagenet-1000000", "inat21", top1, protocol=p)
        for p, top1 in (("linear", 30.0), ("linear_augmented", 33.0))
    ]
    figure, cells = domain.draw(evidence_of(tmp_path, both))
    assert (cells["top1"][0], cells["augmented_top1"][0], cells["published_top1"][0]) == (
        30.0,
        33.0,
        37.3,
    )
    assert "augmented 33.0, paper 37.3" in [text.get_text() for text in figure.axes[0].texts]
