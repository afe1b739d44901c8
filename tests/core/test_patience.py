"""Reads that fail for a moment, on a file system over the network, are tried again."""

import builtins
import errno
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from fourlenses.core import patience
from fourlenses.core.patience import PatientFile, open_patiently, patiently

ENDS = (".jpg", "")  # what has no ending is known by its first bytes


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSES", (0.0, 0.0, 0.0))


class FailingReads:
    """os.pread that fails at some calls."""

    def __init__(self, number: int, calls: range) -> None:
        self.number, self.calls, self.count, self.real = number, calls, 0, os.pread

    def __call__(self, *arguments: int) -> bytes:
        self.count += 1
        if self.count - 1 in self.calls:
            raise OSError(self.number, os.strerror(self.number))
        return self.real(*arguments)


@pytest.mark.parametrize(
    "number", [errno.ESTALE, errno.EIO, errno.ETIMEDOUT, errno.EAGAIN, errno.ENOTCONN]
)
@pytest.mark.parametrize("times", [1, 3])
def test_a_passing_fault_changes_nothing(
    number: int, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * 1000)
    monkeypatch.setattr(os, "pread", FailingReads(number, range(2, 2 + times)))
    with open_patiently(file) as opened:
        assert opened.read() == file.read_bytes()
        assert opened.seek(-6, os.SEEK_END) == 255994
        assert opened.read() == bytes(range(250, 256))


def test_a_lasting_fault_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    monkeypatch.setattr(os, "pread", FailingReads(errno.EIO, range(100)))
    with pytest.raises(OSError, match=f"Input/output error: '{file}'"):
        PatientFile(file).pread(3, 0)


def test_another_error_is_not_tried_again(tmp_path: Path) -> None:
    tries = []

    def action() -> None:
        tries.append(1)
        raise PermissionError(errno.EACCES, "denied")

    with pytest.raises(PermissionError):
        patiently(action, tmp_path)
    assert len(tries) == 1


@pytest.mark.parametrize("end", [".zip", ".tar", ".tar.gz"])
def test_archives(end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fourlenses.data.archives.archives import members

    picture = tmp_path / "1.jpg"
    picture.write_bytes(os.urandom(300_000))
    archive = tmp_path / f"pets{end}"
    if end == ".zip":
        with zipfile.ZipFile(archive, "w") as packed:
            packed.write(picture, "cat/1.jpg")
    else:
        with tarfile.open(archive, "w:gz" if end == ".tar.gz" else "w") as tar:
            tar.add(picture, "cat/1.jpg")
    monkeypatch.setattr(os, "pread", FailingReads(errno.ESTALE, range(3, 5)))
    assert list(members(archive, "pets")) == [("cat/1.jpg", picture.read_bytes())]


class Faulty:
    """A call that fails once for each path that it is asked for."""

    def __init__(self, real) -> None:  # type: ignore[no-untyped-def]
        self.real, self.asked = real, set()

    def __call__(self, path, *arguments, **options):  # type: ignore[no-untyped-def]
        written = str(path).endswith(".part")  # reads alone are tried again
        if isinstance(path, str | Path) and str(path) not in self.asked and not written:
            self.asked.add(str(path))
            raise OSError(errno.ESTALE, "Stale file handle", str(path))
        return self.real(path, *arguments, **options)


@pytest.mark.parametrize("source", ["image_folder", "unlabelled", "manifest"])
def test_a_dataset_of_which_every_file_and_folder_fails_once(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas as pd

    from fourlenses.core.files import read_json, write_json
    from fourlenses.data.dataset import images_of_dataset, index_dataset
    from fourlenses.data.manifest.manifest import read_manifest, write_manifest
    from tests.helpers.trees import tree

    names = [
        f"{pet}/{number}{end}" for pet in ("cat", "dog") for number in range(5) for end in ENDS
    ]
    root = tree(tmp_path / "pets", names)
    rows = pd.DataFrame({"path": names, "split": ["train", "test"] * 10})
    rows["level:class"] = rows["path"].str[:3]
    rows.to_parquet(tmp_path / "rows.parquet")
    definition = {"source": source, "path": "pets"}
    if source == "manifest":
        definition["manifest"] = str(tmp_path / "rows.parquet")
    write_json(tmp_path / "record.json", {"a": 1})
    with monkeypatch.context() as patch:
        for module, name in ((os, "scandir"), (io, "open"), (builtins, "open")):
            patch.setattr(module, name, Faulty(getattr(module, name)))
        patch.setattr(os, "pread", FailingReads(errno.EIO, range(0, 40, 3)))
        manifest = index_dataset("pets", definition, tmp_path)
        assert sorted(manifest["path"]) == sorted(names)
        write_manifest(manifest, tmp_path / "manifest.parquet")
        read = read_manifest(tmp_path / "manifest.parquet")
        images = images_of_dataset("pets", definition, tmp_path, manifest=read, size=32)
        contents = [image() for image in images]
        assert read_json(tmp_path / "record.json") == {"a": 1}
    assert contents == [(root / name).read_bytes() for name in manifest["path"]]


def test_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas as pd

    from fourlenses.data.dataset import images_of_dataset, index_dataset

    rows = [{"image": {"bytes": os.urandom(300_000)}, "label": number % 2} for number in range(9)]
    (tmp_path / "food").mkdir()
    pd.DataFrame(rows).to_parquet(tmp_path / "food" / "train-00000-of-00001.parquet")
    definition = {"source": "parquet", "path": "food", "label_column": "label"}
    failing = FailingReads(errno.ESTALE, range(0, 60, 4))
    monkeypatch.setattr(os, "pread", failing)
    manifest = index_dataset("food", definition, tmp_path)
    images = images_of_dataset("food", definition, tmp_path, manifest=manifest, size=32)
    assert list(images) == [row["image"]["bytes"] for row in rows]
    assert failing.count > 10
    monkeypatch.setattr(os, "pread", FailingReads(errno.EIO, range(10_000)))
    with pytest.raises(OSError, match="Input/output error"):
        index_dataset("food", definition, tmp_path)


def test_a_program_says_what_cannot_be_read() -> None:
    program = (
        "import errno\nfrom fourlenses.core.cli import run\n"
        "def main(): raise OSError(errno.EIO, 'Input/output error', '/data/1.jpg')\nrun(main)"
    )
    end = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert end.returncode == 2
    assert end.stderr == (
        "fourlenses: /data/1.jpg: Input/output error; see that the disk, or the server it belongs "
        "to, is reachable, then run it again\n"
    )
