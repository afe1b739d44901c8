"""The paper's four datasets in their published layouts, from archives to pretrained encoders."""

import numpy as np
import pytest
import yaml
from safetensors.torch import load_file
from tests.helpers.layouts.imagenet_inat21 import make_imagenet, make_inat21
from tests.helpers.layouts.places365_glc20 import make_glc20, make_places365
from tests.workflow.test_whole import output_of, snakemake

from fourlenses.core.files import read_json
from fourlenses.data.beton.reader import Beton
from fourlenses.data.manifest.manifest import read_manifest

# training and test images, and the levels with their numbers of labels
EXPECTED = {
    "imagenet": ({"train": 60, "test": 20}, {"depth1": 1, "depth9": 4, "class": 5}),
    "inat21": ({"train": 60, "test": 20}, {"kingdom": 2, "genus": 4, "species": 5}),
    "places365": ({"train": 30, "test": 10}, {"level1": 3, "class": 5}),
    "glc20": ({"train": 13, "test": 11}, {"class": 7}),
}
STEPS = 2


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with the downloads, in which the four datasets were pretrained on."""
    folder = tmp_path_factory.mktemp("four")
    raw = folder / "downloads"
    raw.mkdir()
    made = {
        "imagenet": make_imagenet(raw),
        "inat21": make_inat21(raw),
        "places365": make_places365(raw, "easy_tar", sheet=True),
        "glc20": make_glc20(raw, "npy_archives"),
    }
    config = {
        "study": "four",
        "raw_data": "downloads",
        "stored_size": 32,
        "image_size": 16,
        "seeds": [0],
        "lenses": ["quantity"],
        "datasets": {name: definition for name, (definition, _) in made.items()},
        "methods": {"simclr": {"steps": STEPS, "batch_size": 8, "warmup_epochs": 0}},
        "quantity": {
            "datasets": list(made),
            "methods": ["simclr"],
            "pretrain_images": [8, "all"],
            "labelled_images": [8],
            "more": [],
        },
    }
    (folder / "four.yaml").write_text(yaml.safe_dump(config))
    before = {file: file.read_bytes() for file in raw.rglob("*") if file.is_file()}
    result = snakemake(folder, "pretrain_all", config=folder / "four.yaml")
    assert result.returncode == 0, output_of(result)[-4000:]
    assert {
        file: file.read_bytes() for file in raw.rglob("*") if file.is_file()
    } == before  # nothing is unpacked next to them
    return folder


@pytest.mark.parametrize("dataset", EXPECTED)
def test_from_the_archives_to_two_steps(finished, dataset):
    images, levels = EXPECTED[dataset]
    manifest = read_manifest(finished / f"data/{dataset}/manifest.parquet")
    sizes = finished / f"data/{dataset}/32px"
    sidecar, beton = read_json(sizes / "clean.json"), Beton(sizes / "clean.beton")
    assert sidecar["images"] == images
    assert sidecar["undecodable"] == []
    assert levels.items() <= sidecar["levels"].items()
    assert list(beton.index) == list(range(len(manifest["id"])))
    inner, outer = (np.load(sizes / f"subsets/seed0/{count}.npy") for count in (8, "all"))
    assert set(inner) < set(outer)
    assert [manifest["split"][row] for row in outer] == ["train"] * images["train"]
    for source in ("8", "all"):
        run = finished / f"results/four/pretrain/simclr/{dataset}-{source}/seed0"
        record = read_json(run / "run.json")
        assert record["effective"]["total_steps"] == STEPS
        assert record["datasets"][0]["beton_sha256"] == sidecar["content_sha256"]
        assert all(
            np.isfinite(weight).all() for weight in load_file(run / "encoder.safetensors").values()
        )
