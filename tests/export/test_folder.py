"""Exported folders, each read again as its users would: by timm, transformers, ONNX Runtime, us."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json, sha256
from fourlenses.evaluation.encoder import Encoder
from fourlenses.export.folder import PREPROCESSOR, export_encoder
from fourlenses.export.measured import Measured
from fourlenses.export.network import AS_EQUAL, probe, read_exported
from fourlenses.export.onnx_file import write_onnx
from fourlenses.workflow.share_encoder import share
from tests.helpers.runs import go, settings
from tests.helpers.synthetic_metrics import row, write
from tests.training.test_start import MEAN, STD, continuing, imported, weights

ROOT = Path(__file__).parents[2]
NAME = "simclr/animals-all/seed0"
VIT = "timm:vit_tiny_patch16_224"


def findings_of(table):
    """Write findings.json and decision.json next to a table, as the workflow does."""
    files = {name: table.with_name(f"{name}.json") for name in ("findings", "decision")}
    program = ROOT / "workflow_scripts" / "write_findings.py"
    options = [f"--{name}={file}" for name, file in files.items()]
    subprocess.run([sys.executable, program, f"--metrics={table}", *options], check=True)
    return files


def measured(folder, run=NAME):
    """Return what a planted study of three encoders says of one."""
    encoders = (
        ("random", "none", 0, 20.0),
        ("simclr", "animals-all", 36, 41.5),
        ("simclr", "animals-16", 16, 38.0),
    )
    rows = [
        row("quantity", method, source, "animals", top1, pretrain_images=images, n_test=1000)
        | {"run": f"{method}/{source}/seed0"}
        for method, source, images, top1 in encoders
    ]
    table = write(folder / "metrics.csv", rows)
    return Measured.read(run, metrics=table, **findings_of(table))


def exported(dataset, backbone, **changes):
    """Return the run and the exported folder of an encoder trained for a step."""
    go(dataset, "run", settings(backbone=backbone, steps=1, epochs=None, **changes))
    folder = dataset / "export"
    export_encoder(dataset / "run", folder, measured=measured(dataset), licences={})
    return dataset / "run", folder


def features(run):
    """Return fixed images and what the encoder of a run makes of them."""
    encoder = Encoder.read(run)
    network, _ = encoder.pretrained()
    images = probe(encoder.image_size, 3)
    with torch.inference_mode():
        return images, network.eval()(images)


@pytest.mark.parametrize("backbone", ["resnet18", VIT, "torchvision:resnet18"])
def test_timm_and_transformers_read_the_folder(dataset, backbone, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import timm
    from transformers import AutoModel

    run, folder = exported(dataset, backbone)
    images, expected = features(run)
    with torch.inference_mode():
        theirs = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
        assert torch.equal(theirs(images), expected)
        model = AutoModel.from_pretrained(folder).eval()
        answer = model(pixel_values=images).pooler_output.flatten(1)
    assert (answer - expected).abs().max() <= AS_EQUAL
    config = timm.data.resolve_data_config(model=theirs)
    assert tuple(config["input_size"]) == (3, 16, 16)
    assert config["crop_pct"] == 1.0


@pytest.mark.parametrize(
    "backbone", ["resnet_small", "resnet18_cifar", "torchvision:efficientnet_b0"]
)
def test_what_timm_does_not_have_is_refused_there_and_read_here(dataset, backbone):
    import timm

    go(dataset, "run", settings("random", backbone=backbone))
    folder = dataset / "export"
    export_encoder(dataset / "run", folder, measured=measured(dataset), licences={})
    images, expected = features(dataset / "run")
    with torch.inference_mode():
        assert torch.equal(read_exported(folder)(images), expected)
    with pytest.raises(KeyError, match="architecture"):
        timm.create_model(f"local-dir:{folder}", pretrained=True)


@pytest.mark.parametrize("continued", [False, True])
def test_the_preprocessors_do_what_the_study_does(dataset, continued):
    from torchvision.transforms import InterpolationMode, v2
    from transformers import AutoImageProcessor

    if continued:
        start = imported(dataset, interpolation="bicubic")
        go(dataset, "run", continuing(start, steps=1, epochs=None), weights(start))
        export_encoder(
            dataset / "run",
            dataset / "export",
            measured=measured(dataset),
            licences={},
            started_from=start,
        )
    else:
        exported(dataset, "resnet18")
    encoder = Encoder.read(dataset / "run")
    colours = encoder.normalisation() or {"mean": [0.0] * 3, "std": [1.0] * 3}
    prepare = v2.Compose(
        [
            v2.Resize(encoder.resized, InterpolationMode(encoder.interpolation)),
            v2.CenterCrop(encoder.image_size),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(**colours),
        ]
    )
    pixels = np.random.default_rng(0).integers(0, 256, (60, 46, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    processor = AutoImageProcessor.from_pretrained(dataset / "export")
    (prepared,) = processor(picture, return_tensors="pt")["pixel_values"]
    assert prepared.shape == (3, 16, 16)
    assert (prepared - prepare(picture)).abs().max() <= 0.02  # a step of 1/255 by a small std


def test_onnx_gives_the_same_features(dataset):
    import onnxruntime

    run, folder = exported(dataset, "resnet_small")
    network, _ = Encoder.read(run).pretrained()
    worst = write_onnx(network.eval(), 16, folder / "model.onnx")
    assert worst <= AS_EQUAL
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    images, expected = features(run)
    for few in (images, images[:1], images.repeat(4, 1, 1, 1)):
        (answer,) = session.run(["features"], {"images": few.numpy()})
        assert abs(answer[: len(expected)] - expected.numpy()[: len(few)]).max() <= AS_EQUAL


def test_an_onnx_file_that_differs_is_none(tmp_path):
    class Odd(torch.nn.Module):
        """A network that computes something else while it is exported."""

        def forward(self, images):
            shift = 1.0 if torch.compiler.is_compiling() else 0.0
            return images.flatten(1)[:, :4] + shift

    with pytest.raises(UserError, match=r"differ from the network's by up to 1, where 1e-05"):
        write_onnx(Odd().eval(), 8, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_weights_are_a_file_that_may_change_without_the_run_s(dataset):
    """Snakemake sets the time of what it exported, and a user may write into the folder."""
    run, folder = exported(dataset, "resnet_small")
    theirs, ours = folder / "model.safetensors", run / "encoder.safetensors"
    assert theirs.read_bytes() == ours.read_bytes()
    assert not theirs.samefile(ours)
    assert read_json(folder / "run.json") == read_json(run / "run.json")
    assert read_json(folder / PREPROCESSOR)["crop_size"] == {"height": 16, "width": 16}


def test_a_folder_that_is_no_export_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"config\.json is no config of an exported encoder"):
        read_exported(tmp_path)
    (tmp_path / "config.json").write_text('{"architecture": "resnet18"}')
    with pytest.raises(UserError, match="name a folder that `snakemake export` wrote"):
        read_exported(tmp_path)


def test_the_card_has_facts_accuracy_findings_and_limits(dataset):
    run, folder = exported(dataset, "resnet18")
    text = (folder / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(text.split("---\n")[1])
    assert front == {
        "license": "unknown",
        "pipeline_tag": "image-feature-extraction",
        "tags": ["image-feature-extraction", "self-supervised", "fourlenses"],
        "library_name": "timm",
    }
    assert f"| SHA-256 of model.safetensors | {sha256(run / 'encoder.safetensors')} |" in text
    assert "| animals, fine | 1,000 | linear | 41.5 (40.5 to 42.5) | 20.0 | – | 1,000 |" in text
    (part,) = read_json(run / "run.json")["datasets"]
    assert part["subset_sha256"] in text
    assert "terms of its images: not stated; mind them before you pass weights on" in text
    assert "## Findings that it counts in" in text
    assert "The last doubling of the pretraining images gains less than 2 points." in text
    assert "It was measured on animals and nowhere else" in text


def test_the_card_of_what_was_continued_has_its_licence(dataset):
    start = imported(dataset, licence="Apache-2.0")
    go(dataset, "run", continuing(start, steps=1, epochs=None), weights(start))
    export_encoder(
        dataset / "run",
        dataset / "export",
        measured=measured(dataset, "simclr/other/seed0"),
        licences={"animals": "CC-BY-4.0"},
        started_from=start,
    )
    text = (dataset / "export" / "README.md").read_text(encoding="utf-8")
    assert "| licence | of the start: Apache-2.0 |" in text
    assert yaml.safe_load(text.split("---\n")[1])["license_name"] == "of the start: Apache-2.0"
    assert "terms of its images: CC-BY-4.0." in text
    assert "The study has evaluated this encoder on no target." in text
    assert "It was measured nowhere" in text
    config = json.loads((dataset / "export" / "config.json").read_text())["pretrained_cfg"]
    assert (config["crop_pct"], config["mean"], config["std"]) == (0.8, MEAN, STD)


def test_a_known_licence_is_stated_in_the_hubs_word(dataset):
    share(imported(dataset, licence="BSD-3-Clause"), 0, dataset / "run")
    export_encoder(dataset / "run", dataset / "export", measured=measured(dataset), licences={})
    text = (dataset / "export" / "README.md").read_text(encoding="utf-8")
    assert yaml.safe_load(text.split("---\n")[1])["license"] == "bsd-3-clause"
    assert "- noise (7 images)" in text
