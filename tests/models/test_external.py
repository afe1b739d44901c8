"""Import of encoders from elsewhere: the files written, and a sentence for each misfit."""

import json
import os

import pytest
import timm
import torch
import torchvision
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from fourlenses.core.errors import UserError
from fourlenses.core.files import read_json, sha256
from fourlenses.evaluation.encoder import Encoder
from fourlenses.models.external import UNKNOWN_OVERLAP, Declared, import_encoder
from fourlenses.workflow.share_encoder import share


@pytest.fixture(scope="module")
def resnet():
    torch.manual_seed(1)
    return torchvision.models.resnet18(weights=None).eval()


def declared(file, **changes):
    entry = {
        "architecture": "torchvision:resnet18",
        "weights": file.name,
        "sha256": sha256(file),
        "stored_size": 256,
        "pretrained_on": "ImageNet, with labels",
        "pretrain_images": 1_281_167,
    }
    return Declared.from_config(entry | changes)


def imported(file, *, seed=3, **changes):
    """Return the run of one seed of an import of `file`."""
    folder = file.parent
    import_encoder("rn", declared(file, **changes), raw_data=folder, output=folder / "imported")
    share(folder / "imported", seed, folder / "run")
    return Encoder.read(folder / "run")


def saved(folder, state, name="weights.pth"):
    torch.save(state, folder / name)
    return folder / name


def test_a_run_of_an_import_is_like_that_of_a_pretraining(tmp_path, resnet):
    file = saved(tmp_path, resnet.state_dict())
    encoder = imported(file, licence="BSD-3-Clause", labels_of=["birds"])
    assert encoder.name == "external/rn/seed3"
    assert (encoder.image_size, encoder.resized, encoder.stored_size) == (224, 256, 256)
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    assert encoder.normalisation() == {"mean": mean, "std": std}
    assert encoder.trained_with_labels_of("birds")
    assert not encoder.trained_with_labels_of("rn")
    record = read_json(tmp_path / "run" / "run.json")
    assert record["effective"] == {"images": 1_281_167, "feature_width": 512}
    assert record["external"] == {
        "weights": "weights.pth",
        "sha256": sha256(file),
        "pretrained_on": "ImageNet, with labels",
        "pretrain_images": 1_281_167,
        "labels_of": ["birds"],
        "licence": "BSD-3-Clause",
    }
    assert UNKNOWN_OVERLAP in record["notes"]
    assert any("licence of the weights: BSD-3-Clause; whether" in note for note in record["notes"])
    with safe_open(tmp_path / "run" / "encoder.safetensors", "pt") as opened:
        metadata = opened.metadata()
    assert (metadata["architecture"], metadata["image_size"], metadata["crop"]) == (
        "torchvision:resnet18",
        "224",
        "0.875",
    )
    assert metadata["mean"] == "0.485 0.456 0.406"
    assert (metadata["interpolation"], encoder.interpolation) == ("bilinear", "bilinear")


def test_images_are_scaled_as_the_architecture_declares_unless_the_entry_says_otherwise(tmp_path):
    name = "swin_t"
    torch.manual_seed(1)
    file = saved(tmp_path, torchvision.models.get_model(name).state_dict())
    keys = {"architecture": f"torchvision:{name}"}
    assert imported(file, **keys).interpolation == "bicubic"
    assert imported(file, **keys, interpolation="bilinear").interpolation == "bilinear"
    record = read_json(tmp_path / "run" / "run.json")
    del record["settings"]["interpolation"]  # as an import of an earlier version left it
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    assert Encoder.read(tmp_path / "run").interpolation == "bilinear"


def test_every_seed_has_the_weights_and_no_seed_another_s_file(tmp_path, resnet):
    imported(saved(tmp_path, resnet.state_dict()))
    share(tmp_path / "imported", 4, tmp_path / "another")
    files = [tmp_path / name / "encoder.safetensors" for name in ("imported", "run", "another")]
    assert len({file.read_bytes() for file in files}) == 1
    # Snakemake sets the time of what a job wrote; that of its inputs has to stay
    before = [file.stat().st_mtime_ns for file in files[:2]]
    os.utime(files[2])
    assert [file.stat().st_mtime_ns for file in files[:2]] == before
    assert Encoder.read(tmp_path / "another").seed == 4


def test_features_are_torchvisions(tmp_path, resnet):
    network, width = imported(saved(tmp_path, resnet.state_dict())).pretrained()
    images = torch.rand(2, 3, 64, 64)
    resnet.fc, classifier = torch.nn.Identity(), resnet.fc
    with torch.inference_mode():
        assert torch.allclose(network.eval()(images), resnet(images), atol=1e-6)
    resnet.fc = classifier
    assert width == 512


def test_features_are_timms_at_another_size(tmp_path):
    name = "vit_tiny_patch16_224"
    original = timm.create_model(name, pretrained=False, num_classes=7).eval()
    torch.nn.init.normal_(original.pos_embed)
    save_file(original.state_dict(), tmp_path / "vit.safetensors")
    encoder = imported(
        tmp_path / "vit.safetensors", architecture=f"timm:{name}", image_size=64, crop=1.0
    )
    assert any("position embedding resampled" in note for note in _notes(encoder))
    network, width = encoder.pretrained()
    theirs = timm.create_model(name, pretrained=False, num_classes=0, img_size=64).eval()
    state = original.state_dict()
    state["pos_embed"] = timm.layers.resample_abs_pos_embed(state["pos_embed"], [4, 4])
    theirs.load_state_dict({key: value for key, value in state.items() if "head" not in key})
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(network.eval()(images), theirs(images), atol=1e-6)
    assert width == 192


def _notes(encoder):
    return read_json(encoder.directory / "run.json")["notes"]


def test_half_precision_and_prefixes_are_read(tmp_path, resnet):
    state = {f"module.{name}": value.half() for name, value in _floats(resnet).items()}
    encoder = imported(saved(tmp_path, state))
    weights = load_file(encoder.directory / "encoder.safetensors")
    assert torch.equal(weights["conv1.weight"], state["module.conv1.weight"].float())
    assert "tensors taken from 'module'" in _notes(encoder)


def _floats(network):
    return {
        name: value for name, value in network.state_dict().items() if value.is_floating_point()
    }


def test_a_checkpoint_of_a_whole_training_is_searched(tmp_path, resnet):
    optimizer = torch.optim.SGD(resnet.parameters(), 0.1, momentum=0.9)
    whole = {"epoch": 3, "model": resnet.state_dict(), "optimizer": optimizer.state_dict()}
    assert "tensors taken from 'model'" in _notes(imported(saved(tmp_path, whole)))


def test_the_checksum_of_a_checkpoint_in_shards_is_of_all_its_files(tmp_path, resnet):
    state, names = resnet.state_dict(), list(resnet.state_dict())
    where = {name: f"s{number % 2}.safetensors" for number, name in enumerate(names)}
    for shard in ("s0.safetensors", "s1.safetensors"):
        part = {name: state[name] for name in names if where[name] == shard}
        save_file(part, tmp_path / shard)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": where}))
    together = sha256(index, tmp_path / "s0.safetensors", tmp_path / "s1.safetensors")
    encoder = imported(index, sha256=together)
    weights = load_file(encoder.directory / "encoder.safetensors")
    assert torch.equal(weights["conv1.weight"], state["conv1.weight"])
    with pytest.raises(UserError, match=r"its SHA-256 with its shards is \w{64}"):
        imported(index, sha256=sha256(index))
    state["conv1.weight"][0] += 1
    save_file({name: state[name] for name in names[::2]}, tmp_path / "s0.safetensors")
    with pytest.raises(UserError, match=r"is not the file that the config names"):
        imported(index, sha256=together)


def test_a_changed_file_is_refused(tmp_path, resnet):
    file = saved(tmp_path, resnet.state_dict())
    with pytest.raises(UserError, match=r"encoder 'rn': .*is not the file .*SHA-256 is \w{64}"):
        imported(file, sha256="0" * 64)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"architecture": "torchvision:resnet34"},
            r"does not fit .*'torchvision:resnet34': .*lacks",
        ),
        ({"architecture": "torchvision:resnet19"}, "has no network for images called 'resnet19'"),
        ({"architecture": "resnet18"}, "'image_size' is not given"),
        ({"stored_size": 224}, "cut from 256 px, but stored_size is 224; say `stored_size: 256`"),
        ({"weights": "elsewhere.pth"}, "does not exist; put the weights there"),
        ({"prefix": "encoder."}, "does not fit"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(tmp_path, resnet, changes, message):
    with pytest.raises(UserError, match=message):
        imported(saved(tmp_path, resnet.state_dict()), **changes)
    assert not (tmp_path / "imported" / "encoder.safetensors").exists()


def test_missing_tensors_are_named(tmp_path, resnet):
    state = resnet.state_dict()
    del state["layer4.1.bn2.weight"]
    with pytest.raises(UserError, match=r"lacks 'layer4\.1\.bn2\.weight' \(1 of "):
        imported(saved(tmp_path, state))


@pytest.mark.parametrize(
    ("architecture", "image_size"),
    [("densenet121", 16), ("vit_b_16", 60)],  # in the forward pass, and when it is built
)
def test_a_size_that_the_architecture_refuses(tmp_path, architecture, image_size):
    build = getattr(torchvision.models, architecture)
    with torch.device("meta"):
        state = {name: value.shape for name, value in build(weights=None).state_dict().items()}
    file = saved(tmp_path, {name: torch.zeros(shape) for name, shape in state.items()})
    with pytest.raises(UserError, match=rf"encoder 'rn': .*refuses images of {image_size} px"):
        imported(file, architecture=f"torchvision:{architecture}", image_size=image_size, crop=1.0)
