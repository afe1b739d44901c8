"""Trees of images as people have them: from a list of paths to a folder, a zip or a tar."""

import tarfile
import zipfile
from pathlib import Path

from tests.helpers.pictures import jpeg_bytes

KINDS = ("directory", ".zip", ".tar")


def tree(root: Path, files: dict[str, bytes | int] | list[str], kind: str = "directory") -> Path:
    """Write files and return the path of their folder or archive.

    Args:
        root: The folder, or the archive's name without its ending.
        files: Content by path; a number is that many JPEGs `0.jpg`, `1.jpg`, … in a folder of that
            path. A list is of JPEGs.
        kind: One of `KINDS`.
    """
    contents: dict[str, bytes] = {}
    entries = files if isinstance(files, dict) else dict.fromkeys(files, b"")
    for path, what in entries.items():
        if isinstance(what, int):
            for number in range(what):
                contents[f"{path}/{number}.jpg"] = jpeg_bytes(len(contents))
        else:
            contents[path] = what or jpeg_bytes(len(contents))
    if kind == ".zip":
        with zipfile.ZipFile(f"{root}.zip", "w") as archive:
            for path, data in contents.items():
                archive.writestr(path, data)
        return Path(f"{root}.zip")
    for path, data in contents.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    if kind == "directory":
        return root
    with tarfile.open(f"{root}.tar", "w") as archive:
        for path in contents:
            archive.add(root / path, path)
    return Path(f"{root}.tar")
