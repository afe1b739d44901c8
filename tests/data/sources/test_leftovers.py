"""What systems, editors and network drives leave between images is skipped, and counted."""

import os

import pytest

from fourlenses.data.manifest.skipped import skipped_of
from tests.data.sources.test_trees import classes, index
from tests.helpers.trees import KINDS, tree

LEFTOVERS = {
    "__MACOSX/pets/{}/cat/._0.jpg": "left by macOS",
    "{}/cat/._0.jpg": "hidden",
    "{}/.ipynb_checkpoints/0-checkpoint.jpg": "hidden",
    "{}/cat/.ipynb_checkpoints/0-checkpoint.jpg": "hidden",
    ".git/0.jpg": "hidden",
    ".Trash-1000/files/0.jpg": "hidden",
    ".@__thumb/0.jpg": "hidden",
    "{}/cat/@eaDir/0.jpg/SYNOPHOTO_THUMB_M.jpg": "left by a network drive",
    "#recycle/0.jpg": "left by a network drive",
    "#snapshot/hourly/cat/0.jpg": "left by a network drive",
    "$RECYCLE.BIN/0.jpg": "left by Windows",
    "{}/cat/Thumbs.db": "left by Windows",
    "System Volume Information/x.jpg": "left by Windows",
    "lost+found/0.jpg": "left by a program",
    "{}/cat/0.jpg~": "backup or unfinished copy",
    "{}/cat/0.jpg.bak": "backup or unfinished copy",
    "{}/cat/0.jpg.crdownload": "backup or unfinished copy",
    ".AppleDouble/0.jpg": "hidden",
    "{}/cat/.picasaoriginals/0.jpg": "hidden",
    ".snapshot/hourly/cat/0.jpg": "hidden",
    "{}/cat/.0.jpg.icloud": "hidden",
    "@Transcode/cat/0.jpg": "left by a network drive",
    "@SnapShot/0.jpg": "left by a network drive",
    "{}/cat/_vti_cnf/0.jpg": "left by a program",
    "found.001/0.jpg": "left by Windows",
    "MSOCache/0.jpg": "left by Windows",
    "$AV_ASW/0.jpg": "left by Windows",
    "{}/cat/0.jpg:Zone.Identifier": "left by Windows",
    "{}/cat/Thumbs.db:encryptable": "left by Windows",
    "{}/cat/0.jpg.!qB": "backup or unfinished copy",
    "{}/cat/0.jpg_original": "backup or unfinished copy",
    "{}/cat/0.jpg.sb-1a2b3c4d-AbCdEf": "backup or unfinished copy",
    "{}/cat/#0.jpg#": "backup or unfinished copy",
    "{}/cat/~$0.jpg": "backup or unfinished copy",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("given", [True, False])
def test_what_systems_leave_behind_is_skipped_and_counted(tmp_path, kind, given):
    top = "pets/train" if given else "pets"
    files = {f"{top}/cat": 9, f"{top}/dog": 9}
    if given:
        files |= {"pets/val/cat": 3, "pets/val/dog": 3}
    clean = index(tree(tmp_path / "clean", files, kind))
    files |= {name.format(top): b"" for name in LEFTOVERS}
    manifest = index(tree(tmp_path / "pets", files, kind))
    assert set(manifest["id"]) == set(clean["id"])
    assert classes(manifest) == ["cat", "dog"]
    expected = list(LEFTOVERS.values())
    assert {reason: entry["files"] for reason, entry in skipped_of(manifest).items()} == {
        reason: expected.count(reason) for reason in set(expected)
    }


def test_a_folder_that_the_system_keeps_to_itself_ends_nothing(tmp_path, monkeypatch):
    root = tree(tmp_path / "pets", {"cat": 9, "dog": 9, "lost+found": 1})
    real = os.scandir

    def guarded(folder):
        if str(folder).endswith("lost+found"):
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", guarded)
    assert len(index(root)) == 18
