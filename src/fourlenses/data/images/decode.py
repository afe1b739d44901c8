"""Decoding of image files to RGB pixels of a bounded size."""

import functools
import io
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import (
    AvifImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from fourlenses.core.patience import patiently
from fourlenses.data.images.content import Undecodable
from fourlenses.data.images.formats import HEAD, READ, format_of
from fourlenses.data.images.jpeg_header import read_header, why_not_read
from fourlenses.data.images.tiff import is_preview, is_tiff, pages_of, why_not_plain

# A picture of more pixels than this is refused, not decoded: 100 megapixels are 300 MB in memory.
MAX_PIXELS = 100_000_000
# Pillow's own guard warns, through a filter that all threads share; ours is in `open_picture`.
Image.MAX_IMAGE_PIXELS = None
# Prompts, XMP and colour profiles of a megabyte and more are common in PNGs; Pillow reads one.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = 1 << 26
# Importing these is what makes Pillow know them when formats are named.
PLUGINS = (TiffImagePlugin, WebPImagePlugin, Jpeg2KImagePlugin, AvifImagePlugin)
_ORIENTATION, _KIND_OF_PAGE = 0x0112, 254
_HEADER_BYTES = 4096  # of a JPEG without EXIF or a colour profile, all that lies before its data
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(data: bytes, size: int | None = None) -> Image.Image:
    """Return an RGB picture, upright.

    EXIF rotation is applied, transparency is laid over white; 16-bit, palette, CMYK and greyscale
    are converted.

    Args:
        data: Of an image file.
        size: Shortest side that the picture will be shrunk to, px. Then a JPEG more than 4 times as
            large comes at 1/2, 1/4 or 1/8 of its size, still at least twice as large: 1.5 to 2.5
            times faster and, shrunk, within 48 dB of the whole picture shrunk. (At least as large
            would be faster still, but only within 36 dB.) All of its bytes are read all the same.

    Raises:
        Undecodable: Empty, truncated, not an image, or larger than ``MAX_PIXELS``.
    """
    if not data:
        raise Undecodable("empty file")
    try:
        if is_tiff(data) and (why := why_not_plain(data)):
            raise Undecodable(f"a TIFF of {why}")
        image = open_picture(data)
        if image.mode == "F":
            raise Undecodable("floating-point numbers; set 'range' or 'percentiles'")
        if size is not None:
            image.draft(None, (2 * size, 2 * size))
        image.load()
        turn = _TURNS.get(_orientation(image))
        if turn is not None:
            image = image.transpose(turn)
        if image.mode.startswith("I;16") or image.mode == "I":
            # Pillow would clip 16-bit values at 255 instead of scaling them
            deep = np.asarray(image, np.uint32).clip(0, 65535)
            if is_tiff(data) and pages_of(data)[0].zero_is_white:  # as Pillow does for 8 bits
                deep = 65535 - deep
            image = Image.fromarray((deep >> 8).astype(np.uint8))
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return image if image.mode == "RGB" else image.convert("RGB")
    except Undecodable:
        raise
    # Pillow's readers raise anything on bad input: OSError, SyntaxError, struct.error, …
    except Exception as error:
        raise Undecodable(reason_of(error, data)) from None


def header_size(file: bytes | Path | Undecodable) -> tuple[int, int]:
    """Return width and height of the upright picture, from the header alone.

    (0, 0) for a file without one: the conversion will give the reason.
    """
    try:
        if isinstance(file, Path):
            header = read_header(
                patiently(functools.partial(first_bytes, file, _HEADER_BYTES), file)
            )
        else:
            header = read_header(file) if isinstance(file, bytes) else None
        if header and header.plain:  # a tenth of the time that Pillow takes to open a file
            too_large = header.width * header.height > MAX_PIXELS
            return (0, 0) if too_large else (header.width, header.height)
        with open_picture(file) as image:
            # a PNG may keep its EXIF behind the pixels, and a search for it would decode them
            has_exif = image.format in ("JPEG", "MPO", "TIFF") or "exif" in image.info
            turned = has_exif and _orientation(image) >= 5
            return image.size[::-1] if turned else image.size
    except Exception:
        return 0, 0


def first_bytes(file: Path, count: int) -> bytes:
    with open(file, "rb", buffering=0) as opened:
        return opened.read(count)


def open_picture(file: bytes | Path | Undecodable) -> Image.Image:
    """Open a picture, reading its header only.

    Raises:
        Undecodable: It is none, or is larger than ``MAX_PIXELS``.
        Exception: Pillow's readers may raise anything on bad input.
    """
    if isinstance(file, Undecodable):
        raise file
    image = Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=READ)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _skip_previews(image)
    if image.width * image.height > MAX_PIXELS:
        raise Undecodable(f"{image.width}x{image.height}, more than {MAX_PIXELS} pixels")
    return image


def _skip_previews(image: TiffImagePlugin.TiffImageFile) -> None:
    """Go to the first page that is the picture itself: some programs put a small copy before it."""
    page = 0
    while is_preview(image.tag_v2.get(_KIND_OF_PAGE, 0)):
        page += 1
        try:
            image.seek(page)
        except EOFError:  # there are previews only
            image.seek(0)
            return


def _orientation(image: Image.Image) -> int:
    """Return EXIF's 1 (upright) to 8; 1 for an EXIF block that cannot be read."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1
    return orientation if orientation in _TURNS else 1


def reason_of(error: Exception, data: bytes) -> str:
    """Return why a reader of Pillow could not read some bytes."""
    if why := why_not_read(data):
        return why
    if not isinstance(error, UnidentifiedImageError):
        return f"{type(error).__name__}: {error}"
    # Pillow's message has an address in memory, different in every run, and a sidecar has not
    kind = format_of(data[:HEAD], "")
    if kind.name == "Git LFS pointer":
        return "a Git LFS pointer, not the image; run git lfs pull"
    if kind.name == "git-annex pointer":
        return "a git-annex pointer, not the image; run git annex get"
    if kind.name == "web page":
        return "a web page, not the image: was its download refused?"
    if kind.name and not kind.read:
        return f"{kind.name}, which is not read; convert it to PNG or JPEG"
    return "UnidentifiedImageError: no picture of a known kind"


def shrink(pixels: np.ndarray, size: int) -> np.ndarray:
    """Shrink a picture: antialiased (bicubic), with its aspect ratio, never enlarged.

    By torch, whose vector instructions take a fifth of Pillow's time for the same filter (and an
    eighth of its Lanczos').

    Args:
        pixels: uint8 (height, width, 3).
        size: Shortest side of the result at most, px.
    """
    shortest = min(pixels.shape[:2])
    if shortest <= size:
        return pixels
    torch = _torch()
    shape = [max(size, round(side * size / shortest)) for side in pixels.shape[:2]]
    whole = torch.from_numpy(pixels if pixels.flags.writeable else pixels.copy())
    # channels last in memory, the strides of the first dimension included: then they are last in
    # the result too, and nothing is copied
    images = whole.view(1, *whole.shape).permute(0, 3, 1, 2)
    shrunk = torch.nn.functional.interpolate(images, shape, mode="bicubic", antialias=True)
    return shrunk[0].permute(1, 2, 0).contiguous().numpy()


def divisor_of(shortest: int, size: int) -> int:
    """Return 8, 4, 2 or 1: the most that a JPEG's sides may be divided by when it is decoded.

    It is then still at least twice as large as ``size`` (see `decode`).

    Args:
        shortest: Shortest side of the JPEG, px.
        size: Shortest side that it will be shrunk to, px.
    """
    return next((divisor for divisor in (8, 4, 2) if shortest >= 2 * size * divisor), 1)


@functools.cache
def _torch() -> ModuleType:
    import torch  # a second, which only those pay who shrink

    # images are shrunk in parallel; threads inside one would only wait for each other
    torch.set_num_threads(1)
    return torch


def fits_as_stored(data: bytes, size: int) -> bool:
    """Return whether the bytes are a JPEG that goes into a beton as it is.

    RGB or grey, upright, with its shortest side at most ``size`` px.
    """
    try:
        image = open_picture(data)
    except Exception:
        return False
    return (
        image.format == "JPEG"
        and image.mode in ("RGB", "L")
        and _orientation(image) == 1
        and min(image.size) <= size
    )
