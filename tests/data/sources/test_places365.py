import json
import logging
import os
import shutil

import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.beton.reader import Beton
from fourlenses.data.conversion.convert import write_beton
from fourlenses.data.manifest.manifest import hierarchy_of, labels_of, write_manifest
from fourlenses.data.sources import places365 as source
from fourlenses.data.sources.places365 import levels as scene_levels
from tests.helpers.layouts.places365_glc20 import (
    PLACES,
    PLACES_LAYOUTS,
    SHEET,
    make_places365,
    places_sheet,
)
from tests.helpers.pictures import contents, jpeg_bytes


def index(made):
    definition, raw_data = made
    return source.index("places", definition, raw_data)


@pytest.mark.parametrize("layout", PLACES_LAYOUTS)
def test_every_layout_is_indexed_and_converted(tmp_path, layout):
    definition, raw_data = make_places365(tmp_path, layout)
    manifest = index((definition, raw_data))
    write_manifest(manifest, tmp_path / "manifest.parquet")
    assert dict(manifest["split"].value_counts()) == {"train": 30, "test": 10}
    assert set(zip(manifest["width"], manifest["height"], strict=True)) == {(40, 36)}
    write_beton(
        "places",
        definition,
        raw_data,
        manifest=manifest,
        variant="clean",
        size=64,
        max_undecodable=0.0,
        output=tmp_path / "clean.beton",
        workers=2,
    )
    sidecar = json.loads((tmp_path / "clean.json").read_text())
    assert (sidecar["images"], sidecar["passed_through"], sidecar["undecodable"]) == (
        {"train": 30, "test": 10},
        40,
        [],
    )
    beton = Beton(tmp_path / "clean.beton")
    assert len(beton) == 40
    # the very bytes of the image that the row of the manifest says
    row = list(manifest["id"]).index("train/b/bakery/shop/00000004.jpg")
    assert beton.image(row).data.tobytes() == jpeg_bytes(100 * 31 + 4)


def test_the_layouts_give_the_same_ids_labels_and_splits(tmp_path):
    tables = []
    for layout in PLACES_LAYOUTS:
        (tmp_path / layout).mkdir()
        table = index(make_places365(tmp_path / layout, layout, sheet=True)).drop(columns="path")
        tables.append(table.sort_values("id", ignore_index=True))
    for other in tables[1:]:
        assert tables[0].equals(other)
    # sorted by name, classes are in the order of their official numbers
    assert list(dict.fromkeys(sorted(tables[0]["level:class"]))) == list(PLACES)
    assert labels_of(tables[0]).max() == 4


def test_the_sheet_gives_three_levels_and_of_several_parents_the_first_is_kept(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        hierarchy = hierarchy_of(index(make_places365(tmp_path, "easy_tree", sheet=True)))
    assert hierarchy.names == ["level1", "level2", "class"]
    ancestors = {
        hierarchy.classes[2][c]: (hierarchy.classes[0][a], hierarchy.classes[1][b])
        for a, b, c in hierarchy.table
    }
    assert ancestors == {
        "/a/airfield": ("outdoor, man-made", "built 0"),
        "/a/alcove": ("indoor", "in 2"),
        "/b/bakery/shop": ("indoor", "in 0"),
        "/b/bazaar/indoor": ("indoor", "in 0"),
        "/b/beach": ("outdoor, natural", "wild 0"),
    }
    assert "of the 2 classes with several parents the first was kept" in caplog.text


def test_level_2_lies_beneath_a_level_1_that_the_sheet_flags(tmp_path):
    made = make_places365(tmp_path, "easy_tree", sheet=True)
    (tmp_path / "sheet.csv").write_text(
        places_sheet({**SHEET, "/a/alcove": ("outdoor, natural", "in 2", "wild 3")})
    )
    hierarchy = hierarchy_of(index(made))
    alcove = hierarchy.table[hierarchy.classes[2].index("/a/alcove")]
    assert (hierarchy.classes[0][alcove[0]], hierarchy.classes[1][alcove[1]]) == (
        "outdoor, natural",
        "wild 3",
    )


def test_without_the_sheet_indoor_and_outdoor(tmp_path, caplog):
    made = make_places365(tmp_path, "torchvision_tree")
    with caplog.at_level(logging.INFO):
        shipped = hierarchy_of(index(made))
    assert "comes with fourlenses. Set the key 'hierarchy'" in caplog.text
    assert shipped.names == ["indoor_outdoor", "class"]
    assert {
        shipped.classes[1][c] for side, c in shipped.table if shipped.classes[0][side] == "outdoor"
    } == {"/a/airfield", "/b/beach"}
    # a table next to the images goes before the table that comes with the code
    (tmp_path / "places" / "IO_places365.txt").write_text(
        "".join(f"{category} 1\n" for category in PLACES)
    )
    assert hierarchy_of(index(made)).classes[0] == ["indoor"]


def test_a_class_that_no_table_knows_leaves_the_class_level_alone(tmp_path, caplog):
    made = make_places365(tmp_path, "easy_tree")
    (tmp_path / "places" / "train" / "alcove").rename(tmp_path / "places" / "train" / "attic-mine")
    assert hierarchy_of(index(made)).names == ["class"]
    assert "1 classes, e.g. /a/attic/mine, are not in the table of the authors" in caplog.text


def test_the_shipped_table_has_all_classes():
    rows = dict(line.split() for line in scene_levels.SHIPPED.read_text().splitlines())
    assert len(rows) == 365
    assert (list(rows.values()).count("1"), list(rows.values()).count("2")) == (160, 205)
    assert set(PLACES) <= set(rows)


@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        (None, r"datasets.places.hierarchy': .*sheet.csv cannot be read \(No such file"),
        ("", r"is not the scene hierarchy of Places365.*found 0"),
        ("category,indoor\n/a/airfield,1\n", r"'category' and 19 names of columns, found 1"),
        (
            places_sheet({k: v for k, v in SHEET.items() if k != "/b/beach"}),
            r"has no row for 1 of the 5 classes, e.g. '/b/beach'",
        ),
        (
            places_sheet({**SHEET, "/b/beach": ("indoor",)}),
            r"class '/b/beach' has no category of level 2",
        ),
        (
            places_sheet().replace("1\r\n", "yes\r\n"),
            r"sheet.csv, line \d+: expected a class and 19 cells of 0 or 1",
        ),
    ],
)
def test_sheets_that_cannot_be_used(tmp_path, sheet, message):
    made = make_places365(tmp_path, "easy_tree", sheet=True)
    (tmp_path / "sheet.csv").unlink()
    if sheet is not None:
        (tmp_path / "sheet.csv").write_text(sheet)
    with pytest.raises(UserError, match=message):
        index(made)


def edit(name, old, new):
    def change(folder):
        (folder / name).write_text((folder / name).read_text().replace(old, new))

    return change


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (
            lambda places: shutil.rmtree(places),
            r"datasets.places.path': there is no file or directory .*raw_data",
        ),
        (
            lambda places: shutil.rmtree(places / "val_256"),
            r"no images of Places365-Standard's val split: .*neither val_256/ nor val/<class>/",
        ),
        (
            lambda places: shutil.rmtree(places / "data_256_standard"),
            r"train split: .*neither data_256_standard/<letter>/<class>/ nor train",
        ),
        (
            lambda places: (places / "places365_val.txt").unlink(),
            r"has val_256/ but not places365_val.txt.*filelist_places365-standard.tar",
        ),
        (
            lambda places: (places / "categories_places365.txt").unlink(),
            r"has val_256/ but not categories_places365.txt",
        ),
        (
            edit("places365_val.txt", "jpg 46", "jpg 47"),
            r"places365_val.txt: 'Places365_val_\d+.jpg 47' names a class that .*categories",
        ),
        (
            edit("places365_val.txt", "jpg 46", "jpg"),
            r"places365_val.txt, line 7: expected a name and a number",
        ),
        (
            edit("categories_places365.txt", "beach", "beech"),
            r"has a folder of the class '/b/beach', which .*categories_places365.txt lacks",
        ),
    ],
)
def test_what_is_missing_is_named(tmp_path, break_it, message):
    made = make_places365(tmp_path, "torchvision_tree")
    break_it(tmp_path / "places")
    with pytest.raises(UserError, match=message):
        index(made)


def test_the_lists_say_which_images_belong(tmp_path, caplog):
    made = make_places365(tmp_path, "torchvision_tree")
    places = tmp_path / "places"
    (places / "data_256_standard/a/alcove/00000001.jpg").unlink()
    (places / "data_256_standard/a/alcove/00000099.jpg").write_bytes(jpeg_bytes(1))
    (places / "val_256/Places365_val_00009999.jpg").write_bytes(jpeg_bytes(1))
    manifest = index(made)
    assert dict(manifest["split"].value_counts()) == {"train": 29, "test": 10}
    assert "1 train images, e.g. data_256_standard/a/alcove/00000099.jpg, are not on" in caplog.text
    assert "1 val images, e.g. val_256/Places365_val_00009999.jpg, are not on" in caplog.text
    assert "1 of the 30 train images on" in caplog.text
    assert (
        contents(source.images("places", *made, manifest=manifest, size=64))[-1]
        == (places / manifest["path"].iloc[-1]).read_bytes()
    )


def test_unpacked_next_to_its_archive(tmp_path):
    made = make_places365(tmp_path, "torchvision_tar")
    make_places365(tmp_path, "torchvision_tree")
    with pytest.raises(
        UserError,
        match=r"holds an image twice, as 'data_256_standard/.*' and "
        r"'train_256_places365standard.tar/data_256",
    ):
        index(made)


def test_linked_folders_are_followed_but_not_in_circles(tmp_path):
    made = make_places365(tmp_path, "easy_tree")
    (tmp_path / "places" / "train").rename(tmp_path / "elsewhere")
    (tmp_path / "places" / "train").symlink_to(tmp_path / "elsewhere")
    os.symlink(tmp_path / "places", tmp_path / "places" / "loop")
    assert len(index(made)) == 40


def test_an_image_that_went_since_it_was_indexed(tmp_path):
    definition, raw_data = make_places365(tmp_path, "easy_tree")
    manifest = index((definition, raw_data))
    (tmp_path / "places/val/beach/Places365_val_00000010.jpg").unlink()
    with pytest.raises(
        UserError,
        match=r"val/beach/Places365_val_00000010.jpg' is no longer where it was .*to index again",
    ):
        contents(source.images("places", definition, raw_data, manifest=manifest, size=64))
