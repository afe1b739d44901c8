"""The first study of a new dataset: what it takes from the images, and that each source has one."""

import shutil
from pathlib import Path

import pytest
import yaml

from fourlenses.config.new_dataset.sizes import first_study
from fourlenses.config.new_dataset.survey import Survey, survey
from fourlenses.config.new_dataset.write import SOURCES, write_dataset
from fourlenses.config.read import read_config
from fourlenses.core.errors import UserError
from fourlenses.data.sources import source_of
from fourlenses.lenses.plan import make_plan
from tests.helpers.layouts import generic
from tests.helpers.layouts.flowers102 import make_flowers102
from tests.helpers.layouts.imagenet_inat21 import make_imagenet, make_inat21
from tests.helpers.layouts.places365_glc20 import make_glc20, make_places365
from tests.helpers.pictures import jpeg_bytes

ROOT = Path(__file__).parents[2]
LAYOUTS = {
    "csv_list": generic.csv_list,
    "coco": generic.coco,
    "parquet": generic.parquet,
    "webdataset": lambda folder: generic.webdataset(folder, "cls"),
    "cifar": lambda folder: generic.cifar(folder, 10, "python"),
    "flowers102": lambda folder: make_flowers102(folder, extracted=True),
    "imagenet": lambda folder: make_imagenet(folder, extracted=True),
    "inat21": lambda folder: make_inat21(folder, extracted=True),
    "places365": lambda folder: make_places365(folder, "easy_tree"),
    "glc20": lambda folder: make_glc20(folder, "npy_tree"),
}


@pytest.fixture
def root(tmp_path) -> Path:
    """A project's folder with what a study is an overlay of."""
    project = tmp_path / "project"
    project.mkdir()
    shutil.copy(ROOT / "config.yaml", project)
    for name in ("presets", "schemas"):
        (project / name).symlink_to(ROOT / name)
    return project


def written(root: Path, name: str, **given) -> dict:
    """The completed config of a new dataset's study; its plan can be made."""
    write_dataset(root, name, **given)
    config = read_config([root / "studies" / f"{name}.yaml"], root)
    make_plan(config)
    return config


@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize("source", SOURCES)
def test_every_source_begins_with_a_study_that_can_be_planned(root, source, gpu):
    config = written(root, "mine", source=source, gpu=gpu)
    assert config["datasets"]["mine"]["source"] == source
    assert config["seeds"] == [0, 1, 2]
    (more,) = config["quantity"]["more"]
    assert more["protocols"] == ["linear", "fine_tune"]
    assert config["quantity"]["baselines"] == ["scratch"]
    fine_tune, scratch = (config["evaluation"][name] for name in ("fine_tune", "scratch"))
    assert fine_tune == scratch
    preset, chooses = ("small", "cpu") if gpu else ("minutes", "gpu")
    assert config["methods"]["simclr"]["preset"] == fine_tune["preset"] == preset
    assert f"FOR={chooses}" in (root / "studies" / "mine.yaml").read_text()
    assert config["image_size"] == config["stored_size"]


@pytest.mark.parametrize("source", LAYOUTS)
def test_images_are_counted_by_the_source_itself(tmp_path, source):
    definition, raw = LAYOUTS[source](tmp_path)
    known = survey("mine", definition, raw)
    assert known.unknown == ""
    rows = source_of(definition).index("mine", definition, raw)
    assert known.train_images == (rows["split"] == "train").sum()
    assert 1 < known.classes <= known.train_images
    assert len(first_study(known).pretrain_images) > 1


@pytest.mark.parametrize("source", ["image_folder", "manifest"])
def test_sizes_are_from_class_folders(root, tmp_path, source):
    images = tmp_path / "birds"
    for place in range(120):
        folder = images / f"class{place % 4}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{place}.jpg").write_bytes(jpeg_bytes(place, 40, 44))
    config = written(root, "birds", source=source, images=images)
    sizes, labels = (config["quantity"][key] for key in ("pretrain_images", "labelled_images"))
    assert len(sizes) == len(labels) == 3
    assert 80 <= sizes[-1] <= 100  # of 96 or so in the training split
    assert labels[0] == 20  # 5 of each class
    assert labels[-1] == sizes[-1]
    assert (config["image_size"], config["backbone"]) == (32, "resnet_small")


def test_the_values_of_a_first_study():
    large = first_study(Survey(train_images=50_000, classes=100, short_side=300), gpu=True)
    assert large.pretrain_images == (5500, 16000, 50000)
    assert large.labelled_images == (2000, 10000, 50000)
    assert (large.image_size, large.backbone) == (64, "resnet18")
    enlarged = first_study(Survey(train_images=792, classes=11, short_side=48), gpu=True)
    assert (enlarged.image_size, enlarged.backbone) == (32, "resnet18_cifar")
    few = first_study(Survey(train_images=195, classes=6))
    assert few.pretrain_images == (47, 95, 190)
    unknown = first_study(Survey(unknown="not there"))
    assert unknown.pretrain_images == unknown.labelled_images == ("all",)
    tiny = first_study(Survey(train_images=4, classes=2))
    assert tiny.pretrain_images == (2, 4)


def test_every_source_with_labels_has_an_entry():
    known = {file.stem for file in (ROOT / "schemas/sources").glob("*.yaml")}
    assert set(SOURCES) == known - {"unlabelled"}


def test_a_source_that_there_is_not(root):
    with pytest.raises(UserError, match=r"unknown source 'csvlist' \(did you mean 'csv_list'\?\)"):
        write_dataset(root, "mine", source="csvlist")


def test_images_that_cannot_be_listed_are_no_error(root, tmp_path):
    """The study is written; what is wrong is said, and check_dataset says it again."""
    (tmp_path / "empty").mkdir()
    files, known = write_dataset(root, "mine", source="image_folder", images=tmp_path / "empty")
    assert "empty" in known.unknown
    assert yaml.safe_load(files[0].read_text())["quantity"]["pretrain_images"] == ["all"]
