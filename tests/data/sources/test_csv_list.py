import numpy as np
import pytest

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.data.conversion.convert import write_beton
from fourlenses.data.manifest.manifest import hierarchy_of, read_manifest, write_manifest
from fourlenses.data.manifest.subsets import draw_subset
from fourlenses.data.sources import csv_list as source
from tests.helpers.layouts import generic as layouts
from tests.helpers.layouts.generic import LISTED, PICTURES
from tests.helpers.pictures import contents


def indexed(definition, raw):
    return source.index("animals", definition, raw)


def test_columns_splits_levels_and_bytes(tmp_path):
    definition, raw = layouts.csv_list(tmp_path)
    manifest = indexed(definition, raw)
    assert dict(zip(manifest["id"], manifest["level:class"], strict=True)) == {
        file: label for file, label, _ in LISTED
    }
    assert dict(zip(manifest["id"], manifest["split"], strict=True)) == {
        f: {"val": "test"}.get(s, s) for f, _, s in LISTED
    }
    assert hierarchy_of(manifest).names == ["kind", "class"]
    assert hierarchy_of(manifest).classes[0] == ["insect", "mammal"]
    assert set(zip(manifest["width"], manifest["height"], strict=True)) == {(40, 36)}
    assert contents(source.images("animals", definition, raw, manifest=manifest, size=32)) == [
        PICTURES[file] for file in manifest["id"]
    ]


@pytest.mark.parametrize(
    ("kind", "around"), [("directory", "top/"), (".zip", ""), (".zip", "top/"), (".tar.gz", "a/b/")]
)
def test_one_subset_whatever_the_storage(tmp_path, kind, around):
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    drawn = []
    for definition, raw in (
        layouts.csv_list(tmp_path / "one"),
        layouts.csv_list(tmp_path / "other", kind, around),
    ):
        manifest = indexed(definition, raw)
        assert contents(source.images("animals", definition, raw, manifest=manifest, size=32)) == [
            PICTURES[file] for file in manifest["id"]
        ]
        drawn.append(
            {
                manifest["id"][row]
                for row in draw_subset(manifest, set(), subset=10, seed=0, dataset="animals")
            }
        )
    assert drawn[0] == drawn[1]


def test_a_table_inside_an_archive_two_tables_a_pattern_and_tabs(tmp_path):
    tables = {
        f"lists/{name}.tsv": (
            "path\tlabel\n" + "".join(f"{f[:-4]}\t{c}\n" for f, c, s in LISTED if s == split)
        ).encode()
        for name, split in (("train", "train"), ("test", "val"))
    }
    path = layouts.write_files(tmp_path, {**PICTURES, **tables}, ".zip")
    definition = {
        "source": "csv_list",
        "path": path,
        "table": {"train": "train.tsv", "test": "lists/test.tsv"},
        "pattern": "{}.jpg",
    }
    manifest = indexed(definition, tmp_path)
    assert {(row.id, row.split) for row in manifest.itertuples()} == {
        (f, {"val": "test"}.get(s, s)) for f, _, s in LISTED
    }


def test_a_seeded_split_where_there_is_none(tmp_path):
    definition, raw = layouts.csv_list(tmp_path, test_fraction=0.5, seed=3)
    del definition["split_column"]
    one, again, other = (
        indexed(definition, raw),
        indexed(definition, raw),
        indexed({**definition, "seed": 4}, raw),
    )
    assert one.equals(again)
    assert not one["split"].equals(other["split"])
    assert set(one["split"]) == {"train", "test"}


def test_what_is_listed_but_absent_is_undecodable(tmp_path):
    definition, raw = layouts.csv_list(tmp_path)
    (raw / "photos/train/bee_3.jpg").unlink()
    write_manifest(indexed(definition, raw), tmp_path / "m.parquet")
    manifest = read_manifest(tmp_path / "m.parquet")
    write_beton(
        "animals",
        definition,
        raw,
        manifest=manifest,
        variant="clean",
        size=40,
        max_undecodable=0.1,
        output=tmp_path / "x.beton",
        workers=1,
    )
    assert read_json(tmp_path / "x.json")["undecodable"] == [
        {"id": "train/bee_3.jpg", "path": "", "reason": f"listed, but not in {raw / 'photos'}"}
    ]
    (raw / "photos/train/bee_4.jpg").unlink()
    with pytest.raises(
        UserError, match=r"train/bee_4.jpg' is no longer where it was when the dataset was indexed"
    ):
        contents(source.images("animals", definition, raw, manifest=manifest, size=32))


def test_an_archive_that_went_since_it_was_indexed(tmp_path):
    definition, raw = layouts.csv_list(tmp_path, ".zip")
    manifest = indexed(definition, raw)
    (raw / "photos.zip").unlink()
    for step in (
        lambda: indexed(definition, raw),
        lambda: list(source.images("animals", definition, raw, manifest=manifest, size=32)),
    ):
        with pytest.raises(
            UserError, match=r"'datasets.animals.path': there is no file or directory .*photos.zip"
        ):
            step()


def test_names_that_are_not_utf8_and_cells_with_commas(tmp_path):
    odd = 'train/a, "b"\n\udcff.jpg'
    table = 'path,label,split\n"train/a, ""b""\n\udcff.jpg",x,train\nv.jpg,x,test\n'
    (tmp_path / "table.csv").write_bytes(b"\xef\xbb\xbf" + table.encode("utf-8", "surrogateescape"))
    layouts.write_files(tmp_path, {odd: b"1", "v.jpg": b"2"})
    definition = {
        "source": "csv_list",
        "path": "photos",
        "table": "table.csv",
        "split_column": "split",
    }
    write_manifest(indexed(definition, tmp_path), tmp_path / "m.parquet")
    manifest = read_manifest(tmp_path / "m.parquet")
    assert list(manifest["id"]) == [odd, "v.jpg"]
    assert contents(source.images("animals", definition, tmp_path, manifest=manifest, size=32)) == [
        b"1",
        b"2",
    ]


@pytest.mark.parametrize(
    ("change", "keys", "message"),
    [
        (None, {"table": "labels.csv"}, r"'datasets.animals.table': there is no 'labels.csv' in"),
        (
            None,
            {"label_column": "specie"},
            r"'datasets.animals.label_column': .* no column 'specie' \(did you mean 'species'\?\)",
        ),
        (None, {"levels": ["genus"]}, r"'datasets.animals.levels': .*has no column 'genus'"),
        (
            None,
            {"test_split": "test"},
            r"'datasets.animals.test_split': column 'set' of .*table.csv holds train, val",
        ),
        (None, {"path_column": "kind"}, r"images are listed more than once, e.g. 'insect'"),
        (
            None,
            {"pattern": "{}.png"},
            r"photos holds none of the 30 images listed, e.g. 'train/ant_0.jpg.png'",
        ),
        (
            lambda text: text + "a.jpg,ant\n",
            {},
            r"table.csv, line 32: 2 cells, but the header has 4",
        ),
        (
            lambda text: text + "a.jpg,,insect,train\n",
            {},
            r"table.csv, line 32: column 'species' is empty",
        ),
        (
            lambda text: text + LISTED[0][0] + ",ant,insect,val\n",
            {},
            r"1 images are listed more than once, e.g. 'train/ant_0.jpg'",
        ),
        (
            lambda text: text + "./train/../train/ant_0.jpg,ant,insect,val\n",
            {},
            r"1 images are listed more than once",
        ),
        (lambda text: text.splitlines()[0] + "\n", {}, r"table.csv lists nothing"),
        (
            lambda text: text + '"a.jpg,ant\n',
            {},
            r"table.csv, line 32: not a table of values separated by ','",
        ),
    ],
)
def test_mistakes(tmp_path, change, keys, message):
    definition, raw = layouts.csv_list(tmp_path, **keys)
    if change:
        (raw / "table.csv").write_text(change((raw / "table.csv").read_text()))
    with pytest.raises(UserError, match=message):
        indexed(definition, raw)


def test_paths_that_hold_as_they_are_settle_which_file_is_meant(tmp_path):
    definition, raw = layouts.csv_list(tmp_path)
    (raw / "photos/thumbs/train").mkdir(parents=True)
    (raw / "photos/thumbs/train/ant_0.jpg").write_bytes(b"small")
    manifest = indexed(definition, raw)
    assert not any(path.startswith("thumbs") for path in manifest["path"])
    (raw / "photos/train").rename(raw / "photos/large")
    (raw / "photos/val").rename(raw / "photos/valid")
    (raw / "photos/full/train").mkdir(parents=True)
    (raw / "photos/full/train/ant_1.jpg").write_bytes(b"other")
    with pytest.raises(
        UserError, match=r"below more than one folder of .*photos \('full/' and 'thumbs/'\)"
    ):
        indexed(definition, raw)
    assert np.unique(manifest["id"]).size == 30
