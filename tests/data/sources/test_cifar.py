import io
import os
import pickle
import tarfile

import numpy as np
import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.beton.reader import Beton
from fourlenses.data.conversion.convert import write_beton
from fourlenses.data.manifest.manifest import hierarchy_of, labels_of
from fourlenses.data.sources import cifar as source
from tests.helpers.archives import extract_all
from tests.helpers.layouts import generic as layouts


def read(definition, raw):
    manifest = source.index("cifar", definition, raw)
    return manifest, list(source.images("cifar", definition, raw, manifest=manifest, size=32))


def by_id(definition, raw):
    manifest, images = read(definition, raw)
    return {
        i: (s, c, pixels)
        for i, s, c, pixels in zip(
            manifest["id"], manifest["split"], manifest["level:class"], images, strict=True
        )
    }


@pytest.mark.parametrize("classes", [10, 100])
@pytest.mark.parametrize("storage", ["archive", "folder"])
def test_the_same_as_torchvision(tmp_path, classes, storage, monkeypatch):
    """torchvision unpickles the same files without restraint."""
    from torchvision import datasets

    definition, raw = layouts.cifar(tmp_path, classes, "python")
    with tarfile.open(raw / definition["path"]) as tar:
        extract_all(tar, raw)
    reference = getattr(datasets, f"CIFAR{classes}")
    monkeypatch.setattr(reference, "_check_integrity", lambda self: True)
    monkeypatch.setattr(
        "torchvision.datasets.cifar.check_integrity", lambda *_: True
    )  # our batches are not the published ones
    if storage == "folder":
        definition["path"] = reference.base_folder
    ours = by_id(definition, raw)
    batches = [f"data_batch_{n}" for n in range(1, 6)] if classes == 10 else ["train"]
    for split, names, train in (
        ("train", batches, True),
        ("test", ["test_batch" if classes == 10 else "test"], False),
    ):
        theirs = reference(raw, train=train)
        assert len(theirs) == 20 * len(names)
        for position, (image, label) in enumerate(theirs):
            its_split, its_class, pixels = ours[f"{names[position // 20]}/{position % 20}"]
            assert (its_split, its_class) == (split, theirs.classes[label])
            assert np.array_equal(pixels, np.asarray(image))
    assert len(ours) == (120 if classes == 10 else 40)


@pytest.mark.parametrize("classes", [10, 100])
def test_the_binary_version_is_the_same_dataset(tmp_path, classes):
    python, binary = (
        by_id(*layouts.cifar(tmp_path, classes, "python")),
        by_id(*layouts.cifar(tmp_path, classes, "binary")),
    )
    assert python.keys() == binary.keys()
    for key, (split, name, pixels) in python.items():
        assert binary[key][:2] == (split, name)
        assert np.array_equal(binary[key][2], pixels)


@pytest.mark.parametrize("version", ["python", "binary"])
def test_the_coarse_labels_of_cifar_100(tmp_path, version):
    manifest, _ = read(*layouts.cifar(tmp_path, 100, version))
    assert hierarchy_of(manifest).names == ["coarse", "class"]
    for fine, coarse in zip(manifest["level:class"], manifest["level:coarse"], strict=True):
        assert int(coarse.removeprefix("group_")) == int(fine.removeprefix("class_")) // 5


def test_into_a_beton_without_loss(tmp_path):
    definition, raw = layouts.cifar(tmp_path, 10, "python")
    manifest, images = read(definition, raw)
    write_beton(
        "cifar",
        definition,
        raw,
        manifest=manifest,
        variant="clean",
        size=32,
        max_undecodable=0.0,
        output=tmp_path / "x.beton",
        workers=2,
    )
    beton = Beton(tmp_path / "x.beton")
    assert all(
        np.array_equal(beton.image(row).data.reshape(32, 32, 3), images[row]) for row in range(120)
    )
    assert np.array_equal(beton.label, labels_of(manifest))


@pytest.mark.parametrize("protocol", [0, 1, 2, 3])
def test_pickles_of_any_age(tmp_path, protocol):
    """Those of Python 3, where somebody packed the archive again."""
    assert (
        len(
            by_id(
                *layouts.cifar(tmp_path, 10, "python", lambda value: pickle.dumps(value, protocol))
            )
        )
        == 120
    )


class Harm:
    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return (os.system, (f"touch {self.file}",))


def replace(archive, name, data):
    with tarfile.open(archive) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar.getmembers()}
    with tarfile.open(archive, "w:gz") as tar:
        for member, content in files.items():
            info = tarfile.TarInfo(member)
            content = data if member.endswith("/" + name) else content
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def batch(width: int, labels: list[int]) -> bytes:
    return layouts.pickle_2({"data": np.zeros((2, width), np.uint8), "labels": labels})


def crafted_dtype() -> bytes:
    """An array of Python objects whose pointers come from the file."""
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    unset = b"J\xff\xff\xff\xff"
    kind = b"cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R(K\x03U\x01|NNN" + unset + unset + b"K\x00tb"
    return (
        b"\x80\x02}(U\x04data"
        + array
        + b"(K\x01K\x01\x85"
        + kind
        + b"\x89U\x08AAAAAAAAtbU\x06labels](K\x03eu."
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            lambda file: pickle.dumps({b"data": Harm(file)}, 2),
            r"it names posix.system, which no file of CIFAR does",
        ),
        (
            lambda file: b"cbuiltins\neval\n(S'open(\"" + str(file).encode() + b'", "w")\'\ntR.',
            r"it names builtins.eval",
        ),
        (lambda file: b"cnumpy\nload\n(S'x'\ntR.", r"it names numpy.load"),
        (lambda file: crafted_dtype(), r"data_batch_3 is no batch of CIFAR"),
        (
            lambda file: pickle.dumps({b"data": np.zeros((2, 10), np.uint8), b"labels": [0, 1]}, 2),
            r"is no batch of CIFAR",
        ),
        (
            lambda file: pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0]}, 2),
            r"is no batch of CIFAR",
        ),
        (
            lambda file: pickle.dumps(
                {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 11]}, 2
            ),
            r"has labels \(class\) without a name",
        ),
        (lambda file: pickle.dumps([1], 2), r"cannot be read as a batch of CIFAR"),
        (lambda file: b"not a pickle", r"cannot be read as a batch of CIFAR"),
        (lambda file: b"", r"cannot be read as a batch of CIFAR \(EOFError"),
    ],
)
def test_a_pickle_that_is_not_cifar_runs_nothing(tmp_path, data, message):
    definition, raw = layouts.cifar(tmp_path, 10, "python")
    replace(raw / definition["path"], "data_batch_3", data(tmp_path / "harm"))
    with pytest.raises(UserError, match=message):
        source.index("cifar", definition, raw)
    assert not (tmp_path / "harm").exists()


def test_a_binary_batch_that_is_cut_off(tmp_path):
    definition, raw = layouts.cifar(tmp_path, 100, "binary")
    replace(raw / definition["path"], "train.bin", bytes(3073 * 4))
    with pytest.raises(UserError, match=r"train.bin is no whole number of records of 3074 bytes"):
        source.index("cifar", definition, raw)


def test_another_archive(tmp_path, image_archive):
    with pytest.raises(
        UserError, match=r"animals.tar.gz holds no batches of CIFAR-10 or CIFAR-100"
    ):
        source.index("cifar", {"source": "cifar", "path": image_archive.name}, image_archive.parent)
