import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.data.conversion.convert import write_beton
from fourlenses.data.manifest.manifest import hierarchy_of, read_manifest, write_manifest
from fourlenses.data.sources import parquet as source
from tests.helpers.layouts import generic as layouts
from tests.helpers.layouts.generic import LISTED, PICTURES
from tests.helpers.pictures import jpeg_bytes


def indexed(definition, raw):
    return source.index("animals", definition, raw)


@pytest.mark.parametrize("struct", [True, False])
@pytest.mark.parametrize("folder", ["data", "", "a/b"])
def test_an_export_of_datasets(tmp_path, folder, struct):
    definition, raw = layouts.parquet(tmp_path, folder, struct)
    manifest = indexed(definition, raw)
    hierarchy = hierarchy_of(manifest)
    assert (hierarchy.names, hierarchy.classes) == (
        ["kind", "class"],
        [["insect", "mammal"], ["ant", "bee", "cat"]],
    )
    assert manifest["level:class"].tolist() == [label for _, label, _ in LISTED]
    assert manifest["split"].tolist() == [
        {"val": "test"}.get(split, split) for _, _, split in LISTED
    ]
    assert manifest["id"][15] == "train-00001-of-00002/0"  # whatever folders lie around the files
    assert list(source.images("animals", definition, raw, manifest=manifest, size=32)) == [
        PICTURES[file] for file, _, _ in LISTED
    ]
    if folder == "data":
        assert indexed({**definition, "path": "set/data"}, raw)["id"].equals(manifest["id"])


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["animals-train.parquet", "animals-test.parquet"], ["train", "test"]),
        (["default/train/0000.parquet", "default/test/0000.parquet"], ["train", "test"]),
        (["training_0.parquet", "dev-0.parquet"], ["train", "test"]),
    ],
)
def test_where_the_split_stands(tmp_path, names, splits):
    for number, name in enumerate(names):
        file = tmp_path / "set" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"image": [b"x"], "label": [f"class {number}"]}), file)
    table = indexed({"source": "parquet", "path": "set"}, tmp_path)
    assert dict(zip(table["level:class"], table["split"], strict=True)) == {
        "class 0": splits[0],
        "class 1": splits[1],
    }


def test_one_file_with_a_seeded_split_and_plain_numbers(tmp_path):
    pq.write_table(
        pa.table({"picture": list(PICTURES.values()), "y": pa.array(np.arange(30) % 3, pa.int8())}),
        tmp_path / "all.parquet",
    )
    definition = {
        "source": "parquet",
        "path": "all.parquet",
        "image_column": "picture",
        "label_column": "y",
        "seed": 2,
    }
    manifest = indexed(definition, tmp_path)
    assert set(manifest["split"]) == {"train", "test"}
    assert manifest["level:class"].tolist()[:4] == ["0", "1", "2", "0"]
    assert list(source.images("x", definition, tmp_path, manifest=manifest, size=32)) == list(
        PICTURES.values()
    )


def test_three_splits_and_unlabelled_ones(tmp_path):
    definition, raw = layouts.parquet(tmp_path)
    schema = pq.read_schema(raw / "set/data/validation-00000-of-00001.parquet")
    hidden = pa.table([[{"bytes": b"x", "path": None}], [-1], [-1]], schema=schema)
    pq.write_table(hidden, raw / "set/data/test-00000-of-00001.parquet")
    assert len(indexed(definition, raw)) == 30  # of the two others one has labels
    assert len(indexed({**definition, "test_split": "validation"}, raw)) == 30
    with pytest.raises(
        UserError, match=r"test-00000-of-00001.parquet, row 0: 'kind' is -1, which is no label"
    ):
        indexed({**definition, "test_split": "test"}, raw)


def test_rows_without_an_image_are_undecodable(tmp_path):
    definition, raw = layouts.parquet(tmp_path)
    file = raw / "set/data/train-00000-of-00002.parquet"
    table = pq.read_table(file)
    cells = table.column("image").to_pylist()
    cells[0], cells[1], cells[2] = (
        None,
        {"bytes": None, "path": "/home/a/1.jpg"},
        {"bytes": b"junk", "path": None},
    )
    pq.write_table(
        table.set_column(0, table.schema.field(0), pa.array(cells, table.schema.field(0).type)),
        file,
    )
    write_manifest(indexed(definition, raw), tmp_path / "m.parquet")
    write_beton(
        "animals",
        definition,
        raw,
        manifest=read_manifest(tmp_path / "m.parquet"),
        variant="clean",
        size=40,
        max_undecodable=0.2,
        output=tmp_path / "x.beton",
        workers=1,
    )
    reasons = {
        entry["id"]: entry["reason"] for entry in read_json(tmp_path / "x.json")["undecodable"]
    }
    assert reasons.keys() == {f"train-00000-of-00002/{row}" for row in range(3)}
    assert reasons["train-00000-of-00002/0"] == "no image in this row"
    assert reasons["train-00000-of-00002/1"].startswith(
        "no bytes in the Parquet file, only the path '/home/a/1.jpg'"
    )


@pytest.mark.parametrize(
    ("break_it", "keys", "message"),
    [
        (
            None,
            {"label_column": "labels"},
            r"'datasets.animals.label_column': .* has no column 'labels' \(did you mean "
            r"'label'\?\)",
        ),
        (None, {"image_column": "img"}, r"'datasets.animals.image_column': .* has no column 'img'"),
        (
            None,
            {"image_column": "label"},
            r"column 'label' of .* is int64, not the bytes of image files",
        ),
        (
            None,
            {"label_column": "image", "levels": []},
            r"column 'image' of .* a label is a whole number or a text",
        ),
        (
            None,
            {"path": "nowhere"},
            r"'datasets.animals.path': there is no file or directory .*nowhere",
        ),
        (
            lambda file: file.write_bytes(file.read_bytes()[:-50]),
            {},
            r"train-00000-of-00002.parquet cannot be read as Parquet",
        ),
        (
            lambda file: file.write_bytes(b""),
            {},
            r"train-00000-of-00002.parquet cannot be read as Parquet",
        ),
    ],
)
def test_mistakes(tmp_path, break_it, keys, message):
    definition, raw = layouts.parquet(tmp_path, **keys)
    if break_it:
        break_it(raw / "set/data/train-00000-of-00002.parquet")
    with pytest.raises(UserError, match=message):
        indexed(definition, raw)


def test_a_file_that_changed_since(tmp_path):
    definition, raw = layouts.parquet(tmp_path)
    manifest = indexed(definition, raw)
    file = raw / "set/data/train-00001-of-00002.parquet"
    pq.write_table(pq.read_table(file).slice(1), file)
    with pytest.raises(UserError, match="has 8 rows, 9 when it was indexed"):
        list(source.images("animals", definition, raw, manifest=manifest, size=32))


def test_memory_is_constant(tmp_path):
    """400 MB of images in one row group, streamed by a process that grows by much less."""
    noise = np.random.default_rng(0).bytes(1 << 20)
    schema = pa.schema(
        [
            ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            ("label", pa.int64()),
        ]
    )
    with pq.ParquetWriter(
        tmp_path / "train.parquet", schema, compression=None, use_dictionary=False
    ) as writer:
        batch = pa.table(
            [[{"bytes": noise[n:], "path": None} for n in range(400)], [0, 1] * 200], schema=schema
        )
        writer.write_table(batch, row_group_size=400)
    code = f"""
import pathlib, resource
from fourlenses.data.sources import parquet as source
raw, definition = pathlib.Path({str(tmp_path)!r}), {{"source": "parquet", "path": "train.parquet"}}
manifest = source.index("x", definition, raw)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
images = source.images("x", definition, raw, manifest=manifest, size=32)
count = sum(len(data) for data in images)
print(count, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, grown = map(int, done.stdout.split())
    assert count == 400 * (1 << 20) - sum(range(400))
    assert grown < 200  # MiB


def test_two_labelled_splits_next_to_training_need_the_key(tmp_path):
    definition, raw = layouts.parquet(tmp_path)
    other = raw / "set/data/validation-00000-of-00001.parquet"
    (raw / "set/data/test-00000-of-00001.parquet").write_bytes(other.read_bytes())
    with pytest.raises(
        UserError, match=r"'datasets.animals.test_split': .* the splits test, train, validation"
    ):
        indexed(definition, raw)


def test_a_test_split_without_labels_is_not_used(tmp_path):
    for split, labels in (("train", [0, 1] * 20), ("test", [-1] * 5)):
        images = [{"bytes": jpeg_bytes(number), "path": None} for number in range(len(labels))]
        pq.write_table(
            pa.table({"image": images, "label": labels}),
            tmp_path / f"{split}-00000-of-00001.parquet",
        )
    manifest = indexed({"path": "."}, tmp_path)
    assert len(manifest) == 40
    assert set(manifest["split"]) == {"train", "test"}
    assert all(identity.startswith("train") for identity in manifest["id"])
