"""Kinds of archives by their first bytes, and what to do about those that are not read."""

from pathlib import Path

_HEAD = 0x8006  # a disc image's mark stands at 0x8001
ZIP, TAR = "zip", "tar"
SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".zip")
_READ = (
    (b"PK\3\4", ZIP),
    (b"PK\5\6", ZIP),
    (b"PK\7\x08", ZIP),
    (b"\x1f\x8b", TAR),
    (b"BZh", TAR),
    (b"\xfd7zXZ", TAR),
)
_OTHERS = (
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "7z x"),
    (b"Rar!\x1a\x07", "a rar archive", "unrar x"),
    (b"\x28\xb5\x2f\xfd", "compressed by Zstandard", "zstd -d"),
    (b"\x04\x22\x4d\x18", "compressed by LZ4", "lz4 -d"),
    (b"\x1f\x9d", "compressed by compress (.Z)", "uncompress"),
    (b"\x1f\xa0", "compressed by compress (.Z)", "uncompress"),
    (b"LZIP", "compressed by lzip", "lzip -d"),
    (b"\x89LZO", "compressed by lzop", "lzop -d"),
    (b"]\0\0", "compressed by LZMA", "xz -d"),
    (b"MSCF", "a Windows cabinet", "cabextract"),
    (b"xar!", "a xar archive", "xar -x"),
    (b"hsqs", "a SquashFS image", "unsquashfs"),
    (b"!<arch>", "a Unix library or Debian package", "ar x"),
    (b"070701", "a cpio archive", "cpio -i"),
    (b"070707", "a cpio archive", "cpio -i"),
)
_TEXTS = (
    (b"<!doctype html", "a web page: was the download refused?"),
    (b"<html", "a web page: was the download refused?"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file; run git lfs pull"),
)
# Of zip's methods those that Python lacks (APPNOTE.TXT, 4.4.5).
ZIP_METHODS = {
    1: "Shrink",
    6: "Implode",
    9: "Deflate64",
    10: "PKWARE's DCL Implode",
    93: "Zstandard",
    95: "xz",
    96: "JPEG",
    97: "WavPack",
    98: "PPMd",
    99: "AES encryption",
}


def is_archive(name: str) -> bool:
    """Return whether a name ends as those of archives that are read do, in any case."""
    return name.lower().endswith(SUFFIXES)


def kind_of(path: Path) -> tuple[str, str]:
    """Return `ZIP` or `TAR` and "", or "" and what the file is instead, with the remedy.

    Both are "" where the bytes do not say: a tar's first bytes are a name.
    """
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    kind = next((kind for start, kind in _READ if head.startswith(start)), "")
    if kind or head[257:262] == b"ustar":
        return kind or TAR, ""
    if not head:
        return "", "an empty file; fetch it again"
    text = head[:100].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for start, what in _TEXTS:
        if text.startswith(start):
            return "", what
    for start, what, program in _OTHERS:
        if head.startswith(start):
            remedy = f"unpack it ({program}) and point the key at the folder"
            return "", f"{what}, which is not read; {remedy}"
    if head[0x8001:0x8006] == b"CD001":
        return "", "a disc image; mount it, or copy its files, and point the key at the folder"
    return "", ""
