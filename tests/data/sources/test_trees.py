"""Trees of images as people have them: which folders are splits, and which are classes."""

import pytest

from fourlenses.core.errors import UserError
from fourlenses.data.dataset import index_dataset
from fourlenses.data.manifest.skipped import skipped_of
from tests.helpers.trees import KINDS, tree


def index(path, **keys):
    definition = {"source": "image_folder", "path": path.name, **keys}
    return index_dataset("pets", definition, path.parent)


def counts(manifest):
    return dict(manifest["split"].value_counts())


def classes(manifest):
    return sorted(set(manifest["level:class"]))


# training folder, test folder: all of them with the classes cat and dog
SPLITS = [
    ("train", "test"),
    ("Train", "Test"),
    ("TRAIN", "VAL"),
    ("Training", "Testing"),
    ("train", "Test"),
    ("training", "validation"),
    ("train", "eval"),
    ("train", "dev"),
    ("train", "valid"),
    ("training_set", "test_set"),
    ("TrainSet", "TestSet"),
    ("trainset", "valset"),
    ("train_images", "test_images"),
    ("images-train", "images-val"),
    ("train2017", "val2017"),
    ("seg_train/seg_train", "seg_test/seg_test"),
    ("train/images", "test/images"),
    ("data/Train", "data/Test"),
    ("Brain Train", "Brain Test"),
    ("trn", "tst"),
    ("TRAINING_DATA", "TESTING_DATA"),
    ("1_train", "2_test"),
    ("Training (80%)", "Testing (20%)"),
    ("trainval", "test"),
    ("train_val", "test"),
    ("\uff54\uff52\uff41\uff49\uff4e", "\uff54\uff45\uff53\uff54"),  # of full width
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("train", "test"), SPLITS)
def test_folders_of_splits_in_any_case_and_form(tmp_path, train, test, kind):
    files = {f"{train}/cat": 4, f"{train}/dog": 4, f"{test}/cat": 2, f"{test}/dog": 2}
    manifest = index(tree(tmp_path / "pets", files, kind))
    assert counts(manifest) == {"train": 8, "test": 4}
    assert classes(manifest) == ["cat", "dog"]
    assert skipped_of(manifest) == {}


def test_splits_inside_the_classes(tmp_path):
    files = {f"{pet}/{split}": 3 for pet in ("cat", "dog") for split in ("Train", "Test")}
    manifest = index(tree(tmp_path / "pets", files))
    assert counts(manifest) == {"train": 6, "test": 6}
    assert classes(manifest) == ["cat", "dog"]


# files, keys, classes, training and test images (None: drawn), what is skipped
LABELS = {
    "a class called train": ({"bus": 9, "car": 9, "train": 9}, {}, "bus car train", None, {}),
    "classes called test and train among others": (
        {"set/bus": 9, "set/tube": 9, "set/train": 9, "set/crash test": 9},
        {"given_split": False},
        "bus|crash test|train|tube",
        None,
        {},
    ),
    "a class called train inside splits": (
        {"train/bus": 4, "train/train": 4, "val/bus": 2, "val/train": 2},
        {},
        "bus train",
        (8, 4),
        {},
    ),
    "train and test are the classes": (
        {"train": 9, "test": 9},
        {"given_split": False},
        "test train",
        None,
        {},
    ),
    "station and tube": (
        {"train_station": 9, "test_tube": 9},
        {},
        "test_tube train_station",
        None,
        {},
    ),
    "the split in each class's name": (
        {"cat_train": 4, "dog_train": 4, "cat_test": 2, "dog_test": 2},
        {},
        "cat dog",
        (8, 4),
        {},
    ),
    "the split before each class's name": (
        {"Train-Great Dane": 4, "Train-pug": 4, "Test-Great Dane": 2, "Test-pug": 2},
        {},
        "Great Dane|pug",
        (8, 4),
        {},
    ),
    "two domains of a translation": (
        {"trainA": 4, "trainB": 4, "testA": 2, "testB": 2},
        {},
        "A B",
        (8, 4),
        {},
    ),
    "the split in the folder and in the class's name": (
        {"train/cat_train": 4, "train/dog_train": 4, "test/cat_test": 2, "test/dog_test": 2},
        {},
        "cat dog",
        (8, 4),
        {},
    ),
    "a class in train only, with the split in the names": (
        {"cat_train": 4, "dog_train": 4, "cat_test": 2},
        {},
        "cat dog",
        (8, 2),
        {},
    ),
    "names with a split that are classes, by the key": (
        {"cat_train": 9, "dog_train": 9, "cat_test": 9},
        {"given_split": False},
        "cat_test cat_train dog_train",
        None,
        {},
    ),
    "a third folder next to Kaggle's two": (
        {"Training/cat": 4, "Training/dog": 4, "Test/cat": 2, "Test/dog": 2, "test-several": 5},
        {},
        "cat dog",
        (8, 4),
        {"next to the folders of the splits": 5},
    ),
    "valid and invalid are classes": ({"valid": 9, "invalid": 9}, {}, "invalid valid", None, {}),
    "a class called train next to others of its kind": (
        {"vehicles/train": 9, "vehicles/bus": 9, "animals/dog": 9},
        {},
        "animals/dog|vehicles/bus|vehicles/train",
        None,
        {},
    ),
    "train alone": ({"train/cat": 20, "train/dog": 20}, {}, "cat dog", None, {}),
    "train alone, of another name": (
        {"Training/cat": 20, "Training/dog": 20},
        {},
        "cat dog",
        None,
        {},
    ),
    "flat test": (
        {"train/cat": 20, "train/dog": 20, "test": 7},
        {},
        "cat dog",
        None,
        {"without labels, in 'test'": 7},
    ),
    "flat test in a folder of its name": (
        {"seg_train/seg_train/cat": 20, "seg_train/seg_train/dog": 20, "seg_pred/seg_pred": 7},
        {},
        "cat dog",
        None,
        {"without labels, in 'seg_pred'": 7},
    ),
    "test images in one folder that is no class": (
        {"train/cat": 20, "train/dog": 20, "test/unknown": 7},
        {},
        "cat dog",
        None,
        {"without labels, in 'test'": 7},
    ),
    "flat test next to a labelled val": (
        {"train/cat": 8, "train/dog": 8, "val/cat": 2, "val/dog": 2, "test": 7},
        {},
        "cat dog",
        (16, 4),
        {"without labels, in 'test'": 7},
    ),
    "unlabelled images of STL-10": (
        {"train/cat": 8, "train/dog": 8, "test/cat": 2, "test/dog": 2, "unlabeled": 7},
        {},
        "cat dog",
        (16, 4),
        {"without labels, in 'unlabeled'": 7},
    ),
    "of val and test the key chooses": (
        {"train/cat": 8, "train/dog": 8, "Val/cat": 2, "Val/dog": 2, "Test/cat": 3, "Test/dog": 3},
        {"test_split": "test"},
        "cat dog",
        (16, 6),
        {"of the split 'Val', not used": 4},
    ),
    "classes written in two ways": (
        {"train/Great_Dane": 4, "train/pug": 4, "test/great-dane": 2, "test/Pug": 2},
        {},
        "Great_Dane pug",
        (8, 4),
        {},
    ),
    "training in numbered parts": (
        {"train_1/cat": 4, "train_2/dog": 4, "test/cat": 2, "test/dog": 2},
        {},
        "cat dog",
        (8, 4),
        {},
    ),
    "masks next to the splits": (
        {"train/cat": 4, "train/dog": 4, "test/cat": 2, "test/dog": 2, "masks/cat": 3},
        {},
        "cat dog",
        (8, 4),
        {"next to the folders of the splits": 3},
    ),
    "a stray image in train": (
        {"train/cat": 4, "train/dog": 4, "train": 1, "test/cat": 2, "test/dog": 2},
        {},
        "cat dog",
        (8, 4),
        {"in no class folder": 1},
    ),
    "a stray image next to the classes": (
        {"cat": 20, "dog": 20, "overview.png": b""},
        {},
        "cat dog",
        None,
        {"in no class folder": 1},
    ),
    "a composed and a decomposed umlaut": (
        {"train/Ba\u0308r": 4, "train/Fuchs": 4, "test/B\u00e4r": 2, "test/Fuchs": 2},
        {},
        "B\u00e4r Fuchs",
        (8, 4),
        {},
    ),
    "train alone next to something, by the key": (
        {"train/cat": 20, "train/dog": 20, "docs": 3},
        {"given_split": True},
        "cat dog",
        None,
        {"next to the folders of the splits": 3},
    ),
    "classes in the names of files": (
        {"train": {"cat": 20, "dog": 20}, "test1": {"": 7}},
        {"class_pattern": r"^([a-z]+)\."},
        "cat dog",
        None,
        {"without labels, in 'test1'": 7},
    ),
    "names that end in a number": (
        {"": {"great_pyrenees": 20, "pug": 20}},
        {"class_pattern": r"^(.+)[_.]\d+"},
        "great_pyrenees pug",
        None,
        {},
    ),
    "synsets in the names of files": (
        {"": {"n01440764_tench": 20, "n01443537_goldfish": 20}},
        {},
        "n01440764 n01443537",
        None,
        {},
    ),
}


def flat(files):
    """`{folder: {class: n}}` as files `<folder>/<class>.<number>.jpg`."""
    result = {}
    for folder, what in files.items():
        if not isinstance(what, dict):
            result[folder] = what
            continue
        for name, number in what.items():
            for index in range(number):
                file = f"{name}.{index}.jpg" if name else f"{index}.jpg"
                result[f"{folder}/{file}" if folder else file] = b""
    return result


@pytest.mark.parametrize("case", LABELS)
def test_labels_and_splits(tmp_path, case):
    files, keys, names, numbers, skipped = LABELS[case]
    manifest = index(tree(tmp_path / "pets", flat(files)), **keys)
    assert classes(manifest) == names.split("|" if "|" in names else " ")
    assert {reason: entry["files"] for reason, entry in skipped_of(manifest).items()} == skipped
    found = counts(manifest)
    if numbers is None:
        assert set(found) == {"train", "test"}
        assert 0.05 < found["test"] / len(manifest) < 0.4
    else:
        assert (found["train"], found["test"]) == numbers


@pytest.mark.parametrize(
    ("files", "keys", "message"),
    [
        ({"a.jpg": b""}, {}, r"lies in no class folder.*'class_pattern'.*source 'unlabelled'"),
        ({"train": 3}, {}, r"lies in no class folder; expected train/<class>/<image>"),
        ({"train": 3, "test": 3}, {}, r"lies in no class folder; expected train/<class>/<image>"),
        ({"train": 3, "test": 3, "bus": 3}, {}, r"'given_split' to false where that is a class"),
        ({"train/a": 3, "training/a": 3, "val/a": 3}, {}, r"has the folders train, training, all"),
        ({"train/a": 3, "docs": 3}, {}, r"next to it 'docs', which is no split; set 'given_split'"),
        (
            {"one/train/a": 3, "one/val/a": 3, "two/b": 3},
            {},
            r"but there is no train/ with classes",
        ),
        ({"train/a": 3, "val/a": 3, "test/a": 3}, {}, r"test_split': .* \(test, val\)"),
        (
            {"train/a": 3, "test": 3},
            {"test_split": "test"},
            r"leave the key out to have them drawn",
        ),
        ({"a": 3, "b": 3}, {"given_split": True}, r"given_split': .* no folder of training images"),
        ({"a": 3}, {"class_pattern": "x_"}, r"class_pattern': 'x_' is in none of the 3 names"),
        (
            {"note.txt": b"x"},
            {},
            r"holds no images \(1 files: no image \(.txt\), e.g. 'note.txt'\)",
        ),
        ({"pets.zip": b"PK\3\4"}, {}, r"e.g. 'pets.zip'\); point the key at the archive"),
        (
            {"Treino/a": 3, "Treino/b": 3, "Teste/a": 3, "Teste/b": 3},
            {},
            r"each of 2 folders \('Teste', 'Treino'\) holds the same 2 classes, .*; where they are "
            r"splits call them train/ and test/, .* set 'given_split' to false",
        ),
        (
            {f"fold{number}/{pet}": 2 for number in range(5) for pet in ("a", "b")},
            {},
            r"each of 5 folders \('fold0', 'fold1', 'fold2', …\) holds the same 2 classes",
        ),
        (
            {f"{scan}/{kind}": 2 for scan in ("COVID", "Normal") for kind in ("images", "masks")},
            {},
            r"holds the same 2 classes, .*; where one holds masks move those folders away",
        ),
    ],
)
def test_what_is_not_clear_is_an_error_with_a_way_out(tmp_path, files, keys, message):
    with pytest.raises(UserError, match=message):
        index(tree(tmp_path / "pets", files), **keys)


def test_an_archive_of_archives_says_what_to_do(tmp_path):
    files = {"train.zip": b"PK\3\4", "test1.zip": b"PK\3\4", "sample.csv": b"id,label"}
    with pytest.raises(UserError, match=r"; unpack it and point the key at the archive inside$"):
        index(tree(tmp_path / "pets", files, ".zip"))
