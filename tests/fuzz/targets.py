"""What is fuzzed: the readers of each kind of file that comes from elsewhere, and seeds for them.

A reader may read a file or refuse it (`UserError`, `Undecodable`); anything else is a defect.
"""

import csv
import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save

from fourlenses.data.archives.archives import members
from fourlenses.data.beton.foreign import PICTURE, ForeignBeton
from fourlenses.data.beton.reader import Beton
from fourlenses.data.beton.writer import BetonWriter
from fourlenses.data.conversion.encode import encode
from fourlenses.data.images.content import Undecodable
from fourlenses.data.images.decode import header_size
from fourlenses.data.loading.resident import square
from fourlenses.data.manifest.contract import read_rows
from fourlenses.data.sources import SOURCES
from fourlenses.models.checkpoints import read_states

MARK = "code-was-run"  # the file that hostile seeds try to make, in the working directory
HOSTILE = ("c.pth", "d.pkl")  # would make it where a reader ran code
Seeds = list[tuple[str, bytes]]  # names, whose ending says the format, and contents


def pictures() -> Seeds:
    drawn = Image.fromarray(
        np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8), "RGB"
    )
    every: Seeds = []
    for form in ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM"):
        buffer = io.BytesIO()
        drawn.save(buffer, form)
        every.append((f"1.{form.lower()}", buffer.getvalue()))
    for mode, form in (
        ("L", "JPEG"),
        ("CMYK", "JPEG"),
        ("P", "PNG"),
        ("I;16", "PNG"),
        ("L", "TIFF"),
    ):
        buffer = io.BytesIO()
        (drawn.convert("L") if mode == "I;16" else drawn).convert(mode).save(buffer, form)
        every.append((f"{len(every)}.{form.lower()}", buffer.getvalue()))
    buffer = io.BytesIO()
    drawn.save(buffer, "JPEG", progressive=True, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")
    return [*every, ("p.jpeg", buffer.getvalue())]


def read_picture(file: Path) -> None:
    header_size(file)
    header_size(file.read_bytes())
    encoded = encode(file.read_bytes(), 32, corruption=None, image_id=0)
    if encoded.image is None:
        raise Undecodable(encoded.reason)


class _Hostile:
    def __reduce__(self) -> tuple:
        return (open, (MARK, "w"))


def weights() -> Seeds:
    state = {"conv1.weight": torch.zeros(4, 3, 3, 3), "bn.running_mean": torch.zeros(4)}
    new, old, hostile = io.BytesIO(), io.BytesIO(), io.BytesIO()
    torch.save({"state_dict": state, "epoch": 3}, new)
    torch.save(state, old, _use_new_zipfile_serialization=False)
    torch.save({"state_dict": state, "x": _Hostile()}, hostile)
    index = {"metadata": {}, "weight_map": dict.fromkeys(state, "shard.safetensors")}
    return [
        ("a.pth", new.getvalue()),
        ("b.pth", old.getvalue()),
        ("c.pth", hostile.getvalue()),
        ("d.pkl", pickle.dumps(_Hostile())),
        ("e.safetensors", save(state)),
        ("f.safetensors.index.json", json.dumps(index).encode()),
    ]


def archives() -> Seeds:
    files = pictures()[:3]
    every: Seeds = []
    for mode, end in (("w", "tar"), ("w:gz", "tar.gz"), ("w:bz2", "tar.bz2"), ("w:xz", "tar.xz")):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode) as tar:
            for name, content in files:
                entry = tarfile.TarInfo(f"train/cat/{name}")
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
            link = tarfile.TarInfo("train/dog")
            link.type, link.linkname = tarfile.SYMTYPE, "../../outside"
            tar.addfile(link)
        every.append((f"pets.{end}", buffer.getvalue()))
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as packed:
            for name, content in files:
                packed.writestr(f"train/cat/{name}", content)
        every.append((f"pets{method}.zip", buffer.getvalue()))
    return every


def read_archive(file: Path) -> None:
    for name, content in members(file, "pets"):
        assert not name.startswith("/"), name
        assert ".." not in name.split("/"), name
        if isinstance(content, bytes):
            header_size(content)


def betons(folder: Path) -> Seeds:
    jpeg = dict(pictures())["1.jpeg"]
    every: Seeds = []
    for kind in ("raw", "jpeg", "mixed"):
        writer = BetonWriter(folder / "seed.beton", 6)
        for index in range(6):
            if kind == "raw" or (kind == "mixed" and index % 2):
                pixels = np.full((20, 30, 3), index, np.uint8)
                writer.add(pixels, width=30, height=20, label=index % 2, index=index)
            else:
                writer.add(jpeg, width=50, height=40, label=index % 2, index=index)
        writer.close()
        content = (folder / "seed.beton").read_bytes()
        every.append((f"{kind}.beton", content))
    return every


def read_beton(file: Path) -> None:
    beton = Beton(file)
    for sample in range(min(len(beton), 20)):
        square(beton.image(sample), 16)


def read_foreign_beton(file: Path) -> None:
    beton = ForeignBeton(file)
    pictures = [field for field, kind in beton.fields.items() if kind == PICTURE]
    if not pictures:
        raise Undecodable("no pictures")
    for sample in range(min(len(beton), 20)):
        encode(beton.picture(pictures[0], sample), 16, corruption=None, image_id=0)


def tables() -> Seeds:
    rows = [("path", "label", "split")]
    rows += [(f"images/{k}.jpg", "cat" if k % 2 else "dog", "train") for k in range(8)]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    coco = {
        "images": [{"id": k, "file_name": f"images/{k}.jpg"} for k in range(8)],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [{"image_id": k, "category_id": 1 + k % 2} for k in range(8)],
    }
    return [("list.csv", text.getvalue().encode()), ("list.json", json.dumps(coco).encode())]


def read_table(file: Path) -> None:
    folder = file.parent / "images"
    if not folder.exists():
        folder.mkdir()
        for k in range(8):
            (folder / f"{k}.jpg").write_bytes(dict(pictures())["1.jpeg"])
    definition = {"path": ".", "source": "csv_list", "table": file.name, "split_seed": 0}
    if file.suffix == ".json":
        definition |= {"source": "coco", "annotations": file.name}
    SOURCES[definition["source"]].index("pets", definition, file.parent)


def manifests() -> Seeds:
    import pandas as pd

    table = pd.DataFrame(
        {
            "id": [str(k) for k in range(8)],
            "path": [f"{k}.jpg" for k in range(8)],
            "split": ["train"] * 6 + ["test"] * 2,
            "level:class": ["cat", "dog"] * 4,
        }
    )
    plain, packed = io.BytesIO(), io.BytesIO()
    table.to_parquet(plain, compression=None)
    table.to_parquet(packed, compression="zstd")
    return [("plain.parquet", plain.getvalue()), ("packed.parquet", packed.getvalue())]


def exports() -> Seeds:
    import pyarrow as pa
    import pyarrow.parquet as pq

    feature = {"names": ["cat", "dog"], "_type": "ClassLabel"}
    description = {"info": {"features": {"label": feature, "image": {"_type": "Image"}}}}
    picture = dict(pictures())["1.jpeg"]
    image = pa.array([{"bytes": picture, "path": f"{k}.jpg"} for k in range(6)])
    table = pa.table({"image": image, "label": pa.array([0, 1] * 3)})
    table = table.replace_schema_metadata({"huggingface": json.dumps(description)})
    every: Seeds = []
    for compression in ("none", "snappy", "gzip"):
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression=compression)
        every.append((f"{compression}.parquet", buffer.getvalue()))
    return every


def read_export(file: Path) -> None:
    definition = {"path": file.name}
    source = SOURCES["parquet"]
    manifest = source.index("pets", definition, file.parent)
    for content in source.images("pets", definition, file.parent, manifest=manifest, size=32):
        encode(content, 32, corruption=None, image_id=0)


Reader = Callable[[Path], object]
# kind -> the seeds and the reader; a folder for the making of seeds
KINDS: dict[str, tuple[Callable[[Path], Seeds], Reader]] = {
    "images": (lambda _: pictures(), read_picture),
    "weights": (lambda _: weights(), read_states),
    "archives": (lambda _: archives(), read_archive),
    "betons": (betons, read_beton),
    "ffcv_betons": (betons, read_foreign_beton),  # of the same format
    "tables": (lambda _: tables(), read_table),
    "exports": (lambda _: exports(), read_export),
    "manifests": (lambda _: manifests(), lambda file: read_rows(file, "datasets.pets.manifest")),
}
REFUSALS = (Undecodable,)
