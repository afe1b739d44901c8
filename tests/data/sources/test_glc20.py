import json
import logging
import shutil

import numpy as np
import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.beton.reader import Beton
from fourlenses.data.conversion.convert import write_beton
from fourlenses.data.images.decode import decode
from fourlenses.data.manifest.manifest import hierarchy_of, write_manifest
from fourlenses.data.manifest.spatial_split import blocks
from fourlenses.data.sources import glc20 as source
from tests.helpers.layouts.places365_glc20 import (
    GLC_CODES,
    GLC_LAYOUTS,
    glc_pixels,
    make_glc20,
    write_occurrences,
)
from tests.helpers.pictures import contents


def index(made, **keys):
    definition, raw_data = made
    return source.index("glc", {**definition, **keys}, raw_data)


@pytest.mark.parametrize("layout", GLC_LAYOUTS)
def test_every_layout_is_indexed_and_converted(tmp_path, layout):
    definition, raw_data = make_glc20(tmp_path, layout)
    manifest = index((definition, raw_data))
    write_manifest(manifest, tmp_path / "manifest.parquet")
    assert len(manifest) == 24  # of 30, a fifth has a code outside the 16 classes
    assert set(zip(manifest["width"], manifest["height"], strict=True)) == {(256, 256)}
    write_beton(
        "glc",
        definition,
        raw_data,
        manifest=manifest,
        variant="clean",
        size=256,
        max_undecodable=0.0,
        output=tmp_path / "clean.beton",
        workers=2,
    )
    sidecar = json.loads((tmp_path / "clean.json").read_text())
    assert sidecar["undecodable"] == []
    assert sum(sidecar["images"].values()) == 24
    beton = Beton(tmp_path / "clean.beton")
    for row in (0, 23):
        place = int(manifest["id"][row]) - 20000100
        stored = np.asarray(decode(beton.image(row).data.tobytes()), np.int16)
        assert (
            np.abs(stored - glc_pixels(place)[0]).mean() < 3
        )  # the colours, compressed; not the infrared
        assert manifest["level:class"][row].startswith(
            f"{GLC_CODES[place % len(GLC_CODES)] - 18:02d} "
        )


def test_the_layouts_give_the_same_ids_labels_and_splits(tmp_path):
    tables = []
    for layout in GLC_LAYOUTS:
        table = index(make_glc20(tmp_path / layout, layout)).drop(columns="path")
        tables.append(table.sort_values("id", ignore_index=True))
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])


@pytest.mark.parametrize(
    "occurrences",
    ["occurrences_us_train.csv", "observations_us_train.csv", "annotations_train.json"],
)
def test_every_kind_of_table_of_occurrences(tmp_path, occurrences):
    wanted = index(make_glc20(tmp_path / "one", "npy_tree"))
    assert index(make_glc20(tmp_path / "other", "npy_tree", occurrences=occurrences)).equals(wanted)


def test_annotations_without_coordinates_next_to_a_table_with_them(tmp_path):
    made = make_glc20(tmp_path, "npy_tree")
    wanted = index(made)
    write_occurrences(
        tmp_path / "glc" / "annotations.json",
        [(20000100 + number, None, None) for number in range(30)],
    )
    assert index(made, occurrences=["annotations.json", "occurrences_us_train.csv"]).equals(wanted)
    with pytest.raises(
        UserError, match=r"none of the 30 images has coordinates.*add the table of occurrences"
    ):
        index(made, occurrences="annotations.json")


def test_levels_are_the_groups_of_the_legend_and_the_16_classes():
    assert len(source.CLASSES) == 16
    assert len({group for _, group, _ in source.CLASSES}) == 8
    tens = {}
    for code, group, _ in source.CLASSES:
        assert tens.setdefault(code // 10, group) == group


def test_the_label_is_the_centre_or_the_majority(tmp_path):
    made = make_glc20(tmp_path, "npy_tree")
    centre, majority = index(made), index(made, label="majority")
    assert "00 Open Water" in set(centre["level:class"])
    assert hierarchy_of(centre).names == ["group", "class"]
    assert set(majority["level:class"]) == {"13 Cultivated Crops"}
    assert len(majority) == 30  # the codes outside are in the centres only


def test_what_is_left_out_is_counted_in_the_log(tmp_path, caplog):
    made = make_glc20(tmp_path, "npy_tree")
    folder = tmp_path / "glc" / "patches" / "us"
    np.save(folder / "00/01/20000100.npy", np.zeros((256, 256, 3), np.uint8))
    np.save(folder / "01/01/20000101.npy", np.array([{"code": 1}]), allow_pickle=True)
    (folder / "02/01/20000102.npy").write_bytes((folder / "02/01/20000102.npy").read_bytes()[:1000])
    np.save(folder / "03/01/20000103.npy", np.zeros((256, 256, 5)))
    (folder / "04/01/20000104.npy").unlink()
    shutil.copy(folder / "06/01/20000106.npy", folder / "29999999.npy")
    with caplog.at_level(logging.INFO):
        manifest = index(made)
    assert len(manifest) == 19
    assert (
        "4 patches cannot be read and are left out: patches/us/00/01/20000100.npy (expected "
        "integers of shape (256, 256, 5), found" in (caplog.text)
    )
    assert "found uint8 (256, 256, 3)" in caplog.text
    assert "found float64 (256, 256, 5)" in caplog.text
    assert "6 patches outside the 16 classes are left out (code 0: 3, code 5: 3)" in caplog.text
    assert "1 patches are not in the table of occurrences" in caplog.text
    assert "5 of the 30 images in the table of occurrences have no usable patch" in caplog.text


def test_images_without_land_cover(tmp_path, caplog):
    made = make_glc20(tmp_path, "jpg_tree")
    folder = tmp_path / "glc" / "patches-us"
    (folder / "00/01/20000100_landcover.tif").unlink()
    (folder / "01/01/20000101_landcover.tif").write_bytes(b"no picture")
    assert len(index(made)) == 22
    assert "2 images have no readable land cover next to them: left out" in caplog.text
    assert (
        "1 patches cannot be read and are left out: patches-us/01/01/20000101_landcover.tif "
        "(UnidentifiedImageError" in caplog.text
    )


def test_a_patch_damaged_since_it_was_indexed_is_listed_by_the_conversion(tmp_path):
    definition, raw_data = make_glc20(tmp_path, "npy_tree")
    manifest = index((definition, raw_data))
    patch = np.zeros((256, 256, 5), np.int16)
    patch[0, 0, 0] = 256  # not a colour
    np.save(tmp_path / "glc" / manifest["path"][0], patch)
    (tmp_path / "glc" / manifest["path"][1]).write_bytes(b"short")
    write_beton(
        "glc",
        definition,
        raw_data,
        manifest=manifest,
        variant="clean",
        size=64,
        max_undecodable=0.2,
        output=tmp_path / "clean.beton",
        workers=1,
    )
    undecodable = json.loads((tmp_path / "clean.json").read_text())["undecodable"]
    assert [entry["id"] for entry in undecodable] == list(manifest["id"][:2])


def test_integers_of_any_width_are_read(tmp_path):
    definition, raw_data = make_glc20(tmp_path, "npy_tree", images=6)
    before = index((definition, raw_data))
    pixels = contents(source.images("glc", definition, raw_data, manifest=before, size=64))
    for file in (tmp_path / "glc").rglob("*[0-9].npy"):
        np.save(file, np.load(file).astype(">i4"))
    assert index((definition, raw_data)).equals(before)
    for one, other in zip(
        pixels,
        contents(source.images("glc", definition, raw_data, manifest=before, size=64)),
        strict=True,
    ):
        assert other.dtype == np.uint8
        assert np.array_equal(one, other)


def test_two_images_of_one_block_are_never_on_two_sides(tmp_path):
    made = make_glc20(tmp_path, "npy_tree")
    generator = np.random.default_rng(0)
    spots = [(20000100 + n, *generator.uniform((38.5, -97.5), (38.8, -97.1))) for n in range(30)]
    write_occurrences(tmp_path / "glc" / "occurrences_us_train.csv", spots)
    where = {str(number): (lat, lon) for number, lat, lon in spots}
    splits = []
    for seed in range(3):
        manifest = index(made, seed=seed)
        rows, columns = blocks(*np.array([where[name] for name in manifest["id"]]).T, 5.0)
        sides = {}
        for block, split in zip(
            zip(rows.tolist(), columns.tolist(), strict=True), manifest["split"], strict=True
        ):
            sides.setdefault(block, set()).add(split)
        assert all(len(side) == 1 for side in sides.values())
        assert len(sides) < len(manifest)
        splits.append(tuple(manifest["split"]))
    assert len(set(splits)) == 3


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            "id;lat;species_id\n20000100;38.5;7\n",
            r"has no column lon or longitude \(separated by ';'\); its columns: id, lat, "
            r"species_id",
        ),
        (
            "id,lat,lon\n20000100,38.5,-97\n",
            r"has no column id or observation_id \(separated by ';'\); its columns: id,lat,lon",
        ),
        ("", r"its columns: none"),
        (
            "id;lat;lon\n20000100;north;-97\n",
            r"cannot be read as a table of numbers separated by ';'",
        ),
        ("id;lat;lon\n20000100;;\n20000101;91;0\n", r"none of the 2 images has coordinates"),
        (
            "id;lat;lon\n29;38.5;-97\n",
            r"holds no usable patch.*\(30 are not in the table of occurrences\)",
        ),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, table, message):
    made = make_glc20(tmp_path, "npy_tree")
    (tmp_path / "glc" / "occurrences_us_train.csv").write_text(table)
    with pytest.raises(UserError, match=message):
        index(made)


def test_single_images_without_coordinates_are_left_out(tmp_path, caplog):
    made = make_glc20(tmp_path, "npy_tree")
    table = tmp_path / "glc" / "occurrences_us_train.csv"
    lines = table.read_text().splitlines()
    lines[1] = "20000100;;;7"
    table.write_text("\n".join(lines))
    assert "20000100" not in set(index(made)["id"])
    assert "1 images have no coordinates (or impossible ones) and are left out" in caplog.text


@pytest.mark.parametrize("text", ["[]", "{}", "{", '{"images": [{"file_name": "a/b/c.npy"}]}'])
def test_annotations_that_cannot_be_used(tmp_path, text):
    made = make_glc20(tmp_path, "npy_tree", images=4)
    (tmp_path / "annotations.json").write_text(text)
    with pytest.raises(
        UserError,
        match=r"occurrences': .*annotations.json cannot be read as annotations in COCO's form",
    ):
        index(made, occurrences="annotations.json")


def test_no_patch_that_can_be_used(tmp_path):
    made = make_glc20(tmp_path, "npy_tree", images=6)
    with pytest.raises(
        UserError,
        match=r"datasets.glc.occurrences': there is no file nowhere.csv in .* or in .*glc",
    ):
        index(made, occurrences="nowhere.csv")
    for file in (tmp_path / "glc").rglob("*[0-9].npy"):
        np.save(file, np.full((256, 256, 5), 40, np.uint8))
    with pytest.raises(
        UserError,
        match=r"no patch in .* has a land-cover code of the United States \(18 to 33\); found code "
        r"40: 6",
    ):
        index(made)
    for file in (tmp_path / "glc").rglob("*[0-9].npy"):
        file.write_bytes(b"")
    with pytest.raises(
        UserError,
        match=r"holds no usable patch, .*6 could not be read, e.g. patches/us/00/01/20000100.npy "
        r"\(EOFError",
    ):
        index(made)


def test_a_patch_that_is_there_twice(tmp_path):
    made = make_glc20(tmp_path, "npy_tree", images=6)
    make_glc20(tmp_path, "npy_archives", images=6)
    with pytest.raises(
        UserError,
        match=r"holds the patch 20000100 twice, as 'patches/us/00/01/20000100.npy' and "
        r"'patches_us_01.tar.gz/",
    ):
        index(made)


def test_the_near_infrared_can_be_chosen(tmp_path):
    definition, raw = make_glc20(tmp_path, "npy_tree")
    manifest = source.index("glc20", definition, raw)
    chosen = {**definition, "bands": ["near_infrared", "red", "green"]}
    plain, infrared = (
        contents(source.images("glc20", keys, raw, manifest=manifest, size=64))
        for keys in (definition, chosen)
    )
    for path, colours, other in zip(manifest["path"], plain, infrared, strict=True):
        patch = np.load(raw / definition["path"] / path)
        assert np.array_equal(colours, patch[:, :, :3])
        assert np.array_equal(other, patch[:, :, [3, 0, 1]])


def test_patches_that_are_jpegs_have_no_near_infrared(tmp_path):
    definition, raw = make_glc20(tmp_path, "jpg_tree")
    with pytest.raises(UserError, match=r"glc20.bands' names near_infrared, which patches that"):
        source.index("glc20", {**definition, "bands": ["near_infrared", "red", "green"]}, raw)
