"""Labels per class as an axis: names, the plan, and the column of metrics.csv."""

import pytest

from fourlenses.analysis import collect
from fourlenses.core.errors import UserError
from fourlenses.lenses.plan import make_plan
from fourlenses.lenses.requests import sections
from fourlenses.study import Subset, parse_source
from fourlenses.study.names import is_in_domain
from tests.lenses.conftest import default_config

__all__ = ["default_config"]


@pytest.mark.parametrize(
    "name", ["1000", "all", "1000_balanced", "1000_draw2", "5_per_class", "5_per_class_draw2"]
)
def test_a_name_is_read_and_written_alike(name):
    assert str(Subset.parse(name)) == name


def test_a_number_of_each_class():
    subset = Subset.parse("5_per_class_draw1")
    assert (subset.labels_per_class, subset.size, subset.draw) == (5, "5_per_class", 1)
    assert Subset.parse("5").labels_per_class is None
    for wrong in ("all_per_class", "5_balanced_per_class", "_per_class"):
        with pytest.raises(UserError, match="no subset"):
            Subset.parse(wrong)


def test_a_supervised_source_of_so_many_per_class():
    assert [part.images for part in parse_source("birds-5_per_class")] == ["5_per_class"]
    assert is_in_domain("birds-5_per_class", "birds")


def test_sections():
    lens = {"labelled_images": [100, "all"], "labelled_per_class": [1, 5]}
    (section,) = sections(lens)
    assert section == {"labelled_images": [100, "all", "1_per_class", "5_per_class"]}
    single = {"labelled_images": "all", "labelled_per_class": [2]}
    assert sections(single) == [{"labelled_images": "all"}, {"labelled_images": "2_per_class"}]
    more = lens | {"more": [{"labelled_images": [7]}, {"protocols": ["knn"]}]}
    assert sections(more)[0]["more"] == [
        {"labelled_images": [7, "1_per_class", "5_per_class"]},
        {"protocols": ["knn"]},
    ]


@pytest.mark.parametrize("lens", ["quantity", "domain", "quality", "granularity", "alternatives"])
def test_every_lens_has_them_and_without_the_key_nothing_changes(default_config, lens):
    default_config["lenses"] = [lens]
    default_config["evaluation"]["label_repeats"] = 2
    before = set(make_plan(default_config).cells)
    del default_config[lens]["labelled_per_class"]
    assert set(make_plan(default_config).cells) == before
    default_config[lens]["labelled_per_class"] = [1, 10]
    added = set(make_plan(default_config).cells) - before
    assert {cell.labelled for cell in added} == {
        *("1_per_class", "1_per_class_draw1", "10_per_class", "10_per_class_draw1")
    }


def row(labelled, images, top1):
    level = {"level": "fine", "top1": top1, "low": top1 - 1, "high": top1 + 1}
    named = dict.fromkeys(collect.FINEST_ONLY, 0.0)
    record = {"labelled": labelled, "labelled_images": images, "levels": [level], "run": "r"}
    record |= {"target": "a", "protocol": "linear", "source": "a-1"}
    return list(collect._rows("study", named | record, ["quantity"]))


def test_so_many_per_class_that_are_another_size_too_are_left_out(caplog):
    rows = row("50", 50, 60.0) + row("5_per_class", 50, 61.0) + row("1_per_class", 10, 30.0)
    merged = collect._merged(rows)
    assert [(section["labelled_images"], section["labels_per_class"]) for section in merged] == [
        (50, None),
        (10, 1),
    ]
    assert "5 labels per class are 50 images" in caplog.text
