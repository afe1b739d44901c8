"""What systems, editors and network drives leave between a user's files.

A class folder is never called so, and a copy that an editor or a file server keeps of an image is
no second image.
"""

import posixpath
import re

# Names of files and folders, lower case, by who leaves them.
_LEFT_BY = {
    **dict.fromkeys(("__macosx", "icon\r", "network trash folder", "temporary items"), "macOS"),
    **dict.fromkeys(
        (
            "thumbs.db",
            "ehthumbs.db",
            "ehthumbs_vista.db",
            "desktop.ini",
            "$recycle.bin",
            "recycler",
            "recycled",
            "msocache",
            "$av_asw",
            "$extend",
            "$winreagent",
            "system volume information",
            "picasa.ini",
            "zbthumbnail.info",
        ),
        "Windows",
    ),
    **dict.fromkeys(("#recycle", "#snapshot", "~snapshot"), "a network drive"),
    **dict.fromkeys(
        ("lost+found", "__pycache__", "cvs", "_gsdata_", "_vti_cnf", "_vti_pvt", "node_modules"),
        "a program",
    ),
}
# `@eaDir`, `@Recycle`, `@Transcode`, `@SynoResource`: Synology and QNAP begin theirs so.
_NETWORK_DRIVE = re.compile(r"@[a-z_]\w|syno(photo_thumb|index_|file_thumb|video_)", re.IGNORECASE)
# What `chkdsk` rescues, and streams that a copy from Windows turns into files: `x.jpg:Zone.…`
_WINDOWS = re.compile(r"found\.\d{3}|.*\.(db|[a-z]{3,4}):[\w.]+", re.IGNORECASE)
# Behind a whole name: copies that editors keep, and downloads that were not finished.
_COPIES = (
    *(".bak", ".orig", ".old", ".tmp", ".temp", ".swp", "~"),
    *(".part", ".partial", ".filepart", ".crdownload", ".download", ".opdownload", ".aria2"),
    *(".!ut", ".!qb", ".!bt", ".bc!", ".xltd"),
)
# `#x.jpg#` of Emacs, `~$x.jpg` of Office, `x.jpg.sb-1a2b3c4d-AbCdEf` of macOS, `x.jpg_original` of
# ExifTool
_COPY = re.compile(r"#.*#|~\$.*|.*\.sb-[0-9a-f]{8}-\w{6}|.*\.[a-z]{3,4}_original", re.IGNORECASE)

# Names that a class may have too, so that nothing is skipped by them: what they mostly hold.
COPIES, MASKS = "copies that programs keep", "masks or annotations"
_DOUBTFUL = {
    **dict.fromkeys(
        (
            *("originals", "recovery", "recovered", "rescued", "backup", "backups", "duplicates"),
            *("rejected", "rejects", "trash", "deleted", "thumbnails", "thumbs", "previews"),
            *("edited", "copies", "new folder", "untitled folder"),
        ),
        COPIES,
    ),
    **dict.fromkeys(
        ("mask", "masks", "ground_truth", "groundtruth", "annotations", "segmentations", "labels"),
        MASKS,
    ),
}


def doubtful(name: str) -> str:
    """Return what a class folder of such a name mostly holds, where that is no class; else "".

    Args:
        name: The class: its folders from the dataset's top.
    """
    return _DOUBTFUL.get(posixpath.basename(name).lower(), "")


def leftover(name: str) -> str:
    """Return why a path is no user's file, "" where it may be one.

    Args:
        name: The path from the dataset's top.
    """
    for part in name.split("/"):
        small = part.lower()
        if small in _LEFT_BY:
            return f"left by {_LEFT_BY[small]}"
        if _NETWORK_DRIVE.match(small):
            return "left by a network drive"
        if _WINDOWS.fullmatch(small):
            return "left by Windows"
        if part.startswith(".") and part not in (".", ".."):
            return "hidden"
    file = posixpath.basename(name).lower()
    if file.endswith(_COPIES) or _COPY.fullmatch(file):
        return "backup or unfinished copy"
    return ""
