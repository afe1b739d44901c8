"""Files as they should not be, and archives as they may be, for tests."""

import io
import os
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from tests.helpers.pictures import jpeg_bytes, picture


def encoded(image: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(picture(1), "JPEG", exif=exif)


def broken_exif() -> bytes:
    return encoded(picture(1), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")


def deep() -> Image.Image:
    return Image.fromarray(np.arange(36 * 40, dtype=np.uint16).reshape(36, 40) * 45)


def clear() -> Image.Image:
    image = picture(1).convert("RGBA")
    image.putalpha(
        Image.fromarray(np.where(np.arange(40) < 20, 0, 255).astype(np.uint8)[None].repeat(36, 0))
    )
    return image


def bomb() -> bytes:
    """A 50 GB picture in some hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 200_000, 90_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def grey(pixels: np.ndarray) -> np.ndarray:
    return np.repeat(pixels[..., None], 3, 2)


def over_white() -> np.ndarray:
    pixels = np.asarray(picture(1)).copy()
    pixels[:, :20] = 255
    return pixels


def good(root: Path) -> Path:
    for split in ("train", "val"):
        for number, name in enumerate(("ant", "bee")):
            (root / split / name).mkdir(parents=True)
            for index in range(2):
                (root / split / name / f"{index}.jpg").write_bytes(jpeg_bytes(10 * number + index))
    return root


class RawName(zipfile.ZipInfo):
    """A name as the usual zip programs write it: any bytes, without the mark for UTF-8."""

    def _encodeFilenameFlags(self):
        return os.fsencode(self.filename), 0


def packed(root: Path, kind: str) -> Path:
    if kind == "directory":
        return root
    archive = root.with_suffix(kind)
    names = sorted(root.rglob("*"))
    if kind == ".zip":
        with zipfile.ZipFile(archive, "w") as file:
            for name in names:
                info = RawName(name.relative_to(root).as_posix() + "/" * name.is_dir())
                if not name.is_dir():
                    file.writestr(info, name.read_bytes())
    else:
        with tarfile.open(archive, "w:gz" if kind == ".tar.gz" else "w") as file:
            for name in names:
                file.add(name, name.relative_to(root).as_posix(), recursive=False)
    return archive


def tar_of(path: Path, entries: list[tuple]) -> Path:
    """Write a tar of four images that make a dataset, and of more entries.

    Args:
        entries: (name, content) for a file, (name, type, target) for a link.
    """
    base = [
        (f"{split}/{name}/0.jpg", jpeg_bytes(number))
        for split in ("train", "val")
        for number, name in enumerate(("ant", "bee"))
    ]
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, *what in [*base, *entries]:
            info = tarfile.TarInfo(name)
            if len(what) == 2:
                info.type, info.linkname = what
                archive.addfile(info)
            else:
                info.size = len(what[0])
                archive.addfile(info, io.BytesIO(what[0]))
    return path


def noisy_folder(root: Path) -> Path:
    """Write five JPEGs of about 5 MB that fit a stored size of 64 px.

    Some kilobytes are expected of each.
    """
    for number, folder in enumerate(["train/a", "train/b", "train/a", "val/a", "val/b"]):
        (root / folder).mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 256, (64, 20_000, 3), np.uint8)
        (root / folder / f"{number}.jpg").write_bytes(
            encoded(Image.fromarray(noise), "JPEG", quality=100, subsampling=0)
        )
    return root
