"""Transfer against the distance of domains."""

from itertools import pairwise

import pandas as pd
import pytest

from fourlenses.core.errors import UserError
from fourlenses.lenses.domain import similarity as domain_similarity
from tests.helpers.figures import evidence_of, matrix, only
from tests.helpers.synthetic_metrics import row


def similarity(**distances):
    rows = [
        {"source": a, "target": b, "seed": 0, "frechet": d, "proxy_a_distance": min(d, 2)}
        for (a, b), d in distances.items()
    ]
    return pd.DataFrame(
        rows + [{**entry, "source": entry["target"], "target": entry["source"]} for entry in rows]
    )


def test_transfer_against_distance_and_how_well_ranks_agree(tmp_path):
    figure, numbers = domain_similarity.draw(
        evidence_of(tmp_path, matrix()), similarity(ab=1.0, bc=4.0, ac=5.0)
    )
    assert only(numbers, source="c-100", target="a")["against"] == -20.0
    assert only(numbers, source="c-100", target="a")["frechet"] == 5.0
    # ranks of -5, -4 (a, b), -20, -18 (b, c), -20, -20 (a, c) and of the distances
    against, frechet = [5, 6, 2, 4, 2, 2], [1.5, 1.5, 3.5, 3.5, 5.5, 5.5]
    expected = pd.Series(against).corr(pd.Series(frechet))
    assert numbers["frechet_spearman"].iloc[0] == pytest.approx(expected)
    # of the six permutations of names the identity gives this correlation, and one reverses
    # the order of the three distances, which gives its negative
    assert numbers["frechet_p"].iloc[0] == pytest.approx(2 / 6)
    assert f"{expected:.2f}" in figure.axes[0].get_title(loc="left")


def test_points_of_one_distance_can_all_be_counted_and_stay_near_it(tmp_path):
    figure, numbers = domain_similarity.draw(
        evidence_of(tmp_path, matrix()), similarity(ab=1.0, bc=4.0, ac=4.01)
    )
    axes = figure.axes[0]
    points = [line for line in axes.lines if len(line.get_xdata()) == 1][: len(numbers)]
    across = sorted(axes.transData.transform((line.get_xdata()[0], 0))[0] for line in points)
    width = points[0].get_markersize() * figure.dpi / 72
    assert len(across) == len(numbers) == 6
    assert all(right - left > 0.9 * width for left, right in pairwise(across))
    moved = [
        abs(line.get_xdata()[0] - x) for line, x in zip(points, numbers["frechet"], strict=False)
    ]
    assert 0 < max(moved) < 0.08 * 3.01
    words = " ".join(" ".join(text.get_text() for text in figure.texts).split())
    assert domain_similarity.NEXT in words


def test_points_of_the_only_distance_stay_near_it_within_their_panel(tmp_path):
    figure, numbers = domain_similarity.draw(
        evidence_of(tmp_path, matrix()), similarity(ab=112.0, bc=112.0, ac=112.0)
    )
    axes = figure.axes[0]
    low, high = axes.get_xlim()
    across = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
    assert len(numbers) == 6
    assert all(abs(x - 112) < 0.1 * (high - low) for x in across[: len(numbers)])
    assert len(set(across)) == len(across)


def test_a_point_that_has_room_is_not_said_to_be_moved(tmp_path):
    """Half a step less and half a step more is not always the same in the last bit."""
    rows = [
        row("domain", "simclr", f"{source}-100", target, 40.0)
        for source, target in (("a", "a"), ("b", "a"))
    ]
    for distance in (0.001, 0.005, 0.3, 112.281):
        figure, numbers = domain_similarity.draw(
            evidence_of(tmp_path, rows), similarity(ab=distance)
        )
        assert len(numbers) == 1
        assert domain_similarity.NEXT not in " ".join(text.get_text() for text in figure.texts)


def test_the_p_value_of_noise_is_spread_evenly(tmp_path):
    """Over all ways to give three distances to the pairs, p <= x in at most a share x of them."""
    p_values = []
    for order in range(6):
        distances = [
            (1.0, 4.0, 5.0),
            (1.0, 5.0, 4.0),
            (4.0, 1.0, 5.0),
            (4.0, 5.0, 1.0),
            (5.0, 1.0, 4.0),
            (5.0, 4.0, 1.0),
        ][order]
        given = similarity(**dict(zip(("ab", "bc", "ac"), distances, strict=True)))
        p_values.append(
            domain_similarity.numbers_drawn(evidence_of(tmp_path, matrix()), given)[
                "frechet_p"
            ].iloc[0]
        )
    assert sum(p <= 1 / 3 + 1e-9 for p in p_values) == 2
    assert sum(p <= 2 / 3 + 1e-9 for p in p_values) <= 4


def test_two_datasets_have_no_correlation_but_are_drawn(tmp_path):
    rows = [entry for entry in matrix() if "c" not in (entry["source"][0], entry["target"])]
    figure, numbers = domain_similarity.draw(evidence_of(tmp_path, rows), similarity(ab=1.0))
    assert len(numbers) == 2
    assert numbers["frechet_p"].isna().all()
    assert "too few" in figure.axes[0].get_title(loc="left")


def test_a_similarity_table_that_is_none_is_named(tmp_path):
    with pytest.raises(UserError, match=r"similarity\.csv does not exist; run snakemake"):
        domain_similarity.read_table(tmp_path / "similarity.csv")
    (tmp_path / "similarity.csv").write_text("source,target,seed\n")
    with pytest.raises(
        UserError, match=r"similarity\.csv lacks the column frechet, proxy_a_distance"
    ):
        domain_similarity.read_table(tmp_path / "similarity.csv")
