"""Archives by content, and those that are not read, named for what they are."""

import io
import struct
import tarfile
import zipfile
import zlib

import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.dataset import index_dataset
from tests.helpers.odd_files import packed
from tests.helpers.pictures import jpeg_bytes
from tests.helpers.trees import tree

FILES = {"cat": 9, "dog": 9}


def index(path):
    return index_dataset("pets", {"source": "image_folder", "path": path.name}, path.parent)


@pytest.mark.parametrize("name", ["PETS.ZIP", "pets", "pets.tar", "pets.zip.download"])
def test_a_zip_is_a_zip_whatever_it_is_called(tmp_path, name):
    path = tree(tmp_path / "made", FILES, ".zip").rename(tmp_path / name)
    assert len(index(path)) == 18


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("PETS.TAR.GZ", "w:gz"),
        ("pets", "w"),
        ("pets.zip", "w:gz"),
        ("pets.tbz2", "w:bz2"),
        ("pets.txz", "w:xz"),
    ],
)
def test_a_tar_is_a_tar_whatever_it_is_called(tmp_path, name, mode):
    root = tree(tmp_path / "made", FILES)
    with tarfile.open(tmp_path / name, mode) as archive:
        archive.add(root, "pets")
    assert len(index(tmp_path / name)) == 18


def test_a_zip_of_windows_has_backslashes(tmp_path):
    root = tree(tmp_path / "made", {"Train/cat": 4, "Train/dog": 4, "Test/cat": 2, "Test/dog": 2})
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        for file in sorted(root.rglob("*.jpg")):
            info = zipfile.ZipInfo("x")
            info.filename = str(file.relative_to(root)).replace("/", "\\")
            info.create_system = 0
            archive.writestr(info, file.read_bytes())
    manifest = index(tmp_path / "pets.zip")
    assert dict(manifest["split"].value_counts()) == {"train": 8, "test": 4}
    assert "Train/cat/0.jpg" in set(manifest["id"])


def test_a_name_of_windows_that_climbs_out_is_an_error(tmp_path):
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename, info.create_system = "..\\cat\\0.jpg", 0
        archive.writestr(info, jpeg_bytes(1))
    with pytest.raises(UserError, match="which points out of it"):
        index(tmp_path / "pets.zip")


def with_method(path, number):
    """Say in both places of a zip that its members are packed by another method."""
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        at = data.find(mark)
        while at >= 0:
            struct.pack_into("<H", data, at + offset, number)
            at = data.find(mark, at + 1)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("number", "method"),
    [
        (9, "Deflate64"),
        (93, "Zstandard"),
        (95, "xz"),
        (98, "PPMd"),
        (6, "Implode"),
        (77, "method 77"),
    ],
)
def test_methods_that_python_lacks_are_named(tmp_path, number, method):
    path = packed(tree(tmp_path / "pets", FILES), ".zip")
    with_method(path, number)
    with pytest.raises(
        UserError,
        match=rf"pets.zip is packed by {method}, which Python lacks; unpack it",
    ):
        index(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("pets.7z", b"7z\xbc\xaf\x27\x1c\0", "a 7z archive, which is not read; unpack it .7z x."),
        ("pets.zip", b"Rar!\x1a\x07\0", "a rar archive, which is not read"),
        ("pets.tar.zst", b"\x28\xb5\x2f\xfd\0", "compressed by Zstandard, which is not read"),
        ("pets.tar.lz4", b"\x04\x22\x4d\x18\0", "compressed by LZ4"),
        ("pets.tar.Z", b"\x1f\x9d\x90", r"compressed by compress \(.Z\)"),
        ("pets.tar.lzma", b"]\0\0\x80\0", "compressed by LZMA"),
        ("pets.zip", b"<!DOCTYPE html><title>Sign in", "a web page: was the download refused"),
        ("pets.tar", b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
        ("pets.zip", b"", "an empty file; fetch it again"),
        ("pets.iso", b"\0" * 0x8001 + b"CD001", "a disc image; mount it"),
        ("pets.zip.001", b"\0\1", r"join the parts first: cat pets.zip\* > pets.zip"),
        ("pets.tar.gzaa", b"\0\1", r"join the parts first: cat pets.tar.gz\* > pets.tar.gz"),
        ("labels.csv", b"a,b", "is neither a directory nor one of .tar"),
        ("pets.tar.gz", zlib.compress(b"x"), "damaged or truncated after 0 files"),
    ],
)
def test_what_is_no_archive_that_is_read_says_what_it_is(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"datasets.pets.path': .*{message}"):
        index(tmp_path / name)


def test_a_volume_of_several_says_so(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("cat/0.jpg", jpeg_bytes(1))
    data = bytearray(buffer.getvalue())
    end = data.rfind(b"PK\5\6")
    # a zip64 locator that counts two disks, before the end
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 0, 2)
    (tmp_path / "pets.zip").write_bytes(bytes(data[:end]) + locator + bytes(data[end:]))
    with pytest.raises(UserError, match="one of several volumes of an archive"):
        index(tmp_path / "pets.zip")
