"""The manifest read column by column, against what plain lists and sets say."""

import numpy as np
import pandas as pd
import pytest

from fourlenses.core.errors import UserError
from fourlenses.core.randomness import mix, named_seed, string_ids
from fourlenses.data.manifest.manifest import (
    column,
    hierarchy_of,
    labels_of,
    read_manifest,
    rows_of,
    write_manifest,
)
from fourlenses.data.manifest.subsets import draw_subset


@pytest.fixture
def table():
    random = np.random.default_rng(0)
    species = random.integers(0, 40, 3000)
    names = [f"{number:05d}/ü{number % 7}.jpg" for number in random.permutation(3000)]
    return pd.DataFrame(
        {
            "id": names,
            "path": names,
            "split": np.where(random.random(3000) < 0.2, "test", "train"),
            "width": 3,
            "height": 4,
            "level:order": [f"o{s // 13}" for s in species],
            "level:family": [f"f{s // 5}" for s in species],
            "level:class": [f"s{s}" for s in species],
        }
    )


@pytest.fixture(params=["made", "read", "lists"])
def manifest(request, table, tmp_path):
    if request.param == "made":
        return table
    if request.param == "lists":
        return table.to_dict("list")
    write_manifest(table, tmp_path / "manifest.parquet")
    return read_manifest(tmp_path / "manifest.parquet")


def test_columns_are_the_same_however_they_are_kept(manifest, table):
    assert list(manifest) == list(table)
    for name in table:
        assert list(column(manifest, name)) == table[name].tolist()
        assert column(manifest, name)[17] == table[name][17]
        codes, names = column(manifest, name).codes()
        assert names == sorted(set(table[name]))
        assert [names[code] for code in codes] == table[name].tolist()


def test_rows_labels_and_hierarchy(manifest, table):
    assert rows_of(manifest, "test").tolist() == [
        row for row, split in enumerate(table["split"]) if split == "test"
    ]
    assert rows_of(manifest, "nope").tolist() == []
    finest = sorted(set(table["level:class"]))
    assert labels_of(manifest).tolist() == [finest.index(name) for name in table["level:class"]]
    hierarchy = hierarchy_of(manifest)
    assert hierarchy.names == ["order", "family", "class"]
    assert hierarchy.classes == [sorted(set(table[f"level:{level}"])) for level in hierarchy.names]
    paths = {
        row[-1]: row
        for row in zip(*(table[f"level:{level}"] for level in hierarchy.names), strict=True)
    }
    assert [
        tuple(names[at] for names, at in zip(hierarchy.classes, row, strict=True))
        for row in hierarchy.table
    ] == [paths[name] for name in finest]


def test_subsets_are_those_of_the_plain_computation(manifest, table):
    bad = set(table["id"][5:9])
    rows = [
        row for row in range(3000) if table["split"][row] == "train" and table["id"][row] not in bad
    ]
    order = np.argsort(
        mix(named_seed(3, "subset"), string_ids([table["id"][row] for row in rows])), kind="stable"
    )
    for count in (1, 100, 1000, "all"):
        expected = sorted(np.array(rows)[order[: len(rows) if count == "all" else count]])
        assert draw_subset(manifest, bad, subset=count, seed=3, dataset="x").tolist() == expected


def test_subsets_stay_what_they_are():
    """Numbers drawn before the manifest was read by columns: a resumed study needs the same."""
    names = [f"image{number}" for number in range(1000)]
    table = pd.DataFrame({"id": names, "split": "train"})
    assert draw_subset(table, set(), subset=5, seed=0, dataset="x").tolist() == [
        155,
        189,
        272,
        637,
        696,
    ]


def test_a_class_in_two_places_is_an_error(table):
    table.loc[7, "level:family"] = "elsewhere"
    with pytest.raises(
        UserError,
        match=rf"class '{table['level:class'][7]}' has more than one set of ancestors: .*elsewhere",
    ):
        hierarchy_of(table)


def test_names_that_are_not_utf8(table):
    table["path"] = table["path"].astype(object)
    table.loc[3, "path"] = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    assert list(column(table, "path")) == table["path"].tolist()
    assert column(table, "path")[3] == table["path"][3]
    assert column(table, "path").is_in({table["path"][3]}).nonzero()[0].tolist() == [3]
