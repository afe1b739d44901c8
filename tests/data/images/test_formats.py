"""Formats by content: what is read whatever its name, and what is named that is not read."""

import io

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fourlenses.data.dataset import index_dataset
from fourlenses.data.images.content import Undecodable
from fourlenses.data.images.decode import decode
from fourlenses.data.images.formats import format_of
from fourlenses.data.manifest.skipped import skipped_of
from tests.helpers.pictures import jpeg_bytes, picture
from tests.helpers.trees import tree


def saved(form, **options):
    buffer = io.BytesIO()
    picture(1).save(buffer, form, **options)
    return buffer.getvalue()


READ = {
    "JPEG": ("x.jfif", jpeg_bytes(1)),
    "JPEG without an ending": ("x", jpeg_bytes(1)),
    "JPEG of the cache of a browser": ("x.download.php", jpeg_bytes(1)),
    "PNG": ("x.apng", saved("PNG")),
    "GIF": ("x.giff", saved("GIF")),
    "BMP": ("x.dib", saved("BMP")),
    "WEBP": ("x.image", saved("WEBP")),
    "TIFF": ("x.tf8", saved("TIFF")),
    "PPM": ("x.pnm", saved("PPM")),
    "JPEG2000": ("x.jp2", saved("JPEG2000")),
    "AVIF": ("x.avif", saved("AVIF")),
    "JPEG and a second picture, of a phone": ("x.mpo", saved("MPO", save_all=True)),
}
FRAME = jpeg_bytes(1).index(b"\xff\xc0")
DEEP = jpeg_bytes(1)[: FRAME + 4] + b"\x0c" + jpeg_bytes(1)[FRAME + 5 :]  # 12 bits a value
LOSSLESS = jpeg_bytes(1)[:FRAME] + b"\xff\xc3" + jpeg_bytes(1)[FRAME + 2 :]
NOT_READ = {
    "HEIC": ("x.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
    "HEIC in a .JPG of a phone": ("x.jpeg.heics", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
    "JPEG XL": ("x.jxl", b"\xff\x0a\x00\x00"),
    "camera raw": ("x.nef", b"MM\0*\0\0\0\x08"),
    "camera raw of Canon": ("x.bin", b"II*\0\x10\0\0\0CR\2\0"),
    "DICOM": ("x", b"\0" * 128 + b"DICM"),
    "Photoshop": ("x.psd", b"8BPS\0\1"),
    "slide": ("x.svs", b"II*\0\x10\0\0\0"),
    "NumPy array": ("x.npy", b"\x93NUMPY\1\0"),
    "video": ("x.mp4", b"\0\0\0\x18ftypisom"),
    "SVG": ("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    "HDF5": ("x.h5", b"\x89HDF\r\n\x1a\n"),
    "PCX": ("x.pcx", saved("PCX")),
    "SGI image": ("x.rgb", saved("SGI")),
    "DDS texture": ("x.dds", saved("DDS")),
    "QOI": ("x.qoi", saved("QOI")),
    "PFM": ("x.pfm", b"PF\n8 8\n-1.0\n"),
    "PAM": ("x.pam", b"P7\nWIDTH 8\n"),
    "Targa": ("x.tga", saved("TGA")),
    "icon": ("x.ico", saved("ICO")),
    "JPEG-LS": ("x.jls", b"\xff\xd8\xff\xf7\0"),
    "SVG with a declaration": ("x.drawing", b"<?xml version='1.0'?>\n<!-- x --><svg/>"),
}
TEXTS = {"x.txt": b"BM is no picture", "x.md": b"P5 is a grey map", "x.csv.txt": b"GIF, PNG"}


@pytest.mark.parametrize("kind", ["directory", ".zip"])
def test_images_are_known_by_their_content(tmp_path, kind):
    files = {"cat": 9, "dog": 9}
    files |= {f"cat/{number}{name}": data for number, (name, data) in enumerate(READ.values())}
    path = tree(tmp_path / "pets", files, kind)
    manifest = index_dataset("pets", {"source": "image_folder", "path": path.name}, tmp_path)
    assert len(manifest) == 18 + len(READ)
    assert skipped_of(manifest) == {}
    assert set(zip(manifest["width"], manifest["height"], strict=True)) == {(40, 36)}


@pytest.mark.parametrize("case", READ)
def test_what_is_read_is_decoded(case):
    name, data = READ[case]
    assert format_of(data, name) == (case.split()[0], True)
    assert np.abs(np.asarray(decode(data), int) - np.asarray(picture(1), int)).mean() < 30


def test_formats_that_are_not_read_are_named_and_counted(tmp_path):
    files = {"cat": 9, "dog": 9}
    files |= {f"cat/{number}{name}": data for number, (name, data) in enumerate(NOT_READ.values())}
    path = tree(tmp_path / "pets", files | {f"dog/{name}": data for name, data in TEXTS.items()})
    manifest = index_dataset("pets", {"source": "image_folder", "path": path.name}, tmp_path)
    assert len(manifest) == 18
    skipped = skipped_of(manifest)
    names = {case.split(" in ")[0].split(" of ")[0].split(" with ")[0] for case in NOT_READ}
    assert {f"{name}, which is not read" for name in names} <= set(skipped)
    assert sum(entry["images"] for entry in skipped.values()) == len(NOT_READ)
    assert sum(entry["files"] for entry in skipped.values()) == len(NOT_READ) + len(TEXTS)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (NOT_READ["HEIC"][1], "HEIC, which is not read; convert it to PNG or JPEG"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer, not the image"),
        (b"<!DOCTYPE html><html>log in", "a web page, not the image"),
        (b"/annex/objects/SHA256E-s1--x.jpg", "a git-annex pointer, not the image; run git annex"),
        (b"\0\1\2", "no picture of a known kind"),
        (b"\r\n" + jpeg_bytes(1), "^a JPEG behind 2 other bytes; remove those$"),
        (b"\xef\xbb\xbf" + jpeg_bytes(1), "^a JPEG behind 3 other bytes"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + jpeg_bytes(1), "^a JPEG behind 19 other bytes"),
        (DEEP, "^a JPEG of 12 bits a value; convert it to a PNG of 16 bits$"),
        (LOSSLESS, "^a lossless JPEG; convert it to PNG$"),
    ],
)
def test_what_is_called_jpg_and_is_none_says_what_it_is(data, reason):
    with pytest.raises(Undecodable, match=reason):
        decode(data)


@pytest.mark.parametrize("kind", ["text", "compressed text", "international", "profile", "many"])
def test_a_png_with_a_long_text_or_profile_is_read(kind):
    about, options = PngInfo(), {}
    text = "a prompt, " * 130_000
    if kind == "profile":
        options = {"icc_profile": text.encode()}
    elif kind == "international":
        about.add_itxt("XML:com.adobe.xmp", text, zip=True)
    else:
        for number in range(5 if kind == "many" else 1):
            about.add_text(f"prompt {number}", text, zip=kind != "text")
    data = saved("PNG", pnginfo=about, **options)
    assert np.array_equal(np.asarray(decode(data)), np.asarray(picture(1)))


def test_a_text_that_grows_without_end_is_undecodable():
    about = PngInfo()
    about.add_text("bomb", "a" * ((1 << 26) + 1), zip=True)
    with pytest.raises(Undecodable, match="too large"):
        decode(saved("PNG", pnginfo=about))


def test_a_palette_of_pixels_is_no_text():
    buffer = io.BytesIO()
    Image.new("1", (8, 8)).save(buffer, "PPM")
    assert format_of(buffer.getvalue(), "x").name == "PPM"
