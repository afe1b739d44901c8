"""What systems, editors and network drives leave between a user's files.

A class folder is never called so, and a copy that an editor or a file server keeps of an image is
no second image.
"""

import posixpath

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
            "system volume information",
            "found.000",
            "picasa.ini",
        ),
        "Windows",
    ),
    **dict.fromkeys(
        (
            "@eadir",
            "@recycle",
            "@recently-snapshot",
            "@__thumb",
            "@tmp",
            "@sharebin",
            "@sharesnap",
            "#recycle",
            "#snapshot",
            "~snapshot",
        ),
        "a network drive",
    ),
    **dict.fromkeys(("lost+found", "__pycache__", "cvs", "_gsdata_"), "a program"),
}
_THUMBNAILS = ("synophoto_thumb", "synoindex_", "synofile_thumb", "synovideo_")
# Behind a whole name: copies that editors keep, and downloads that were not finished.
_COPIES = (
    *(".bak", ".orig", ".old", ".tmp", ".temp", ".swp", "~"),
    *(".part", ".partial", ".filepart", ".crdownload", ".download", ".opdownload", ".aria2"),
)


def leftover(name: str) -> str:
    """Return why a path is no user's file, "" where it may be one.

    Args:
        name: The path from the dataset's top.
    """
    for part in name.split("/"):
        small = part.lower()
        if small in _LEFT_BY:
            return f"left by {_LEFT_BY[small]}"
        if small.startswith(_THUMBNAILS):
            return "left by a network drive"
        if part.startswith(".") and part not in (".", ".."):
            return "hidden"
    if posixpath.basename(name).lower().endswith(_COPIES):
        return "backup or unfinished copy"
    return ""
