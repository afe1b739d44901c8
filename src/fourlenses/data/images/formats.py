"""Formats of files by their first bytes, whatever their names end in.

A name's ending is asked only where the bytes do not decide: camera files are TIFFs inside, of which
a reader would take the thumbnail for the photograph.
"""

import posixpath
import re
from typing import NamedTuple

# Bytes that `format_of` needs: DICOM's mark stands at 128.
HEAD = 160
# Pillow reads many more; some run programs on what they find (EPS is handed to Ghostscript).
READ = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF")
_JPEG_XL = b"\0\0\0\x0cJXL \r\n\x87\n"
_STARTS = (
    (b"\xff\xd8\xff\xf7", "JPEG-LS"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "BigTIFF"),
    (b"MM\0+", "BigTIFF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"\xff\x0a", "JPEG XL"),
    (_JPEG_XL, "JPEG XL"),
    (b"8BPS", "Photoshop"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance"),
    (b"SIMPLE  =", "FITS"),
    (b"\0\0\1\0", "icon"),
    (b"IIRO", "camera raw"),
    (b"IIU\0", "camera raw"),
    (b"FUJIFILMCCD-RAW", "camera raw"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"\x93NUMPY", "NumPy array"),
    (b"%PDF-", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\x0a\x05\x01", "PCX"),
    (b"\x01\xda", "SGI image"),
    (b"DDS ", "DDS texture"),
    (b"qoif", "QOI"),
    (b"FLIF", "FLIF"),
    (b"BPG\xfb", "BPG"),
    (b"icns", "icon"),
    (b"PF\n", "PFM"),
    (b"Pf\n", "PFM"),
    (b"P7\n", "PAM"),
    (b"SDPX", "DPX"),
    (b"XPDS", "DPX"),
    (b"AT&TFORM", "DjVu"),
    (b"gimp xcf", "GIMP"),
    (b"version https://git-lfs", "Git LFS pointer"),
    (b"/annex/objects/", "git-annex pointer"),
    (b"PK\3\4", "zip archive"),
    (b"\x1f\x8b", "gzip file"),
    (b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (b"Rar!\x1a\x07", "rar archive"),
)
_BRANDS = {  # of the ISO base media format, after "ftyp"
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "HEIC"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    b"crx ": "camera raw",
}
_CAMERA = (".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".pef", ".srw", ".raf", ".3fr")
# What no bytes give away, or only late ones.
_ENDINGS = {
    **dict.fromkeys(_CAMERA, "camera raw"),
    **dict.fromkeys((".tga", ".vda", ".icb"), "Targa"),
    **dict.fromkeys((".svg", ".svgz"), "SVG"),
    **dict.fromkeys((".wmf", ".emf"), "Windows metafile"),
    **dict.fromkeys((".xbm", ".xpm"), "X bitmap"),
    **dict.fromkeys((".heic", ".heif", ".hif"), "HEIC"),
    **dict.fromkeys((".jxl",), "JPEG XL"),
    **dict.fromkeys((".dcm", ".dicom"), "DICOM"),
    **dict.fromkeys((".nii", ".mha", ".mhd", ".nrrd"), "volume"),
    **dict.fromkeys((".czi", ".lif", ".nd2", ".oib", ".oif", ".vsi", ".lsm"), "microscope file"),
    **dict.fromkeys((".svs", ".ndpi", ".scn", ".mrxs", ".bif"), "slide"),
    **dict.fromkeys((".mp4", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".wmv"), "video"),
    **dict.fromkeys((".npy", ".npz"), "NumPy array"),
    **dict.fromkeys((".h5", ".hdf5", ".mat"), "HDF5"),
}
# TIFFs inside, of which Pillow would take a thumbnail or one of many pictures.
_NOT_AS_TIFF = ("camera raw", "microscope file", "slide")
# Formats that are no pictures, or not one of one object.
_NO_PICTURES = {"PDF", "PostScript", "zip archive", "gzip file", "7z archive", "rar archive"}


class Format(NamedTuple):
    """What a file is.

    Attributes:
        name: For messages; "" for none that is known.
        read: Whether `decode` reads it.
    """

    name: str
    read: bool = False

    @property
    def looks_like_an_image(self) -> bool:
        """Whether somebody who put it into a dataset may have meant an image."""
        return bool(self.name) and self.name not in _NO_PICTURES


def format_of(head: bytes, name: str) -> Format:
    """Return the format of a file.

    Args:
        head: Its first `HEAD` bytes.
        name: Its name, for the formats whose bytes are those of another.
    """
    ending = _ENDINGS.get(posixpath.splitext(name)[1].lower(), "")
    by_content = _by_content(head)
    if by_content == "TIFF" and (head[8:10] == b"CR" or ending in _NOT_AS_TIFF):
        return Format(ending or "camera raw")
    # an ending alone is no proof where the bytes say another thing
    found = by_content or ending
    return Format(found, read=found in READ and bool(by_content))


def _by_content(head: bytes) -> str:
    start = next((name for start, name in _STARTS if head.startswith(start)), None)
    if start:
        return start
    if head[:4] == b"RIFF":
        return {b"WEBP": "WEBP", b"AVI ": "video"}.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        brand = _BRANDS.get(head[8:12], "video")
        # `mif1` is any image of the family; the brands after it say which
        return "AVIF" if head[8:12] == b"mif1" and b"avif" in head[16:64] else brand
    # two letters are not much: a text may begin with them
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0" and head[14:18] in _BMP_HEADERS:
        return "BMP"
    if re.match(rb"P[1-6]\s(#|\s|\d)", head):
        return "PPM"
    if head[128:132] == b"DICM":
        return "DICOM"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "web page"
    return "SVG" if text.startswith((b"<svg", b"<?xml")) and b"<svg" in text else ""


_BMP_HEADERS = {size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124)}
