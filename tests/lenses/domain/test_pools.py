"""Differences between sources, against numbers planted in the table."""

import pytest

from fourlenses.findings.thresholds import Thresholds
from fourlenses.lenses import conclusions
from fourlenses.lenses.domain import figure as domain
from fourlenses.lenses.domain import pools as domain_pools
from tests.helpers.figures import evidence_of, matrix, only
from tests.helpers.synthetic_metrics import row


def test_every_other_domain_is_compared_with_as_many_own_images(tmp_path):
    figure, numbers = domain_pools.draw(evidence_of(tmp_path, matrix()))
    pairs = numbers[numbers["comparison"] == "domain"]
    assert {(pair.target, pair.source): pair.difference for pair in pairs.itertuples()} == {
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
        finding.finding: sorted(pair.number.estimate for pair in finding.evidence)
        for finding in conclusions.evaluate(evidence, Thresholds())
        if finding.evidence
    }
    assert drawn == {
        part: pytest.approx(stated[part]) for part in ("domain", "domain_pool", "domain_added")
    }


def test_pools_are_compared_with_as_many_own_images_and_with_their_share(tmp_path):
    """At equal epochs the share alone is trained for half as long, which marks the comparison."""
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
    drawn = {
        (pool.source, pool.comparison): (pool.reference, pool.difference, pool.reason)
        for pool in pools.itertuples()
    }
    assert drawn == {
        ("a-50+b-50", "domain_pool"): ("a-100", -2.0, ""),
        ("a-50+b-50", "domain_added"): (
            "a-50",
            7.0,
            "100 steps against 50: more images and more training at once",
        ),
        ("a-100+b-100", "domain_added"): ("a-100", 3.0, ""),
    }
    assert domain_pools.EXCLUDED["confounded"] in [
        text.get_text() for text in figure.legends[0].get_texts()
    ]


def test_concatenated_encoders_minus_each_with_two_seeds_as_control(
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
    concatenated = numbers[numbers["comparison"] == "domain_concatenated"]
    assert list(
        zip(
            concatenated["source"],
            concatenated["reference"],
            concatenated["difference"],
            strict=True,
        )
    ) == [
        ("a-100~c-100", "a-100", 1.0),
        ("a-100~c-100", "c-100", 21.0),
        ("a-100~c-100.supervised", "a-100", 4.0),
        ("a-100~c-100.supervised", "c-100", 12.0),
    ]
    assert set(concatenated["excluded"]) == {""}
    # the rule of finding 2: where neither side is above the floor nothing is said of either
    untrained = evidence_of(tmp_path, [*rows, row("domain", "random", "none", "a", 63.0)])
    excluded = domain_pools.draw(untrained)[1]
    excluded = excluded[excluded["comparison"] == "domain_concatenated"]
    assert set(excluded["excluded"]) == {"not trained enough to tell"}
    control = only(numbers, comparison="domain_concatenated_control")
    assert (control["difference"], control["seeds"]) == (3.0, 3)
    labels = [
        tick.get_text().replace("\N{NO-BREAK SPACE}", " ").replace("\n", " ")
        for tick in figure.axes[0].get_yticklabels()
    ]
    assert labels[-1] == "control: a 100 & a 100 (another seed) minus a 100"
    assert only(domain.draw(evidence)[1], source="a-100~a-100.seed")["top1"] == 63.0


def test_differences_pair_by_seed(tmp_path):
    """Seeds 10 points apart, on both sides alike, add nothing to the interval of a difference."""
    numbers = domain_pools.draw(evidence_of(tmp_path, [*matrix(0), *matrix(1, 10.0)]))[1]
    best = only(numbers, target="a", source="b-100")
    assert (best["difference"], best["seeds"]) == (-5.0, 2)
    assert best["high"] - best["low"] < 5.0


def test_a_study_of_one_dataset_has_nothing_to_draw(tmp_path):
    figure, numbers = domain_pools.draw(
        evidence_of(tmp_path, [row("domain", "simclr", "a-all", "a", 50.0)])
    )
    assert numbers.empty
    assert figure is None


def test_encoders_that_are_not_trained_enough_are_hollow_and_grey(tmp_path):
    rows = [*matrix(), row("domain", "random", "none", "a", 58.0)]
    figure, numbers = domain_pools.draw(evidence_of(tmp_path, rows))
    assert set(numbers.loc[numbers["target"] == "a", "excluded"]) == {"not trained enough to tell"}
    assert set(numbers.loc[numbers["target"] == "b", "excluded"]) == {""}
    squares = [line for line in figure.axes[0].lines if line.get_marker() == "s"]
    assert {line.get_markerfacecolor() for line in squares} == {"white"}
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["not trained enough to tell"]
    loose = domain_pools.draw(evidence_of(tmp_path, rows), trained_margin=0.0)[1]
    assert set(loose.loc[loose["source"] == "b-100", "excluded"]) == {
        "",
        "not trained enough to tell",
    }
