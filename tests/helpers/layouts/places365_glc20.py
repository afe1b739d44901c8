"""Places365-Standard and GLC20 as they are on a disk after the download, of a few images.

Every layout holds the same images.
"""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.helpers.layouts import tar, tree
from tests.helpers.pictures import jpeg_bytes, picture

# Classes of Places365 with their official numbers.
# In the sheet below, bazaar/indoor has two parents at both levels.
PLACES = {
    "/a/airfield": 0,
    "/a/alcove": 3,
    "/b/bakery/shop": 31,
    "/b/bazaar/indoor": 46,
    "/b/beach": 48,
}
SHEET_LEVEL1 = ("indoor", "outdoor, natural", "outdoor, man-made")
SHEET_LEVEL2 = tuple(
    f"{side} {number}"
    for side, count in (("in", 6), ("wild", 4), ("built", 6))
    for number in range(count)
)
SHEET = {
    "/a/airfield": ("outdoor, man-made", "built 0"),
    "/a/alcove": ("indoor", "in 2"),
    "/b/bakery/shop": ("indoor", "in 0", "in 1"),
    "/b/bazaar/indoor": ("indoor", "outdoor, man-made", "in 0", "built 5"),
    "/b/beach": ("outdoor, natural", "wild 0"),
}
PLACES_LAYOUTS = ("torchvision_tree", "torchvision_tar", "easy_tree", "easy_tar")
GLC_LAYOUTS = ("npy_tree", "npy_archives", "jpg_tree")


def make_places365(folder: Path, layout: str, sheet: bool = False) -> tuple[dict, Path]:
    """Write six training and two validation images of every class of ``PLACES``.

    Returns:
        The config entry and the raw_data folder.
    """
    files = _places_torchvision() if layout.startswith("torchvision") else _places_easy()
    if layout == "torchvision_tar":
        for archive, prefixes in (
            ("train_256_places365standard.tar", ("data_256_standard/",)),
            ("val_256.tar", ("val_256/",)),
            ("filelist_places365-standard.tar", ("places365_", "categories_")),
        ):
            tar(
                folder / "places" / archive,
                {name: data for name, data in files.items() if name.startswith(prefixes)},
            )
        (folder / "places" / "test_256.tar").write_bytes(
            b"test images have no labels: never opened"
        )
    elif layout == "easy_tar":
        tar(
            folder / "places365standard_easyformat.tar",
            {f"places365_standard/{name}": data for name, data in files.items()},
        )
    else:
        tree(folder / "places", files)
    definition = {
        "source": "places365",
        "path": "places365standard_easyformat.tar" if layout == "easy_tar" else "places",
    }
    if sheet:
        (folder / "sheet.csv").write_text(places_sheet())
        definition["hierarchy"] = "sheet.csv"
    return definition, folder


def places_sheet(rows: dict[str, tuple[str, ...]] = SHEET) -> str:
    """The scene hierarchy as exported: two header lines, quoted classes, flags."""
    columns = (*SHEET_LEVEL1, *SHEET_LEVEL2)
    lines = [
        ",level 1,,,level 2" + "," * 15,
        ",".join(["category", *(f'"{column}"' for column in columns)]),
    ]
    lines += [
        ",".join([f"'{category}'", *(str(int(column in flags)) for column in columns)])
        for category, flags in rows.items()
    ]
    return "\r\n".join(lines) + "\r\n"


def _places_images():
    """``(category, file of training, bytes)`` and ``(category, number of validation, bytes)``"""
    train = [
        (category, f"{n:08d}.jpg", jpeg_bytes(100 * number + n))
        for category, number in PLACES.items()
        for n in range(1, 7)
    ]
    val = [
        (category, 2 * class_index + n, jpeg_bytes(9000 + 2 * class_index + n))
        for n in (1, 2)
        for class_index, category in enumerate(PLACES)
    ]
    return train, sorted(val, key=lambda entry: entry[1])


def _places_torchvision() -> dict[str, bytes]:
    train, val = _places_images()
    files = {f"data_256_standard{category}/{file}": data for category, file, data in train}
    files |= {f"val_256/Places365_val_{number:08d}.jpg": data for _, number, data in val}
    files["places365_train_standard.txt"] = "".join(
        f"{c}/{file} {PLACES[c]}\n" for c, file, _ in train
    ).encode()
    files["places365_val.txt"] = "".join(
        f"Places365_val_{number:08d}.jpg {PLACES[c]}\n" for c, number, _ in val
    ).encode()
    files["categories_places365.txt"] = "".join(
        f"{category} {number}\n" for category, number in PLACES.items()
    ).encode()
    return files


def _places_easy() -> dict[str, bytes]:
    train, val = _places_images()
    files = {f"train/{_easy(category)}/{file}": data for category, file, data in train}
    return files | {
        f"val/{_easy(category)}/Places365_val_{number:08d}.jpg": data
        for category, number, data in val
    }


def _easy(category: str) -> str:
    return category[3:].replace("/", "-")


# Codes of the patches, one after the other; 0 and 5 (no data, France) are outside the 16 classes.
GLC_CODES = (18, 19, 21, 25, 33, 0, 18, 30, 5, 26)


def make_glc20(
    folder: Path, layout: str, images: int = 30, occurrences: str = "occurrences_us_train.csv"
) -> tuple[dict, Path]:
    """Write patches ``20000100, 20000101, …`` of 20 km of Kansas, two per spot, and their table.

    Returns:
        The config entry and the raw_data folder.
    """
    numbers = [20000100 + number for number in range(images)]
    files = {}
    for index, number in enumerate(numbers):
        cd, ab = f"{number % 100:02d}", f"{number // 100 % 100:02d}"
        pixels, codes = glc_pixels(index)
        stem = f"{cd}/{ab}/{number}"
        if layout.startswith("npy"):
            near_infrared = pixels[:, :, :1]
            files[f"{stem}.npy"] = _npy(
                np.concatenate([pixels, near_infrared, codes[:, :, None]], axis=2)
            )
            files[f"{stem}_alti.npy"] = _npy(np.zeros((256, 256), np.int16))
        else:
            files[f"{stem}_rgb.jpg"] = _encoded(Image.fromarray(pixels), "JPEG", quality=95)
            files[f"{stem}_landcover.tif"] = _encoded(
                Image.fromarray(codes), "TIFF", compression="tiff_lzw"
            )
            files[f"{stem}_near_ir.jpg"] = files[f"{stem}_altitude.tif"] = b"not read"
    if layout == "npy_archives":
        for last, name in ((range(0, 5), "01"), (range(5, 100), "02")):
            part = {
                f"patches_us_{name}/{file}": data
                for file, data in files.items()
                if int(file[:2]) in last
            }
            if part:
                tar(folder / "glc" / f"patches_us_{name}.tar.gz", part, "w:gz")
        (folder / "glc" / "patches_fr_01.tar.gz").write_bytes(b"France: never opened")
    else:
        tree(folder / "glc" / ("patches/us" if layout == "npy_tree" else "patches-us"), files)
    spots = [
        (number, 38.5 + 0.09 * (index // 2) / 10, -97.0 - 0.01 * (index // 2))
        for index, number in enumerate(numbers)
    ]
    write_occurrences(folder / "glc" / occurrences, spots)
    return {
        "source": "glc20",
        "path": "glc",
        "occurrences": occurrences,
        "test_fraction": 0.4,
    }, folder


def glc_pixels(index: int) -> tuple[np.ndarray, np.ndarray]:
    """Return colours and land-cover codes of a patch: its code at the centre, code 31 elsewhere."""
    codes = np.full((256, 256), 31, np.uint8)
    codes[120:136, 120:136] = GLC_CODES[index % len(GLC_CODES)]
    return np.asarray(picture(index, 256, 256)), codes


def write_occurrences(file: Path, spots: list[tuple[int, float, float]]) -> None:
    """As a table of 2020, as observations of 2021, or in COCO's form, as the file is named."""
    if file.suffix == ".json":
        entries = [
            {
                "id": n,
                "file_name": f"{n % 100:02d}/{n // 100 % 100:02d}/{n}.npy",
                "country": "us",
                "lat": lat,
                "lon": lon,
            }
            for n, lat, lon in spots
        ]
        entries.append(
            {"id": 1, "file_name": "00/00/10000000.npy", "country": "fr", "lat": 43.6, "lon": 3.9}
        )
        annotations = [{"image_id": entry["id"], "category_id": 7} for entry in entries]
        file.write_text(
            json.dumps(
                {
                    "info": {"version": 1},
                    "images": entries,
                    "annotations": annotations,
                    "categories": [{"id": 7}],
                }
            )
        )
        return
    header = (
        "observation_id;latitude;longitude;species_id;subset"
        if file.name.startswith("observations")
        else "id;lat;lon;species_id"
    )
    end = ";7;train" if file.name.startswith("observations") else ";7"
    file.write_text(
        "\n".join([header, *(f"{number};{lat:.6f};{lon:.6f}{end}" for number, lat, lon in spots)])
        + "\n"
    )


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _encoded(image: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()
