import json

import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.manifest.manifest import hierarchy_of
from fourlenses.data.manifest.subsets import draw_subset
from fourlenses.data.sources import coco as source
from tests.helpers.layouts import generic as layouts
from tests.helpers.layouts.generic import ANIMALS, LISTED, PICTURES
from tests.helpers.pictures import contents


def indexed(definition, raw):
    return source.index("animals", definition, raw)


@pytest.mark.parametrize(("kind", "around"), [("directory", ""), (".zip", "top/"), (".tar.gz", "")])
def test_train_and_test_json_with_supercategories(tmp_path, kind, around):
    definition, raw = layouts.coco(tmp_path, kind, around)
    manifest = indexed(definition, raw)
    assert {(row.id, row.split) for row in manifest.itertuples()} == {
        (f, {"val": "test"}.get(s, s)) for f, _, s in LISTED
    }
    assert dict(zip(manifest["id"], manifest["level:class"], strict=True)) == {
        file: label for file, label, _ in LISTED
    }
    hierarchy = hierarchy_of(manifest)
    assert hierarchy.names == ["supercategory", "class"]
    assert hierarchy.table.tolist() == [[0, 0], [0, 1], [1, 2]]
    assert contents(source.images("animals", definition, raw, manifest=manifest, size=32)) == [
        PICTURES[file] for file in manifest["id"]
    ]
    (tmp_path / "plain").mkdir()
    plain = indexed(*layouts.coco(tmp_path / "plain"))
    drawn = [
        {
            table["id"][row]
            for row in draw_subset(table, set(), subset=10, seed=0, dataset="animals")
        }
        for table in (manifest, plain)
    ]
    assert drawn[0] == drawn[1]


def test_one_json_and_a_seeded_split(tmp_path):
    definition, raw = layouts.coco(tmp_path, annotations="all.json", seed=1)
    (raw / "all.json").write_text(json.dumps(layouts.coco_json(None)))
    one = indexed(definition, raw)
    assert len(one) == 30
    assert set(one["split"]) == {"train", "test"}
    assert one.equals(indexed(definition, raw))


def test_ranks_of_inaturalist(tmp_path):
    """Categories of iNaturalist 2021: levels by name, the class by another key than the name."""
    definition, raw = layouts.coco(
        tmp_path, levels=["kingdom", "class_name", "genus"], label="image_dir_name"
    )
    for split in ("train", "val"):
        content = layouts.coco_json(split, {"kingdom": "Animalia"})
        for category, genus in zip(
            content["categories"], ("Formica", "Apis", "Felis"), strict=True
        ):
            ranks = {
                "class_name": ANIMALS[category["name"]],
                "genus": genus,
                "image_dir_name": f"0_{genus}",
            }
            category.update(ranks, name="same name for all")
        (raw / f"{split}.json").write_text(json.dumps(content))
    hierarchy = hierarchy_of(indexed(definition, raw))
    assert hierarchy.names == ["kingdom", "class_name", "genus", "class"]
    assert hierarchy.classes[2:] == [
        ["Apis", "Felis", "Formica"],
        ["0_Apis", "0_Felis", "0_Formica"],
    ]
    with pytest.raises(
        UserError,
        match=r"'datasets.animals.label': categories 10 and 11 are both called 'same name for all'",
    ):
        indexed({**definition, "label": "name"}, raw)
    with pytest.raises(
        UserError,
        match=r"'datasets.animals.levels': category 10 has no 'genuss' \(did you mean 'genus'\?\)",
    ):
        indexed({**definition, "levels": ["genuss"]}, raw)


def test_one_supercategory_for_all_is_no_level(tmp_path):
    definition, raw = layouts.coco(tmp_path)
    for split in ("train", "val"):
        (raw / f"{split}.json").write_text(
            json.dumps(layouts.coco_json(split, {"supercategory": "thing"}))
        )
    assert hierarchy_of(indexed(definition, raw)).names == ["class"]


def test_several_annotations_of_one_category_and_images_without_any(tmp_path, caplog):
    definition, raw = layouts.coco(tmp_path)
    content = layouts.coco_json("train")
    content["annotations"].append({"id": 1, "image_id": 0, "category_id": 10})
    content["annotations"] = [entry for entry in content["annotations"] if entry["image_id"] != 5]
    (raw / "train.json").write_text(json.dumps(content))
    assert len(indexed(definition, raw)) == 29
    assert f"1 images have no annotation and are left out, e.g. '{LISTED[5][0]}'" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: "{", r"train.json cannot be read as JSON"),
        (
            lambda content: [],
            r"train.json is no COCO-style annotation file: it has no list 'images'",
        ),
        (lambda content: content.pop("categories") and None, r"it has no list 'categories'"),
        (
            lambda content: content["images"][3].pop("file_name") and None,
            r"entry 3 of 'images' has no 'file_name'",
        ),
        (
            lambda content: content["annotations"][0].update(category_id=99),
            r"image 0 is of category 99, which 'categories' does not have",
        ),
        (
            lambda content: content["annotations"].append({"image_id": 0, "category_id": 12}),
            r"image 0 is of the categories 10 and 12; this source takes one category an image",
        ),
        (
            lambda content: content["annotations"].clear(),
            r"none of its 24 images has an annotation",
        ),
        (
            lambda content: content["categories"][0].update(name="emu"),
            r"category 10 is 'emu' in .*train.json and 'ant' in .*val.json",
        ),
        (
            lambda content: content["images"][0].update(file_name=LISTED[-1][0]),
            r"1 images are listed more than once, e.g. 'val/cat_1.jpg'",
        ),
    ],
)
def test_mistakes(tmp_path, change, message):
    definition, raw = layouts.coco(tmp_path)
    content = layouts.coco_json("train")
    changed = change(content)
    text = (
        changed if isinstance(changed, str) else json.dumps(content if changed is None else changed)
    )
    (raw / "train.json").write_text(text)
    with pytest.raises(UserError, match=message):
        indexed(definition, raw)
