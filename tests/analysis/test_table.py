"""What the figures' table refuses, and how it finds the finest level."""

from pathlib import Path

import pytest

from fourlenses.analysis import table
from fourlenses.study import names
from tests.helpers import synthetic_metrics as synthetic
from tests.helpers.synthetic_metrics import row

RESULTS = Path(__file__).parents[2] / "results"


def read(tmp_path, rows):
    return table.read_metrics(synthetic.write(tmp_path / "metrics.csv", rows))


def test_a_missing_column_is_named_with_the_file(tmp_path):
    path = tmp_path / "short.csv"
    path.write_text("study,lens\ndemo,domain\n")
    with pytest.raises(
        ValueError,
        match=r"short.csv lacks the column method, .*found: study, lens\); write it again",
    ):
        table.read_metrics(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"top1": "much"}, "has 'much' in column top1, row 3; write a number"),
        ({"top1": 140.0}, "has 140.0 in column top1, row 3; accuracies are percent"),
        ({"top1_low": ""}, "has '' in column top1_low, row 3"),
        (
            {"method": "dino"},
            "has 'dino' in column method; the figures know simclr, moco, byol, simsiam",
        ),
        (
            {"is_finest": "True"},
            "has 'True' in column is_finest, row 3; allowed: true, false or empty",
        ),
        (
            {"not_converged": "yes"},
            "has 'yes' in column not_converged, row 3; allowed: pretraining, training",
        ),
        ({"chance": "low"}, "has 'low' in column chance, row 3; write a number"),
        ({"backbone": "resnet50"}, "mixes resnet18, resnet50 in column backbone"),
        ({"study": "other"}, "mixes other, planted in column study"),
        ({}, r"answers one question twice \(rows 2 and 3 agree"),
    ],
)
def test_a_table_that_would_mislead_is_refused(tmp_path, change, message):
    first = row("domain", "simclr", "a-100", "a", 40.0)
    with pytest.raises(ValueError, match=rf"metrics.csv {message}"):
        read(tmp_path, [first, first | change])


def test_files_that_are_no_tables_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"absent\.csv does not exist; run the evaluations"):
        table.read_metrics(tmp_path / "absent.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(ValueError, match=r"empty\.csv is not a table"):
        table.read_metrics(tmp_path / "empty.csv")


def test_a_lens_without_rows_is_named_with_those_found(tmp_path):
    metrics = read(tmp_path, [row("domain; quality", "simclr", "a-100", "a", 40.0)])
    assert len(table.rows_for(metrics, "quality")) == 1
    with pytest.raises(
        ValueError,
        match=r"metrics.csv has no row for the lens quantity \(lenses found: domain, quality\); add quantity",
    ):
        table.rows_for(metrics, "quantity")


def test_none_is_a_name_and_not_a_missing_value(tmp_path):
    metrics = read(tmp_path, [row("domain", "random", "none", "NA", 40.0)])
    assert (metrics["source"][0], metrics["target"][0]) == ("none", "NA")


def test_the_finest_level_is_the_one_that_other_lenses_use(tmp_path):
    rows = [
        row("granularity", "simclr", "a-100", "a", 30.0, level=level) for level in ("x", "y", "z")
    ]
    rows += [row("domain", "simclr", "b-100", "a", 60.0, level="y")]
    rows += [
        row("granularity", "simclr", "b-100", "b", top1, level=level)
        for level, top1 in (("x", 30.0), ("y", 20.0), ("z", 25.0))
    ]
    assert table.finest_levels(read(tmp_path, rows)) == {"a": "y", "b": "y"}


def test_what_the_table_says_of_levels_comes_before_any_guess(tmp_path):
    """Guessed, y would be the finest level, since another lens looks at it; and the order that of the rows."""
    described = {"z": (1, "false"), "x": (2, "true"), "y": (0, "false")}
    rows = [
        row(
            "granularity",
            "simclr",
            "a-100",
            "a",
            30.0,
            level=level,
            level_depth=depth,
            is_finest=finest,
        )
        for level, (depth, finest) in described.items()
    ]
    rows += [
        row("domain", "simclr", "b-100", "a", 60.0, level="y", level_depth=0, is_finest="false")
    ]
    metrics = read(tmp_path, rows)
    assert table.finest_levels(metrics) == {"a": "x"}
    assert table.levels_in_order(metrics) == ["y", "z", "x"]
    assert metrics["is_finest"].tolist() == [False, True, False, False]
    assert set(table.at_finest(metrics, metrics)["level"]) == {"x"}


def test_a_table_of_an_earlier_version_has_the_columns_with_what_is_known(tmp_path):
    rows = [
        row("granularity", "simclr", "a-100", "a", 30.0, level=level)
        for level in ("coarse", "fine")
    ]
    rows += [row("domain", "simclr", "b-100", "a", 60.0, level="fine")]
    metrics = read(tmp_path, rows)
    assert metrics["is_finest"].tolist() == [False, True, True]
    assert metrics["is_finest"].dtype == bool
    assert metrics["not_converged"].tolist() == [""] * 3
    for column in ("image_size", "n_classes", "chance", "level_depth", "training_steps"):
        assert metrics[column].isna().all()
    assert table.levels_in_order(metrics) == ["coarse", "fine"]


@pytest.mark.parametrize("study", ["real_mini", "real_protocols", "real_quick"])
def test_the_tables_in_the_repository_are_read(study):
    metrics = table.read_metrics(RESULTS / study / "metrics.csv")
    finest = metrics.groupby("target")["level"].agg(
        lambda levels: table.levels_in_order(metrics.loc[levels.index])[-1]
    )
    assert finest.to_dict() == table.finest_levels(metrics)
    assert (metrics["is_finest"] == (metrics["level"] == metrics["target"].map(finest))).all()


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("imagenet-250000+places365-1281167", "ImageNet 250k + Places365 1.28M"),
        ("imagenet-1000000@jpeg10", "ImageNet 1M"),
        ("imagenet-500@jpeg10+glc20-250@jpeg10", "ImageNet 500 + GLC20 250"),
        ("my-own-set-900", "my-own-set 900"),
        ("none", "none"),
    ],
)
def test_sources_are_shown_readably(source, shown):
    assert names.source(source) == shown


def test_in_domain_means_nothing_but_the_targets_own_images():
    assert names.is_in_domain("a-100@blur", "a")
    assert not names.is_in_domain("a-50+b-50", "a")
    assert not names.is_in_domain("a-50@blur+b-50@blur", "a")
    assert not names.is_in_domain("ab-100", "a")
    assert not names.is_in_domain("none", "a")
