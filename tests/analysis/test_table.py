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


def test_encoders_from_elsewhere_may_have_another_backbone(tmp_path):
    """So do those continued from one, and concatenations with one; figures name the study's own."""
    pretrained = row("domain", "simclr", "a-100", "a", 40.0)
    others = [
        row("domain", "external", "rn50", "a", 60.0, backbone="torchvision:resnet50"),
        row("domain", "simclr", "a-100.from_rn50", "a", 61.0, backbone="torchvision:resnet50"),
        row("domain", "simclr", "a-100~rn50.external", "a", 62.0, backbone="resnet18~resnet50"),
    ]
    metrics = read(tmp_path, [pretrained, *others])
    assert list(table.own_encoders(metrics)["source"]) == ["a-100"]
    external = metrics[metrics["method"] == "external"]
    assert table.own_encoders(external).equals(external)  # where there are no others


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
        match=r"has no row for the lens quantity \(lenses found: domain, quality\); add quantity",
    ):
        table.rows_for(metrics, "quantity")


def test_none_is_a_name_and_not_a_missing_value(tmp_path):
    metrics = read(tmp_path, [row("domain", "random", "none", "NA", 40.0)])
    assert (metrics["source"][0], metrics["target"][0]) == ("none", "NA")


def finest(metrics):
    rows = metrics[metrics["is_finest"]]
    return dict(zip(rows["target"], rows["level"], strict=True))


def levels(metrics, target):
    return table.levels_in_order(metrics[metrics["target"] == target])


def of_levels(target, top1s, lens="granularity", **more):
    """A row per level of one encoder on one target."""
    return [
        row(lens, "simclr", "a-100", target, top1, level=level, **more)
        for level, top1 in top1s.items()
    ]


def test_in_a_former_table_the_finest_level_is_the_one_that_other_lenses_use(tmp_path):
    rows = of_levels("a", {"x": 30.0, "y": 30.0, "z": 30.0})
    rows += [row("domain", "simclr", "b-100", "a", 60.0, level="y")]
    rows += of_levels("b", {"x": 30.0, "y": 20.0, "z": 25.0})
    assert finest(read(tmp_path, rows)) == {"a": "y", "b": "y"}


def test_in_a_former_table_coarser_levels_are_ordered_by_accuracy(tmp_path):
    rows = of_levels("a", {"fine": 30.0, "middle": 50.0, "coarse": 70.0})
    rows += [row("domain", "simclr", "b-100", "a", 60.0, level="fine")]
    # an encoder without the coarsest level says nothing of the order
    rows += [row("granularity", "simclr", "c-100", "a", 99.0, level="middle")]
    metrics = read(tmp_path, rows)
    assert levels(metrics, "a") == ["coarse", "middle", "fine"]
    assert metrics["level_depth"].notna().all()


def test_what_the_table_says_of_levels_comes_before_any_guess(tmp_path):
    """Guessed, y would be the finest level, as another lens uses it, and x and z alike."""
    described = {"z": (1, "false"), "x": (2, "true"), "y": (0, "false")}
    rows = []
    for level, (depth, is_finest) in described.items():
        rows += of_levels("a", {level: 30.0}, level_depth=depth, is_finest=is_finest)
    rows += [
        row("domain", "simclr", "b-100", "a", 60.0, level="y", level_depth=0, is_finest="false")
    ]
    metrics = read(tmp_path, rows)
    assert finest(metrics) == {"a": "x"}
    assert levels(metrics, "a") == ["y", "z", "x"]
    assert set(table.at_finest(metrics)["level"]) == {"x"}


def test_a_table_of_an_earlier_version_has_the_columns_with_what_is_known(tmp_path):
    rows = of_levels("a", {"coarse": 60.0, "fine": 30.0})
    rows += [row("domain", "simclr", "b-100", "a", 60.0, level="fine")]
    metrics = read(tmp_path, rows)
    assert metrics["is_finest"].tolist() == [False, True, True]
    assert metrics["is_finest"].dtype == bool
    assert metrics["not_converged"].tolist() == [""] * 3
    for column in ("image_size", "n_classes", "chance", "training_steps"):
        assert metrics[column].isna().all()
    assert levels(metrics, "a") == ["coarse", "fine"]


def test_the_former_spelling_of_concatenated_encoders_is_read(tmp_path):
    metrics = read(
        tmp_path, [row("domain", "simclr", "a-100 | b-50.supervised", "a", 60.0, pretrain_images=1)]
    )
    assert metrics["source"].tolist() == ["a-100~b-50.supervised"]


@pytest.mark.parametrize(
    ("study", "target", "expected"),
    [
        ("real_mini", "flowers102", ["order", "family", "genus", "class"]),
        ("real_mini", "miniplaces", ["level1", "level2", "class"]),
        ("real_mini", "eurosat", ["superclass", "class"]),
        ("real_quick", "flowers102", ["order", "family", "genus", "class"]),
        ("real_quick", "miniplaces", ["level1", "level2", "class"]),
        ("real_protocols", "flowers102", ["order", "family", "genus", "class"]),
        ("real_protocols", "eurosat", ["superclass", "class"]),
    ],
)
def test_the_tables_in_the_repository_are_read(study, target, expected):
    metrics = table.read_metrics(RESULTS / study / "metrics.csv")
    assert levels(metrics, target) == expected
    assert finest(metrics)[target] == expected[-1]


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
