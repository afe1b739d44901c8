"""The footer of a figure: its text, and the room that it takes."""

from fourlenses.plotting import footer, style
from tests.helpers.figures import evidence_of, seeds


def test_the_footer_says_what_a_figure_is_based_on(tmp_path):
    three = [
        entry | {"seed": seed, "image_size": 64, "method": method, "steps": 1250}
        for seed in range(3)
        for method in ("simclr", "moco")
        for entry in seeds(50.0)
    ]
    evidence = evidence_of(tmp_path, three)
    text = footer.text(evidence, ["moco", "random", "simclr"], [3, 3], targets=["a"])
    intervals = "95 % intervals over test images and seeds"
    assert text == (
        "planted · SimCLR, MoCo v2, ResNet-18, 64 px, 1,250 steps · 3 seeds · 5,000 test images · "
        f"bands: {intervals}"
    )
    # the steps of concatenated encoders are those of all of them together
    both = [entry | {"source": "a-4000~b-4000", "steps": 2500} for entry in three]
    with_both = evidence_of(tmp_path, [*three, *both])
    assert footer.text(with_both, ["moco", "simclr"], [3], targets=["a"]) == text
    # those of another lens are not in the figure
    longer = [entry | {"lens": "quantity", "source": "a-400", "steps": 5000} for entry in three]
    of_two = evidence_of(tmp_path, [*three, *longer])
    shown = {"targets": ["a"], "lens": "domain"}
    assert footer.text(of_two, ["moco", "simclr"], [3], **shown) == text
    assert "1,250 to 5,000 steps" in footer.text(of_two, ["simclr"], [3], targets=["a"])
    one = evidence_of(tmp_path, seeds(50.0), prior_sd=0.9)
    text = footer.text(one, ["simclr"], [1], targets=["a"], intervals="whiskers")
    assert text.startswith("planted · SimCLR, ResNet-18 · 1 seed · 5,000 test images · whiskers: ")
    assert (
        "one seed: whiskers widened by a standard deviation over seeds of 0.9 points at 50 %, less "
        "towards 0 and 100 %, which is stated and not measured (findings.seed_sd); read as a lean."
        in text
    )
    pooled = evidence_of(
        tmp_path,
        [
            *three,
            *(entry | {"target": "b", "n_test": 700} for entry in three),
            *(entry | {"target": "c"} for entry in seeds(50.0)),
        ],
    )
    text = footer.text(pooled, ["simclr"], [3, 1], targets=["a", "b"])
    assert "1 to 3 seeds · 700 to 5,000 test images" in text
    assert "hatched bands widened" in text
    assert "pooled over 4 cells of the study; read as a lean" in text
    two = footer.text(pooled, ["simclr"], [2], targets=["a"])
    assert two.endswith("Fewer than 3 seeds: read as a lean.")


@style.context()
def test_the_strip_below_makes_room_for_itself_and_moves_no_legend_into_it():
    figure = style.new_figure(1, height=2.0)
    figure.subplots().plot([0, 1], label="line")
    legend = figure.legend(loc="outside lower center")
    line = (
        "a line that is long enough to be wrapped into more than one below a figure of one column, "
    )
    footer.write(figure, line * 2)
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
