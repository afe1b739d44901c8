"""What real data sets have in them: each case goes through indexing, conversion and reading back, and has one stated outcome."""

import io
import json
import logging
import os
import re
import resource
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json
from fourlenses.data.beton.reader import RAW, Beton
from fourlenses.data.conversion.convert import write_beton
from fourlenses.data.images.decode import decode
from fourlenses.data.manifest.manifest import hierarchy_of, one_sided, read_manifest, write_manifest
from fourlenses.data.sources import SOURCES, image_folder
from tests.helpers.layouts.imagenet_inat21 import make_imagenet, make_inat21
from tests.helpers.layouts.places365_glc20 import make_glc20, make_places365
from tests.helpers.odd_files import (
    bomb,
    broken_exif,
    clear,
    deep,
    encoded,
    good,
    grey,
    noisy_folder,
    over_white,
    packed,
    tar_of,
    turned,
)
from tests.helpers.pictures import jpeg_bytes, picture

ROOT = Path(__file__).parents[3]
ODD = (
    'train/ant/it\'s "odd"\n$(x) \udcff.jpg'  # spaces, quotes, a newline, a byte that is not UTF-8
)


WHOLE = np.asarray(picture(1))
JPEG = np.asarray(Image.open(io.BytesIO(jpeg_bytes(1))))
PALETTE = picture(1).convert("P")

# 9 MB of noise, 40 px high: its bytes do not fit into a page of the beton, compressed again they do
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60_000, 3), np.uint8))
HUGE = encoded(NOISE, "JPEG", quality=100, subsampling=0)
# compressed again, or by another program
LOSSY = {"CMYK": 6, "30,000 px wide": 8, "more than a page": 40}

# file name, bytes, and either the pixels that come back or the reason for which it is undecodable
CONTENTS = {
    "truncated JPEG": ("x.jpg", jpeg_bytes(1)[:-100], "OSError: image file is truncated"),
    "header cut off": ("x.jpg", jpeg_bytes(1)[:10], "OSError: Truncated File Read"),
    "zero bytes": ("x.jpg", b"", "empty file"),
    "text": ("x.jpg", b"<html>404 Not Found</html>", "no picture of a known kind"),
    "PostScript": (
        "x.jpg",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (w) file\n",
        "no picture of a known kind",
    ),
    "decompression bomb": ("x.png", bomb(), "200000x90000, more than 100000000 pixels"),
    "CMYK": (
        "x.jpg",
        encoded(picture(1).convert("CMYK"), "JPEG", quality=100, subsampling=0),
        WHOLE,
    ),
    "16-bit PNG": (
        "x.png",
        encoded(deep(), "PNG"),
        grey((np.asarray(deep()) >> 8).astype(np.uint8)),
    ),
    "palette PNG": ("x.png", encoded(PALETTE, "PNG"), np.asarray(PALETTE.convert("RGB"))),
    "animated GIF": (
        "x.gif",
        encoded(PALETTE, "GIF", save_all=True, append_images=[picture(2).convert("P")]),
        np.asarray(PALETTE.convert("RGB")),
    ),
    "EXIF-rotated": ("x.jpg", turned(), np.rot90(np.asarray(Image.open(io.BytesIO(turned()))), 3)),
    "broken EXIF": ("x.jpg", broken_exif(), np.asarray(Image.open(io.BytesIO(broken_exif())))),
    "greyscale": (
        "x.png",
        encoded(picture(1).convert("L"), "PNG"),
        grey(np.asarray(picture(1).convert("L"))),
    ),
    "alpha": ("x.png", encoded(clear(), "PNG"), over_white()),
    "one pixel": ("x.png", encoded(picture(1, 1, 1), "PNG"), np.asarray(picture(1, 1, 1))),
    "30,000 px wide": (
        "x.png",
        encoded(picture(1, 30000, 8), "PNG"),
        np.asarray(picture(1, 30000, 8)),
    ),
    "more than a page": ("x.jpg", HUGE, np.asarray(Image.open(io.BytesIO(HUGE)))),
    "70,000 px wide": (
        "x.png",
        encoded(picture(1, 70000, 2), "PNG"),
        "70000x2 px, a side longer than the format's 65535",
    ),
    "upper-case ending": ("x.JPEG", jpeg_bytes(1), JPEG),
    "hidden file of another system": ("._x.jpg", b"\0\5\x16\7", "no picture of a known kind"),
}


def convert(path: Path, output: Path, size: int = 40):
    """Index, write and read the manifest, convert. What is read back: ``{id: pixels}``, the sidecar, and the manifest."""
    definition = {"source": "image_folder", "path": path.name}
    write_manifest(
        image_folder.index("animals", definition, path.parent), output / "manifest.parquet"
    )
    manifest = read_manifest(output / "manifest.parquet")
    write_beton(
        "animals",
        definition,
        path.parent,
        manifest=manifest,
        variant="clean",
        size=size,
        max_undecodable=0.5,
        output=output / "x.beton",
        workers=2,
    )
    beton, pixels = Beton(output / "x.beton"), {}
    for sample, row in enumerate(beton.index):
        stored = beton.image(sample)
        raw = (
            stored.data.reshape(stored.height, stored.width, 3)
            if stored.mode == RAW
            else np.asarray(decode(stored.data.tobytes()))
        )
        assert raw.shape[:2] == (stored.height, stored.width)
        pixels[manifest["id"][row]] = raw
    sidecar = read_json(output / "x.json")
    # nothing is lost: what was indexed is either in the beton or listed with a reason
    assert sorted([*pixels, *(entry["id"] for entry in sidecar["undecodable"])]) == sorted(
        manifest["id"]
    )
    return pixels, sidecar, manifest


@pytest.mark.parametrize("kind", ["directory", ".tar.gz", ".zip"])
@pytest.mark.parametrize("case", CONTENTS)
def test_contents(tmp_path, case, kind, caplog):
    name, data, outcome = CONTENTS[case]
    root = good(tmp_path / "animals")
    (root / "train/ant" / name).write_bytes(data)
    with caplog.at_level(logging.WARNING):
        pixels, sidecar, manifest = convert(packed(root, kind), tmp_path / "out")
    key, row = f"train/ant/{name}", manifest["id"].index(f"train/ant/{name}")
    assert len(pixels) == 8 + isinstance(outcome, np.ndarray)
    if isinstance(outcome, str):
        (entry,) = sidecar["undecodable"]
        assert (entry["id"], entry["path"]) == (key, key)
        assert outcome in entry["reason"]
        assert f"undecodable: {key}: {entry['reason']}" in caplog.text
        assert "0x" not in entry["reason"].replace("200000x", "").replace(
            "70000x", ""
        )  # no address in memory: equal runs, equal bytes
    else:
        assert pixels[key].shape == outcome.shape
        assert np.abs(pixels[key].astype(int) - outcome).max() <= LOSSY.get(case, 0)
        assert (manifest["width"][row], manifest["height"][row]) == outcome.shape[
            1::-1
        ]  # the header says as much, rotation included


@pytest.mark.parametrize("kind", ["directory", ".tar", ".tar.gz", ".zip"])
def test_names(tmp_path, kind, caplog):
    """Spaces, quotes, a newline and a byte that is not UTF-8: in the file's name, and in the class's."""
    root = good(tmp_path / "animals")
    (root / ODD).write_bytes(jpeg_bytes(77))
    (root / ODD.replace(".jpg", " empty.jpg")).write_bytes(b"")
    for split in ("train", "val"):
        (root / split / "b\udce9e eater").mkdir()
        (root / split / "b\udce9e eater" / "1.jpg").write_bytes(jpeg_bytes(78))
    with caplog.at_level(logging.WARNING):
        pixels, sidecar, manifest = convert(packed(root, kind), tmp_path / "out")
    assert np.array_equal(pixels[ODD], np.asarray(decode(jpeg_bytes(77))))
    assert hierarchy_of(manifest).classes == [["ant", "bee", "b\udce9e eater"]]
    (entry,) = sidecar["undecodable"]
    assert entry["id"] == ODD.replace(".jpg", " empty.jpg")
    (tmp_path / "out" / "x.json").read_bytes().decode("ascii")  # JSON for every reader
    (line,) = [
        record.getMessage() for record in caplog.records if "undecodable" in record.getMessage()
    ]
    assert line == r"""undecodable: train/ant/it's "odd"\n$(x) \udcff empty.jpg: empty file"""


# --- members of archives ----------------------------------------------------------------------------------------------
FIRST, SECOND = jpeg_bytes(50), jpeg_bytes(51)
# members, and what becomes of them: a picture, or a reason
MEMBERS = {
    "absolute path": ([("/train/ant/x.jpg", FIRST)], {"train/ant/x.jpg": FIRST}),
    "dots that stay inside": ([("./train/ant/../bee/x.jpg", FIRST)], {"train/bee/x.jpg": FIRST}),
    "hard link": (
        [("train/ant/x.jpg", FIRST), ("train/bee/y.jpg", tarfile.LNKTYPE, "train/ant/x.jpg")],
        {"train/ant/x.jpg": FIRST, "train/bee/y.jpg": FIRST},
    ),
    "symbolic link": (
        [("train/bee/y.jpg", tarfile.SYMTYPE, "../ant/x.jpg"), ("train/ant/x.jpg", FIRST)],
        {"train/ant/x.jpg": FIRST, "train/bee/y.jpg": FIRST},
    ),
    "link to a link": (
        [
            ("train/ant/a.jpg", tarfile.SYMTYPE, "b.jpg"),
            ("train/ant/b.jpg", tarfile.SYMTYPE, "x.jpg"),
            ("train/ant/x.jpg", FIRST),
        ],
        {"train/ant/a.jpg": FIRST, "train/ant/b.jpg": FIRST, "train/ant/x.jpg": FIRST},
    ),
    "link to a folder": (
        [("train/cat", tarfile.SYMTYPE, "ant"), ("train/ant/x.jpg", FIRST)],
        {"train/ant/x.jpg": FIRST, "train/cat/x.jpg": FIRST},
    ),
    "link out of the archive": (
        [("train/ant/x.jpg", tarfile.SYMTYPE, "/etc/passwd")],
        {"train/ant/x.jpg": "a link to '/etc/passwd', which is no file in the archive"},
    ),
    "relative link out of the archive": (
        [("train/ant/x.jpg", tarfile.SYMTYPE, "../../../secret.jpg")],
        {"train/ant/x.jpg": "a link to '../secret.jpg', which is no file in the archive"},
    ),
    "link to itself": (
        [("train/ant/x.jpg", tarfile.SYMTYPE, "x.jpg")],
        {"train/ant/x.jpg": "which is no file in the archive"},
    ),
    "pipe named like an image": ([("train/ant/x.jpg", tarfile.FIFOTYPE, "")], {}),
    "one name twice": (
        [("train/ant/x.jpg", FIRST), ("train/ant/x.jpg", SECOND)],
        {"train/ant/x.jpg": SECOND},
    ),
    "two names twice, crossed": (
        [
            ("train/ant/x.jpg", FIRST),
            ("train/ant/y.jpg", FIRST),
            ("train/ant/x.jpg", SECOND),
            ("./train/ant/y.jpg", b""),
        ],
        {"train/ant/x.jpg": SECOND, "train/ant/y.jpg": "empty file"},
    ),
}


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
@pytest.mark.parametrize("case", MEMBERS)
def test_members(tmp_path, case, suffix):
    entries, outcomes = MEMBERS[case]
    (tmp_path / "secret.jpg").write_bytes(SECOND)
    archive = tar_of(tmp_path / f"animals{suffix}", entries)
    pixels, sidecar, _ = convert(archive, tmp_path / "out")
    reasons = {entry["id"]: entry["reason"] for entry in sidecar["undecodable"]}
    base = {f"{split}/{name}/0.jpg" for split in ("train", "val") for name in ("ant", "bee")}
    if "train/cat" in {entry[0] for entry in entries}:
        base.add("train/cat/0.jpg")
    assert set(pixels) | set(reasons) == base | set(outcomes)
    for key, outcome in outcomes.items():
        if isinstance(outcome, str):
            assert outcome in reasons[key]
        else:
            assert np.array_equal(pixels[key], np.asarray(decode(outcome)))


def test_the_last_of_one_name_counts_in_a_zip_too(tmp_path):
    with zipfile.ZipFile(tmp_path / "animals.zip", "w") as archive:
        archive.writestr("train/a/1.jpg", FIRST)
        archive.writestr("val/a/1.jpg", FIRST)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("train/a/1.jpg", SECOND)
    pixels, _, _ = convert(tmp_path / "animals.zip", tmp_path / "out")
    assert np.array_equal(pixels["train/a/1.jpg"], np.asarray(decode(SECOND)))


@pytest.mark.parametrize(
    "name", ["../escaped.jpg", "/train/../../escaped.jpg", "train/ant/../../../escaped.jpg"]
)
def test_a_name_that_climbs_out_is_an_error_and_writes_nothing(tmp_path, name):
    archive = tar_of(tmp_path / "animals.tar", [(name, FIRST)])
    with pytest.raises(
        UserError,
        match=r"datasets.animals.path': the archive .*animals.tar has a member named '.*escaped.jpg', which points",
    ):
        convert(archive, tmp_path / "out")
    assert [file.name for file in tmp_path.iterdir()] == ["animals.tar"]


def test_an_encrypted_zip_says_so(tmp_path):
    archive = packed(good(tmp_path / "animals"), ".zip")
    data = bytearray(archive.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        position = data.find(mark)
        while position >= 0:
            data[position + offset] |= 1
            position = data.find(mark, position + 1)
    archive.write_bytes(bytes(data))
    with pytest.raises(UserError, match=r"animals.zip .*after 0 files \(RuntimeError: .*encrypted"):
        convert(archive, tmp_path / "out")


# --- directories ------------------------------------------------------------------------------------------------------
def test_links_in_a_directory(tmp_path):
    """A link to a folder is a folder, one in a circle is not followed, one to nothing is undecodable."""
    root = good(tmp_path / "animals")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.jpg").write_bytes(FIRST)
    (root / "train/cat").symlink_to(tmp_path / "elsewhere")
    (root / "train/ant/up").symlink_to(root)
    (root / "train/ant/gone.jpg").symlink_to(tmp_path / "gone.jpg")
    pixels, sidecar, _ = convert(root, tmp_path / "out")
    assert np.array_equal(pixels["train/cat/x.jpg"], np.asarray(decode(FIRST)))
    assert len(pixels) == 9
    (entry,) = sidecar["undecodable"]
    assert (entry["id"], entry["reason"]) == (
        "train/ant/gone.jpg",
        f"a link to '{tmp_path / 'gone.jpg'}', which does not exist",
    )


@pytest.mark.parametrize("kind", ["directory", ".tar"])
def test_a_class_folder_without_images_is_no_class_and_is_named(tmp_path, kind, caplog):
    root = good(tmp_path / "animals")
    for split in ("train", "val"):
        (root / split / "dog").mkdir()
        (root / split / "dog" / "readme.heic").write_bytes(b"x")
    with caplog.at_level(logging.INFO):
        _, sidecar, _ = convert(packed(root, kind), tmp_path / "out")
    assert sidecar["classes"] == 2
    assert "2 folders hold no images and make no class, e.g. 'train/dog'" in caplog.text
    assert "2 other files (2 .heic)" in caplog.text


def test_classes_of_one_split_only(tmp_path):
    """They keep their number; a class without training images is never predicted, so its test images count as wrong."""
    import torch

    from fourlenses.evaluation.probes.contract import LabelledFeatures
    from fourlenses.evaluation.probes.linear_probe import linear_probe
    from fourlenses.metrics.label_levels import LabelLevels

    root = good(tmp_path / "animals")
    for folder in ("train/cow", "val/yak"):
        (root / folder).mkdir()
        (root / folder / "1.jpg").write_bytes(FIRST)
    pixels, sidecar, manifest = convert(root, tmp_path / "out")
    assert one_sided(manifest) == {"train": ["cow"], "test": ["yak"]}
    assert (len(pixels), sidecar["classes"]) == (10, 4)
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 10)  # ant, bee, cow; none of yak
    train = torch.from_numpy(np.eye(3)[labels] + 0.01 * rng.standard_normal((30, 3))).float()
    test = torch.from_numpy(np.eye(3)[[0, 1, 1, 0]]).float()
    (result,) = linear_probe(
        LabelledFeatures(train, torch.from_numpy(labels)),
        LabelledFeatures(test, torch.tensor([0, 1, 3, 3])),
        {"30": np.arange(30)},
        levels=LabelLevels.of_classes(4),
        l2=[1e-3],
        validation_fraction=0.2,
        seed=0,
    )
    assert result.report.top1 == 50
    assert any(
        "1 of 4 classes have no label among these 30; they are never predicted" in note
        for note in result.notes
    )


@pytest.mark.parametrize("name", ["imagenet", "inat21", "places365", "glc20"])
def test_names_that_are_not_utf8_in_the_published_datasets(tmp_path, name):
    made = {
        "imagenet": lambda: make_imagenet(tmp_path, 2, 1, extracted=True),
        "inat21": lambda: make_inat21(tmp_path, 2, 1, extracted=True),
        "places365": lambda: make_places365(tmp_path, "easy_tree"),
        "glc20": lambda: make_glc20(tmp_path, "npy_tree"),
    }
    definition, raw = made[name]()
    folder = "00" if name == "glc20" else "train"
    (place,) = (path for path in raw.rglob(folder) if path.is_dir() and any(path.iterdir()))
    one = sorted(
        file for file in place.rglob("*.*") if re.search(r"(jpe?g|\d\.npy)$", file.name.lower())
    )[0]
    odd = (
        one.parent / "\udcff" / one.name if name == "glc20" else one.with_name(f"\udcff{one.name}")
    )
    odd.parent.mkdir(exist_ok=True)
    one.rename(odd)
    manifest = SOURCES[name].index(name, definition, raw)
    write_manifest(manifest, tmp_path / "m.parquet")
    again = read_manifest(tmp_path / "m.parquet")
    assert sum("\udcff" in path for path in again["path"]) == 1
    write_beton(
        name,
        definition,
        raw,
        manifest=again,
        variant="clean",
        size=32,
        max_undecodable=0.0,
        output=tmp_path / "x.beton",
        workers=1,
    )


# --- the system refuses -----------------------------------------------------------------------------------------------
def program(name: str, *arguments, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, ROOT / "workflow_scripts" / f"{name}.py", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk takes root")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)  # also where a failed write left a file open


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10 << 20, 10 << 20))


@pytest.mark.parametrize(
    ("how", "reason"), [("small_disk", "No space left on device"), ("limit", "File too large")]
)
def test_a_full_disk_is_one_sentence(tmp_path, request, how, reason):
    disk = request.getfixturevalue("small_disk") if how == "small_disk" else tmp_path / "disk"
    root = noisy_folder(tmp_path / "noise")
    definition = json.dumps({"source": "image_folder", "path": "noise"})
    common = ["--dataset", "noise", "--definition", definition, "--raw-data", tmp_path]
    assert (
        program("index_dataset", *common, "--output", tmp_path / "manifest.parquet").returncode == 0
    )
    output = disk / "out" / "clean.beton"
    arguments = [
        *common,
        "--manifest",
        tmp_path / "manifest.parquet",
        "--stored-size",
        64,
        "--output",
        output,
    ]
    done = program("write_beton", *arguments, preexec_fn=limited if how == "limit" else None)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"fourlenses: no room for {output} after ")
    assert f"of 5 images ({reason}; " in last
    assert "make room, raise the quota or limit, or lower 'stored_size', and run it again" in last
    assert list(output.parent.iterdir()) == []
    assert len(list(root.rglob("*.jpg"))) == 5


@pytest.mark.parametrize("write", ["numpy", "safetensors", "parquet"])
def test_what_libraries_make_of_a_full_disk_names_the_file(small_disk, write):
    import pandas as pd
    import torch
    from safetensors.torch import save_file

    from fourlenses.core.files import atomic

    big = np.random.default_rng(0).integers(0, 2**62, 4_000_000)
    writers = {
        "numpy": lambda file: np.save(open(file, "wb"), big),  # noqa: SIM115
        "safetensors": lambda file: save_file({"x": torch.from_numpy(big)}, file),
        "parquet": lambda file: pd.DataFrame({"x": big}).to_parquet(file),
    }
    with (
        pytest.raises(OSError, match=r"\[Errno 28\] No space left on device: '.*/result'"),
        atomic(small_disk / "result") as temporary,
    ):
        writers[write](temporary)
    assert list(small_disk.iterdir()) == []


def test_a_file_that_cannot_be_opened_is_one_sentence_and_a_defect_keeps_its_traceback(tmp_path):
    done = program(
        "write_beton",
        "--dataset",
        "x",
        "--definition",
        "{}",
        "--raw-data",
        ".",
        "--manifest",
        tmp_path / "no.parquet",
        "--stored-size",
        32,
        "--output",
        tmp_path / "x.beton",
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert f"{tmp_path / 'no.parquet'}" in done.stderr
    code = "from fourlenses.core.cli import run\ndef main(): raise OSError('no number, no file')\nrun(main)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
