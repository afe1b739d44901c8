"""Small datasets in the layouts of the generic sources.

Every builder returns (definition, raw_data).
"""

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.helpers.layouts import tar, tree
from tests.helpers.pictures import jpeg_bytes

ANIMALS = {"ant": "insect", "bee": "insect", "cat": "mammal"}
# file, class, split: 8 training and 2 test images of each class
LISTED = [
    (f"{split}/{name}_{n}.jpg", name, split)
    for split, count in (("train", 8), ("val", 2))
    for name in ANIMALS
    for n in range(count)
]
PICTURES = {file: jpeg_bytes(number) for number, (file, _, _) in enumerate(LISTED)}


def write_files(
    raw: Path, files: dict[str, bytes], kind: str = "directory", around: str = ""
) -> str:
    """Write the files as photos/ or in photos.zip or photos.tar.gz, below the folder ``around``.

    Returns:
        The name of what was written.
    """
    if kind == "directory":
        tree(raw / "photos" / around, files)
        return "photos"
    archive = raw / f"photos{kind}"
    if kind == ".zip":
        with zipfile.ZipFile(archive, "w") as file:
            for name, data in files.items():
                file.writestr(around + name, data)
    else:
        tar(archive, {around + name: data for name, data in reversed(files.items())}, "w:gz")
    return archive.name


def csv_list(raw: Path, kind: str = "directory", around: str = "", **keys) -> tuple[dict, Path]:
    """photos and table.csv with the columns file, species, kind, set."""
    with open(raw / "table.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file", "species", "kind", "set"])
        table.writerows([name, label, ANIMALS[label], split] for name, label, split in LISTED)
    definition = {
        "source": "csv_list",
        "path": write_files(raw, PICTURES, kind, around),
        "table": "table.csv",
    }
    columns = {
        "path_column": "file",
        "label_column": "species",
        "split_column": "set",
        "levels": ["kind"],
    }
    return {**definition, **columns, **keys}, raw


def coco_json(split: str | None, extra: dict | None = None) -> dict:
    """As of a COCO or iNaturalist release; of one split or of all."""
    chosen = [
        (number, file, label)
        for number, (file, label, of_split) in enumerate(LISTED)
        if split in (None, of_split)
    ]
    names = list(ANIMALS)
    return {
        "info": {"year": 2024},
        "images": [
            {"id": number, "file_name": file, "width": 40, "height": 36}
            for number, file, _ in chosen
        ],
        "annotations": [
            {"id": 7 * n, "image_id": n, "category_id": 10 + names.index(label)}
            for n, _, label in chosen
        ],
        "categories": [
            {"id": 10 + n, "name": name, "supercategory": kind, **(extra or {})}
            for n, (name, kind) in enumerate(ANIMALS.items())
        ],
    }


def coco(raw: Path, kind: str = "directory", around: str = "", **keys) -> tuple[dict, Path]:
    """photos, train.json and val.json."""
    for split in ("train", "val"):
        (raw / f"{split}.json").write_text(json.dumps(coco_json(split)))
    path = write_files(raw, PICTURES, kind, around)
    return {
        "source": "coco",
        "path": path,
        "annotations": {"train": "train.json", "test": "val.json"},
        **keys,
    }, raw


def features(labels: dict[str, list[str]]) -> bytes:
    """Return what `datasets` writes into the schema of an export.

    An Image column, and ClassLabel columns with their names.
    """
    columns = {name: {"names": names, "_type": "ClassLabel"} for name, names in labels.items()}
    return json.dumps({"info": {"features": {"image": {"_type": "Image"}, **columns}}}).encode()


def parquet(raw: Path, folder: str = "data", struct: bool = True, **keys) -> tuple[dict, Path]:
    """Write two shards of train and one of validation, in several row groups.

    Their columns are image, kind and label.
    """
    kinds, names = sorted(set(ANIMALS.values())), list(ANIMALS)
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())]) if struct else pa.binary()
    schema = pa.schema([("image", image), ("kind", pa.int64()), ("label", pa.int64())])
    schema = schema.with_metadata({b"huggingface": features({"kind": kinds, "label": names})})
    (raw / "set" / folder).mkdir(parents=True)
    train = [row for row in LISTED if row[2] == "train"]
    shards = {
        "train-00000-of-00002": train[:15],
        "train-00001-of-00002": train[15:],
        "validation-00000-of-00001": [row for row in LISTED if row[2] == "val"],
    }
    for shard, rows in shards.items():
        cells = [
            {"bytes": PICTURES[file], "path": file} if struct else PICTURES[file]
            for file, _, _ in rows
        ]
        labels = [names.index(label) for _, label, _ in rows]
        table = pa.table(
            [cells, [kinds.index(ANIMALS[label]) for _, label, _ in rows], labels], schema=schema
        )
        pq.write_table(table, raw / "set" / folder / f"{shard}.parquet", row_group_size=4)
    return {"source": "parquet", "path": "set", "levels": ["kind"], **keys}, raw


def webdataset(raw: Path, kind: str = "json", **keys) -> tuple[dict, Path]:
    """Write two shards of train and one of validation.

    The class stands in a json with its ancestor (kind ``json``), or as a number in .cls.
    """
    train = [row for row in LISTED if row[2] == "train"]
    shards = {
        "train-0000": train[:15],
        "train-0001": train[15:],
        "val-0000": [row for row in LISTED if row[2] == "val"],
    }
    (raw / "set").mkdir(parents=True)
    for shard, rows in shards.items():
        files = {}
        for number, (file, label, _) in enumerate(rows):
            fields = {"label": label, "kind": ANIMALS[label]}
            text = json.dumps(fields) if kind == "json" else str(list(ANIMALS).index(label))
            files[f"{number:04d}.jpg"] = PICTURES[file]
            files[f"{number:04d}.{kind}"] = text.encode()
        tar(raw / "set" / f"{shard}.tar", files, "w")
    if kind == "json":
        keys = {"label_field": "label", "levels": ["kind"], **keys}
    return {"source": "webdataset", "path": "set", **keys}, raw


def pickle_2(value: object) -> bytes:
    """Return a pickle of protocol 2 as Python 2 wrote those of CIFAR.

    Text and pixels are byte strings, types have their former names.
    """
    return b"\x80\x02" + _pickle_2(value) + b"."


def _pickle_2(value: object) -> bytes:
    if isinstance(value, dict):
        return (
            b"}(" + b"".join(_pickle_2(key) + _pickle_2(item) for key, item in value.items()) + b"u"
        )
    if isinstance(value, list):
        return b"](" + b"".join(map(_pickle_2, value)) + b"e"
    if isinstance(value, int):
        return b"J" + value.to_bytes(4, "little", signed=True)
    if isinstance(value, np.ndarray):
        kind = (
            b"cnumpy\ndtype\n"
            + _pickle_2("u1")
            + b"K\x00K\x01\x87R(K\x03"
            + _pickle_2("|")
            + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        )
        made = (
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
            + _pickle_2("b")
            + b"\x87R"
        )
        shape = b"(" + b"".join(map(_pickle_2, value.shape)) + b"t"
        return made + b"(K\x01" + shape + kind + b"\x89" + _pickle_2(value.tobytes()) + b"tb"
    data = value.encode() if isinstance(value, str) else value
    return b"T" + len(data).to_bytes(4, "little") + data


FOLDERS = {  # in the published archives
    (10, "python"): "cifar-10-batches-py",
    (10, "binary"): "cifar-10-batches-bin",
    (100, "python"): "cifar-100-python",
    (100, "binary"): "cifar-100-binary",
}


def cifar(
    raw: Path, classes: int, version: str, dumps: Callable[[object], bytes] = pickle_2
) -> tuple[dict, Path]:
    """Write the archive of CIFAR-10 or CIFAR-100 with 20 images a batch.

    It and its members have their published names.
    """
    rng = np.random.default_rng(classes)
    names = {
        "class": [f"class_{n}" for n in range(classes)],
        "coarse": [f"group_{n}" for n in range(20)],
    }
    batches = (
        [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]
        if classes == 10
        else ["train", "test"]
    )
    files = {}
    for batch in batches:
        pixels, fine = (
            rng.integers(0, 256, (20, 3072), np.uint8),
            rng.integers(0, classes, 20).tolist(),
        )
        coarse = [label // 5 for label in fine]
        if version == "binary":
            columns = [fine] if classes == 10 else [coarse, fine]
            files[f"{batch}.bin"] = np.hstack([np.array(columns, np.uint8).T, pixels]).tobytes()
        else:
            labels = (
                {"labels": fine}
                if classes == 10
                else {"fine_labels": fine, "coarse_labels": coarse}
            )
            files[batch] = dumps({"data": pixels, **labels, "batch_label": "x"})
    if version == "binary":
        texts = (
            {"batches.meta.txt": "class"}
            if classes == 10
            else {"coarse_label_names.txt": "coarse", "fine_label_names.txt": "class"}
        )
        files |= {
            file: ("\n".join(names[level]) + "\n\n").encode() for file, level in texts.items()
        }
    else:
        keys = (
            {"label_names": "class"}
            if classes == 10
            else {"fine_label_names": "class", "coarse_label_names": "coarse"}
        )
        files["batches.meta" if classes == 10 else "meta"] = dumps(
            {key: names[level] for key, level in keys.items()}
        )
    archive = raw / f"cifar-{classes}-{version}.tar.gz"
    # the published archives are in no order either
    tar(
        archive,
        {f"{FOLDERS[classes, version]}/{name}": data for name, data in reversed(files.items())},
        "w:gz",
    )
    return {"source": "cifar", "path": archive.name}, raw
