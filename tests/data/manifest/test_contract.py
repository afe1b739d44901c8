"""Manifests that other programs make: an error names column and row."""

import tarfile

import pandas as pd
import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.manifest.contract import write_rows
from fourlenses.data.manifest.manifest import hierarchy_of
from fourlenses.data.sources import manifest as source
from tests.helpers.pictures import jpeg_bytes

ROWS = [
    {"path": "b/2.jpg", "split": "train", "level:kind": "insect", "level:class": "ant"},
    {"path": "a/1.jpg", "split": "train", "level:kind": "mammal", "level:class": "cat"},
    {"path": "c/3.jpg", "split": "test", "level:kind": "insect", "level:class": "ant"},
]


@pytest.fixture
def folder(tmp_path):
    for number, row in enumerate(ROWS):
        file = tmp_path / "images" / row["path"]
        file.parent.mkdir(parents=True)
        file.write_bytes(jpeg_bytes(number))
    return tmp_path


def index(folder, rows=ROWS, path="images", write=None):
    file = folder / "rows.parquet"
    (write or (lambda: pd.DataFrame(rows).to_parquet(file)))()
    return source.index("mine", {"source": "manifest", "path": path, "manifest": str(file)}, folder)


def images(folder, table, path="images"):
    definition = {"source": "manifest", "path": path, "manifest": str(folder / "rows.parquet")}
    lazy = source.images("mine", definition, folder, manifest=table, size=32)
    return [image() if callable(image) else image for image in lazy]


def test_rows_become_a_manifest_and_images_come_in_its_order(folder):
    table = index(folder)
    assert list(table.columns) == [
        "id",
        "path",
        "split",
        "width",
        "height",
        "level:kind",
        "level:class",
    ]
    assert list(table["id"]) == ["b/2.jpg", "a/1.jpg", "c/3.jpg"]
    assert hierarchy_of(table).names == ["kind", "class"]
    assert images(folder, table) == [jpeg_bytes(0), jpeg_bytes(1), jpeg_bytes(2)]


def test_of_an_archive_the_rows_take_its_order(folder):
    with tarfile.open(folder / "images.tar", "w") as archive:
        archive.add(folder / "images", "images")
    rows = [{**row, "path": f"images/{row['path']}", "id": row["path"]} for row in ROWS]
    table = index(folder, rows, "images.tar")
    assert list(table["id"]) == ["a/1.jpg", "b/2.jpg", "c/3.jpg"]
    assert images(folder, table, "images.tar") == [jpeg_bytes(1), jpeg_bytes(0), jpeg_bytes(2)]


def changed(row, **values):
    return [{**its, **values} if number == row else its for number, its in enumerate(ROWS)]


def without(column):
    return [{key: value for key, value in row.items() if key != column} for row in ROWS]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            without("split"),
            r"rows.parquet has no column 'split'; it has: path, level:kind, level:class",
        ),
        (
            [{"path": "a", "split": "train", "class": "x"}],
            r"no label column, such as 'level:class' \(is 'class' meant to be 'level:class'\?\)",
        ),
        (
            [{**row, "heigth": 3} for row in ROWS],
            r"unknown column 'heigth' \(did you mean 'height'\?\); allowed: path, split, "
            r"level:<name>",
        ),
        (changed(1, split="val"), r"column 'split', row 1 is 'val': allowed: train or test"),
        (changed(2, split="train"), r"column 'split' has no row of test; a dataset needs both"),
        (
            changed(2, path="a/1.jpg"),
            r"column 'path', row 2 is 'a/1.jpg': an earlier row has it too",
        ),
        (
            changed(1, path="nowhere/1.jpg"),
            r"column 'path', row 1 is 'nowhere/1.jpg': there is no such file in .*images",
        ),
        (
            changed(0, path="/etc/passwd"),
            r"column 'path', row 0 is '/etc/passwd': a path starts from the dataset's folder",
        ),
        (
            changed(0, path="../rows.parquet"),
            r"column 'path', row 0 is '../rows.parquet': a path starts from",
        ),
        (changed(1, **{"level:class": ""}), r"column 'level:class', row 1 is '': it is empty"),
        (
            changed(1, **{"level:class": None}),
            r"column 'level:class', row 1 is nothing: it is empty",
        ),
        (
            [{**row, "level:class": number} for number, row in enumerate(ROWS)],
            r"column 'level:class', row 0 is 0.* \(3 such rows\): it has to be text",
        ),
        (
            changed(2, **{"level:kind": "plant"}),
            r"column 'level:kind', row 2 is 'plant': other rows of class 'ant' have 'insect'",
        ),
        (
            [{**row, "id": "x"} for row in ROWS],
            r"column 'id', row 1 is 'x' \(2 such rows\): an earlier row has it too",
        ),
        (
            [{**row, "width": -1, "height": 5} for row in ROWS],
            r"column 'width', row 0 is -1.*whole number of px",
        ),
    ],
)
def test_what_breaks_the_contract_is_named_by_column_and_row(folder, rows, message):
    with pytest.raises(UserError, match=message):
        index(folder, rows)


def test_a_file_that_is_absent_or_no_parquet(folder):
    with pytest.raises(
        UserError,
        match=r"config key 'datasets.mine.manifest': there is no file .*rows.parquet; a rule of "
        r"rules/datasets",
    ):
        index(folder, write=lambda: None)
    with pytest.raises(UserError, match=r"rows.parquet cannot be read as Parquet"):
        index(folder, write=lambda: (folder / "rows.parquet").write_bytes(b"no parquet"))


def test_a_folder_that_is_absent(folder):
    with pytest.raises(
        UserError,
        match=r"config key 'datasets.mine.path': there is no file or directory .*elsewhere",
    ):
        index(folder, path="elsewhere")


def test_labels_as_categories_are_text(folder):
    table = pd.DataFrame(ROWS).astype({"level:class": "category"})
    assert list(
        index(folder, write=lambda: table.to_parquet(folder / "rows.parquet"))["level:class"]
    ) == ["ant", "cat", "ant"]


def test_a_function_that_yields_rows_is_checked_before_it_is_written(tmp_path):
    file = tmp_path / "rows.parquet"
    assert write_rows(iter(ROWS), file) == 3
    with pytest.raises(UserError, match="no rows were made"):
        write_rows(iter([]), tmp_path / "none.parquet")
    with pytest.raises(UserError, match="column 'split', row 1 is 'dev'"):
        write_rows(iter(changed(1, split="dev")), tmp_path / "wrong.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.parquet"]
