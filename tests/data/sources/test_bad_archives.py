"""Archives with odd members: links, paths that climb out, names that occur twice, passwords."""

import tarfile
import zipfile

import numpy as np
import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.images.decode import decode
from tests.helpers.conversions import convert
from tests.helpers.odd_files import good, packed, tar_of
from tests.helpers.pictures import jpeg_bytes

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
        match=r"datasets.animals.path': the archive .*animals.tar has a member named "
        r"'.*escaped.jpg', which points",
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
    with pytest.raises(UserError, match=r"animals.zip is encrypted; unpack it"):
        convert(archive, tmp_path / "out")
