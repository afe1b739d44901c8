"""Differences that the domain, quality and granularity figures draw, against numbers planted in the table."""

import numpy as np
import pandas as pd
import pytest

from fourlenses import findings
from fourlenses.analysis.contrasts import Evidence
from fourlenses.analysis.table import read_metrics
from fourlenses.core.errors import UserError
from fourlenses.findings import Thresholds
from fourlenses.lenses.domain import figure as domain
from fourlenses.lenses.domain import pools as domain_pools
from fourlenses.lenses.domain import similarity as domain_similarity
from fourlenses.lenses.granularity import figure as granularity
from fourlenses.lenses.granularity import gap as granularity_gap
from fourlenses.lenses.quality import figure as quality
from fourlenses.lenses.quality import severity as quality_severity
from fourlenses.plotting import hollow
from tests.helpers import synthetic_metrics as synthetic
from tests.helpers.synthetic_metrics import row


def evidence_of(tmp_path, rows):
    return Evidence.of(read_metrics(synthetic.write(tmp_path / "metrics.csv", rows)))


def one(numbers, **wanted):
    for column, value in wanted.items():
        numbers = numbers[numbers[column] == value]
    assert len(numbers) == 1
    return numbers.iloc[0]


def matrix(seed=0, shift=0.0):
    """Three datasets on each other, 100 images each; a is near b and far from c. Half-widths 1."""
    top1 = {
        "aa": 60,
        "ba": 55,
        "ca": 40,
        "bb": 70,
        "ab": 66,
        "cb": 50,
        "cc": 80,
        "ac": 60,
        "bc": 62,
    }
    return [
        row("domain", "simclr", f"{pair[0]}-100", pair[1], value + shift, seed=seed)
        for pair, value in top1.items()
    ]


def test_every_other_domain_is_held_against_as_many_own_images(tmp_path):
    figure, numbers = domain_pools.draw(evidence_of(tmp_path, matrix()))
    found = numbers[numbers["comparison"] == "domain"]
    assert {(pair.target, pair.source): pair.difference for pair in found.itertuples()} == {
        ("a", "b-100"): -5.0,
        ("a", "c-100"): -20.0,
        ("b", "a-100"): -4.0,
        ("b", "c-100"): -20.0,
        ("c", "a-100"): -20.0,
        ("c", "b-100"): -18.0,
    }
    assert len(numbers) == 6
    assert len(figure.axes) == 3
    labels = [
        tick.get_text().replace("\N{NO-BREAK SPACE}", " ")
        for tick in figure.axes[0].get_yticklabels()
    ]
    assert labels == [domain_pools.HEADS["domain"], "a 100", "b 100", "c 100"]


def test_figure_and_finding_show_the_same_comparisons(tmp_path):
    rows = [
        *matrix(),
        *(row("domain", "simclr", "a-50+b-50", target, 58.0) for target in "ab"),
        row("domain", "simclr", "a-50", "a", 51.0),
    ]
    evidence = evidence_of(
        tmp_path, [entry | {"seed": seed} for seed in range(3) for entry in rows]
    )
    drawn = (
        domain_pools.draw(evidence)[1].groupby("comparison")["difference"].apply(sorted).to_dict()
    )
    stated = {
        one.finding: sorted(pair["estimate"] for pair in one.evidence)
        for one in findings.evaluate(evidence, Thresholds())
        if one.evidence
    }
    assert drawn == {
        part: pytest.approx(stated[part]) for part in ("domain", "domain_pool", "domain_added")
    }


def test_pools_are_held_against_as_many_own_images_and_against_their_share_of_them(tmp_path):
    """Equal epochs: the share alone was trained for half as long, so that the comparison is marked."""
    steps = {"a-50": 50}
    rows = [
        *matrix(),
        row("domain", "simclr", "a-50+b-50", "a", 58.0),
        row("quantity", "simclr", "a-50", "a", 51.0),
    ]
    rows.append(
        row("domain", "simclr", "a-100+b-100", "a", 63.0)
    )  # nothing in-domain of 200 images
    figure, numbers = domain_pools.draw(
        evidence_of(
            tmp_path, [entry | {"steps": steps.get(entry["source"], 100)} for entry in rows]
        )
    )
    pools = numbers[numbers["source"].str.contains("+", regex=False)]
    found = {
        (pool.source, pool.comparison): (pool.reference, pool.difference, pool.confounded)
        for pool in pools.itertuples()
    }
    assert found == {
        ("a-50+b-50", "domain_pool"): ("a-100", -2.0, ""),
        ("a-50+b-50", "domain_added"): (
            "a-50",
            7.0,
            "100 steps against 50: more images and more training at once",
        ),
        ("a-100+b-100", "domain_added"): ("a-100", 3.0, ""),
    }
    assert domain_pools.CONFOUNDED in [text.get_text() for text in figure.legends[0].get_texts()]


def test_encoders_side_by_side_are_held_against_each_and_two_seeds_of_one_are_their_control(
    tmp_path,
):
    rows = []
    for seed in range(3):
        rows += matrix(seed)
        rows.append(
            row("domain", "simclr", "a-100~c-100", "a", 61.0, pretrain_images=200, seed=seed)
        )
        rows.append(row("domain", "supervised", "c-100", "a", 52.0, seed=seed))
        rows.append(
            row(
                "domain",
                "simclr",
                "a-100~c-100.supervised",
                "a",
                64.0,
                pretrain_images=200,
                seed=seed,
            )
        )
        # of each seed its own next one
        rows.append(
            row(
                "domain",
                "simclr",
                f"a-100 | a-100.seed{(seed + 1) % 3}",
                "a",
                62.0 + seed,
                pretrain_images=200,
                seed=seed,
            )
        )
    evidence = evidence_of(tmp_path, rows)
    figure, numbers = domain_pools.draw(evidence)
    fused = numbers[numbers["comparison"] == "domain_fused"]
    assert list(zip(fused["source"], fused["reference"], fused["difference"], strict=True)) == [
        ("a-100~c-100", "a-100", 1.0),
        ("a-100~c-100", "c-100", 21.0),
        ("a-100~c-100.supervised", "a-100", 4.0),
        ("a-100~c-100.supervised", "c-100", 12.0),
    ]
    control = one(numbers, comparison="domain_fused_control")
    assert (control["difference"], control["seeds"]) == (3.0, 3)
    labels = [
        tick.get_text().replace("\N{NO-BREAK SPACE}", " ").replace("\n", " ")
        for tick in figure.axes[0].get_yticklabels()
    ]
    assert labels[-1] == "control: a 100 | a 100 (another seed) minus a 100"
    assert one(domain.draw(evidence)[1], source="a-100~a-100.seed")["top1"] == 63.0


def test_differences_pair_by_seed(tmp_path):
    """Seeds that lie 10 points apart on both sides alike add nothing to the interval of a difference."""
    numbers = domain_pools.draw(evidence_of(tmp_path, [*matrix(0), *matrix(1, 10.0)]))[1]
    best = one(numbers, target="a", source="b-100")
    assert (best["difference"], best["seeds"]) == (-5.0, 2)
    assert best["high"] - best["low"] < 5.0


def test_a_study_of_one_dataset_says_in_words_that_there_is_nothing_to_compare(tmp_path):
    figure, numbers = domain_pools.draw(
        evidence_of(tmp_path, [row("domain", "simclr", "a-all", "a", 50.0)])
    )
    assert numbers.empty
    assert "nothing to compare" in figure.axes[0].texts[0].get_text().replace("\n", " ")


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
    assert one(numbers, source="c-100", target="a")["behind"] == 20.0
    assert one(numbers, source="c-100", target="a")["frechet"] == 5.0
    # ranks of the losses 5, 4 (a, b), 20, 18 (b, c), 20, 20 (a, c) and of the distances
    behind, frechet = [2, 1, 5, 3, 5, 5], [1.5, 1.5, 3.5, 3.5, 5.5, 5.5]
    expected = pd.Series(behind).corr(pd.Series(frechet))
    assert numbers["frechet_spearman"].iloc[0] == pytest.approx(expected)
    # of the six exchanges of names, none gives this correlation, and the one that turns the order of the three distances round its negative
    assert numbers["frechet_p"].iloc[0] == pytest.approx(2 / 6)
    assert f"{expected:.2f}" in figure.axes[0].get_title(loc="left")


def test_the_p_value_of_noise_is_spread_evenly(tmp_path):
    """Over all ways to give three distances to the pairs, which is what no relation means, p <= x comes about in at most a share x."""
    found = []
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
        found.append(
            domain_similarity.numbers_drawn(evidence_of(tmp_path, matrix()), given)[
                "frechet_p"
            ].iloc[0]
        )
    assert sum(p <= 1 / 3 + 1e-9 for p in found) == 2
    assert sum(p <= 2 / 3 + 1e-9 for p in found) <= 4


def test_two_datasets_have_no_correlation_but_are_drawn(tmp_path):
    rows = [entry for entry in matrix() if "c" not in (entry["source"][0], entry["target"])]
    figure, numbers = domain_similarity.draw(evidence_of(tmp_path, rows), similarity(ab=1.0))
    assert len(numbers) == 2
    assert numbers["frechet_p"].isna().all()
    assert "too few" in figure.axes[0].get_title(loc="left")


def test_a_similarity_table_that_is_none_is_named(tmp_path):
    with pytest.raises(UserError, match=r"similarity\.csv does not exist; run snakemake"):
        domain_similarity.read_similarity(tmp_path / "similarity.csv")
    (tmp_path / "similarity.csv").write_text("source,target,seed\n")
    with pytest.raises(
        UserError, match=r"similarity\.csv lacks the column frechet, proxy_a_distance"
    ):
        domain_similarity.read_similarity(tmp_path / "similarity.csv")


def corrupted(method, **tops):
    return [
        row("quality", method, "a-100" + (f"@{name}" if name != "none" else ""), "a", top1)
        for name, top1 in tops.items()
    ]


def test_severities_of_a_family_make_a_curve_whatever_they_are_called(tmp_path):
    rows = corrupted(
        "simclr", none=60.0, downsample2=58.0, downsample4=50.0, downsample_s5=35.0, jpeg10=52.0
    )
    rows += corrupted(
        "supervised", none=70.0, downsample2=69.0, downsample4=66.0, blur_s1=60.0, blur_s2=59.0
    )
    figure, numbers = quality_severity.draw(evidence_of(tmp_path, rows))
    curve = numbers[(numbers["family"] == "downsample") & (numbers["method"] == "simclr")]
    assert list(zip(curve["severity"], curve["parameter"], curve["drop"], strict=True)) == [
        (1, 2, 2.0),
        (3, 4, 10.0),
        (5, 8, 25.0),
    ]
    assert set(zip(numbers["family"], numbers["method"], strict=True)) == {
        ("downsample", "simclr"),
        ("downsample", "supervised"),
        ("blur", "supervised"),
    }
    assert [axes.get_title() for axes in figure.axes] == ["downsample", "blur"]


def test_without_two_severities_a_sentence_says_what_to_ask_for(tmp_path):
    figure, numbers = quality_severity.draw(
        evidence_of(tmp_path, corrupted("simclr", none=60.0, jpeg10=52.0, downsample2=58.0))
    )
    assert numbers.empty
    assert "corruptions: [blur_s1" in figure.axes[0].texts[0].get_text().replace("\n", " ")


def hierarchy(method, target, tops, **more):
    levels = ("top", "middle", "fine")[-len(tops) :]
    source = f"{target}-100"
    return [
        row("granularity", method, source, target, top, level=level, **more)
        for level, top in zip(levels, tops, strict=True)
    ]


def test_gaps_of_all_targets_lie_between_coarsest_and_finest(tmp_path):
    rows = [
        *hierarchy("simclr", "a", (90.0, 70.0, 40.0)),
        *hierarchy("supervised", "a", (92.0, 78.0, 60.0), protocol="scratch"),
    ]
    rows += [
        *hierarchy("simclr", "b", (50.0,)),
        *hierarchy("supervised", "b", (45.0,), protocol="scratch"),
    ]
    figure, numbers = granularity_gap.draw(evidence_of(tmp_path, rows))
    assert list(zip(numbers["target"], numbers["depth"], numbers["gap"], strict=True)) == [
        ("a", 0.0, 2.0),
        ("a", 0.5, 8.0),
        ("a", 1.0, 20.0),
        ("b", 1.0, -5.0),
    ]
    # log-odds of 92 % minus those of 90 %, of 5,000 images
    assert numbers["log_odds_gap"][0] == pytest.approx(
        np.log(0.92 / 0.08) - np.log(0.9 / 0.1), abs=1e-3
    )
    assert (
        (numbers["log_odds_gap_low"] < numbers["log_odds_gap"])
        & (numbers["log_odds_gap"] < numbers["log_odds_gap_high"])
    ).all()
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "supervised minus SimCLR, points",
        "supervised minus SimCLR, log-odds",
    ]


def test_levels_of_fewer_than_three_labels_have_no_gap(tmp_path):
    labels = {"top": 2, "middle": 10, "fine": 100}
    rows = [
        *hierarchy("simclr", "a", (90.0, 70.0, 40.0)),
        *hierarchy("supervised", "a", (92.0, 78.0, 60.0), protocol="scratch"),
    ]
    numbers = granularity_gap.numbers_drawn(
        evidence_of(tmp_path, [entry | {"n_classes": labels[entry["level"]]} for entry in rows])
    )
    assert list(zip(numbers["level"], numbers["depth"], strict=True)) == [
        ("middle", 0.0),
        ("fine", 1.0),
    ]


def test_supervised_is_the_better_of_scratch_and_of_a_linear_classifier_on_as_many_labels(tmp_path):
    own = [
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
        evidence_of(tmp_path, [*own, *scratch, *features, *more_labels])
    )
    assert list(numbers[numbers["method"] == "simclr"]["gap"]) == [14.0, 15.0]
    assert "supervised (linear)" in [text.get_text() for text in figure.legends[0].get_texts()]
    numbers = granularity.numbers_drawn(evidence_of(tmp_path, [*own, *scratch, *more_labels]))
    assert list(numbers[numbers["method"] == "simclr"]["gap"]) == [10.0, 10.0]


def test_without_supervised_encoders_a_sentence_says_so(tmp_path):
    figure, numbers = granularity_gap.draw(
        evidence_of(tmp_path, hierarchy("simclr", "a", (90.0, 40.0)))
    )
    assert numbers.empty
    assert "no gap" in figure.axes[0].texts[0].get_text().replace("\n", " ")


def test_levels_keep_their_order_where_one_evaluation_begins_with_the_finest(tmp_path):
    supervised = hierarchy("supervised", "a", (92.0, 78.0, 60.0), protocol="scratch")
    rows = [
        supervised[2] | {"lens": "domain;granularity"},
        *supervised[:2],
        *hierarchy("simclr", "a", (90.0, 70.0, 40.0)),
    ]
    numbers = granularity.numbers_drawn(evidence_of(tmp_path, rows))
    assert list(numbers[numbers["method"] == "simclr"]["level"]) == ["top", "middle", "fine"]


def paper_like(protocol):
    rows = [
        row("domain", "simclr", "imagenet-1000000", "inat21", 30.0),
        row("domain", "simclr", "imagenet-100", "inat21", 20.0),
    ]
    rows += [
        row("quality", "simclr", f"imagenet-100{ending}", "imagenet", 50.0)
        for ending in ("", "@downsample4", "@blur")
    ]
    rows += [
        row("granularity", "simclr", "inat21-100", "inat21", 90.0, level=level)
        for level in ("kingdom", "fine")
    ]
    rows = [entry | {"protocol": protocol} for entry in rows]
    return [
        *rows,
        row(
            "granularity",
            "supervised",
            "inat21-100",
            "inat21",
            95.0,
            level="kingdom",
            protocol="scratch_published",
        ),
    ]


def test_the_papers_numbers_lie_under_those_of_its_datasets_and_its_protocol(tmp_path):
    evidence = evidence_of(tmp_path, paper_like("linear_augmented"))
    cells = domain.draw(evidence)[1]
    assert one(cells, source="imagenet-1000000")["published_top1"] == 37.3  # table 1
    assert pd.isna(one(cells, source="imagenet-100")["published_top1"])
    figure, bars = quality.draw(evidence)
    assert one(bars, corruption="downsample4")["published_drop"] == pytest.approx(34.1)  # figure 4
    assert pd.isna(one(bars, corruption="blur")["published_drop"])
    assert hollow.LABEL in {text.get_text() for text in figure.legends[0].get_texts()}
    numbers = granularity.numbers_drawn(evidence)
    kingdom = one(numbers, method="simclr", level="kingdom")
    assert (kingdom["published_top1"], kingdom["published_gap"]) == (
        97.5,
        pytest.approx(98.8 - 97.5),
    )  # figure 5
    assert pd.isna(one(numbers, method="simclr", level="fine")["published_top1"])


def test_another_protocol_has_no_hollow_markers(tmp_path):
    evidence = evidence_of(tmp_path, paper_like("linear"))
    assert domain.draw(evidence)[1]["published_top1"].isna().all()
    assert quality.draw(evidence)[1]["published_drop"].isna().all()
    assert granularity.draw(evidence)[1].query("method == 'simclr'")["published_top1"].isna().all()


def test_where_both_protocols_were_run_the_papers_number_stands_beside_its_own(tmp_path):
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


def test_studies_of_other_datasets_have_no_hollow_markers(tmp_path):
    figure, bars = quality.draw(evidence_of(tmp_path, corrupted("simclr", none=60.0, jpeg10=52.0)))
    assert bars["published_drop"].isna().all()
    assert hollow.LABEL not in {text.get_text() for text in figure.legends[0].get_texts()}
