"""The memory of a study's jobs, against networks as they are built and against measurements."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fourlenses.config.methods import complete_methods
from fourlenses.config.read import read_config
from fourlenses.methods import build_method, method_class, method_settings
from fourlenses.methods.method import DataInfo
from fourlenses.models.backbones import build_backbone
from fourlenses.planning.memory import formulas
from fourlenses.planning.memory.formulas import MB
from fourlenses.planning.memory.jobs import JobMemory, TargetSizes, head_parameters
from fourlenses.planning.memory.networks import image_bytes
from fourlenses.planning.plan import plan_study
from fourlenses.planning.sizes import Size
from fourlenses.study import Run
from fourlenses.study.vocabulary import BACKBONES, METHODS, RANDOM_INIT

ROOT = Path(__file__).parents[3]
TRAINED = [name for name in METHODS if METHODS[name].passes]


def study(backbone: str, size: int, method: str, batch: int, **entry: str) -> dict:
    """A config of one method, as the benchmark of GPUs has it, and as a study completes it."""
    config = read_config([])
    config |= {"backbone": backbone, "image_size": size, "stored_size": size, "device": "auto"}
    config["methods"] = {method: entry}
    complete_methods(config, ROOT / "presets", [ROOT / "config.yaml"])
    config["methods"][method] |= {"batch_size": batch, "batch_norm_groups": 1}
    config["training"] |= {"processes": 1, "nodes": 1, "input": "resident"}
    return config


@pytest.mark.parametrize("name", TRAINED)
def test_heads_have_the_weights_of_the_built_ones(name):
    """All but biases and norms, which are a hundredth at these widths."""
    hyper = study("resnet_small", 32, name, 64, preset="minutes")["methods"][name]
    encoder, width = build_backbone("resnet_small", 0)
    own = method_class(name).Settings.__dataclass_fields__
    keys = {key: hyper[key] for key in hyper if key in own}
    info = DataInfo(images=640, num_classes=10, batch_size=64, seed=0)
    method = build_method(name, encoder, width, settings=method_settings(name, keys), info=info)
    inside = sum(parameter.numel() for parameter in encoder.parameters())
    trained = sum(each.numel() for each in method.parameters() if each.requires_grad)
    assert head_parameters(hyper, width=width, classes=10) == pytest.approx(
        trained - inside, rel=0.03
    )
    copied = sum(each.numel() for each in method.parameters() if not each.requires_grad)
    momentum = "ema_momentum" in hyper
    assert bool(copied) == momentum


def gpu_points() -> list[dict]:
    file = ROOT / "benchmarks/results/gpu/2026-11-26.json"
    return [row for row in json.loads(file.read_text())["rows"] if "peak_memory_gib" in row]


@pytest.mark.parametrize("row", gpu_points(), ids=lambda row: row["what"])
def test_a_training_on_a_gpu_takes_what_was_measured(row):
    """Twenty steps of the committed benchmark of one H100, within a tenth."""
    method, backbone, size, batch = re.fullmatch(
        r"(\w+), (\w+), (\d+) px, batch (\d+)", row["what"]
    ).groups()
    config = study(backbone, int(size), method, int(batch))
    memory = JobMemory(config, on_gpu=True, asked={})
    peak = memory.pretraining(Run(method, "a-all", 0), 2 * int(batch), classes=100, parts=1)
    assert peak.gpu / 2**30 == pytest.approx(row["peak_memory_gib"], rel=0.1)


TRAIN = """
import sys, torch
from fourlenses.config.read import read_config
from fourlenses.planning.calibrate import _Measurement
config = read_config([])
config |= {"backbone": "resnet18_cifar", "image_size": 32, "stored_size": 32}
config["methods"]["simclr"]["batch_size"] = int(sys.argv[1])
step = _Measurement(config, torch.device("cpu"), 0.0).training("simclr")
step(), step()
"""
EXTRACT = """
import sys, torch
from fourlenses.evaluation.probes.evaluate import evaluate
from fourlenses.evaluation.features.extract import extract_features
from fourlenses.models.backbones import build_backbone
encoder, _ = build_backbone("resnet18_cifar", 0)
images = torch.zeros(int(sys.argv[1]), 3, 32, 32, dtype=torch.uint8)
extract_features(encoder, images, 500, device="cpu")
"""


# the process's own: ru_maxrss begins with that of the process that started it, here pytest's
PRINT = "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"


def peak_of(code: str, *arguments: int) -> float:
    """MB of a process."""
    command = [sys.executable, "-c", f"{code}\n{PRINT}", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return int(done.stdout.split()[-1]) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_training_on_a_cpu_takes_what_is_predicted():
    """A step of SimCLR with a ResNet-18, of 16 and 64 images, in a process each."""
    measured, predicted = [], []
    for batch in (16, 64):
        config = study("resnet18_cifar", 32, "simclr", batch)
        memory = JobMemory(config, on_gpu=False, asked={})
        peak = memory.pretraining(Run("simclr", "a-all", 0), 256, classes=10, parts=1)
        predicted.append(peak.host / MB)
        measured.append(peak_of(TRAIN, batch))
    for one, other in zip(predicted, measured, strict=True):
        assert 0.8 < one / other < 1.3, (predicted, measured)
    # what 48 images add, without what every process has
    added = (predicted[1] - predicted[0]) / (measured[1] - measured[0])
    assert 0.7 < added < 1.6, (predicted, measured)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_features_on_a_cpu_take_what_is_predicted():
    network = image_bytes("resnet18_cifar", 32)
    sizes = {"side": 32, "stored": 32, "images": 500, "on_gpu": False}
    weights = 4 * BACKBONES["resnet18_cifar"].parameters
    predicted = (formulas.TORCH + weights + formulas.extraction(network, **sizes)) / MB
    assert 0.8 < predicted / peak_of(EXTRACT, 500) < 1.3


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_interpreter_with_torch_takes_what_the_constant_says():
    measured = peak_of("import fourlenses.training.pretrain")
    # wheels for CPUs alone are smaller
    assert 0.4 * formulas.TORCH < measured * MB < 1.1 * formulas.TORCH


def test_more_processes_share_the_batch_and_not_the_images(config):
    config["device"] = "cpu"
    memory = JobMemory(config, on_gpu=False, asked={})
    run = Run("simclr", "objects-200", 0)
    one = memory.pretraining(run, 10_000, classes=0, parts=1).host
    config["training"]["processes"] = 2
    config["training"]["input"] = "resident"
    two = JobMemory(config, on_gpu=False, asked={}).pretraining(run, 10_000, classes=0, parts=1)
    images = 10_000 * (3 * 32**2 + formulas.RESIDENT_IMAGE)
    hyper = config["methods"]["simclr"]
    step = 2 * hyper["batch_size"] * (1.4 * 174_080 + 13 * 12 * 32**2)
    loss = 4 * 3 * 4 * hyper["batch_size"] ** 2
    base = one - images - step - loss
    assert two.host == pytest.approx(2 * (base + images) + step + loss, rel=1e-3)


def test_what_is_asked_decides_whether_images_are_resident(config):
    config["device"] = "cpu"
    run = Run("simclr", "objects-200", 0)
    images = 2_000_000  # 6 GB
    small, large = (
        JobMemory(config, on_gpu=False, asked={"pretrain": asked})
        .pretraining(run, images, classes=0, parts=1)
        .host
        for asked in (8_000, 32_000)
    )
    assert small < 3_000 * MB < 6_000 * MB < large
    assert large - small == pytest.approx(images * (3 * 32**2 + 600), rel=0.05)


def test_a_micro_batch_holds_fewer_images_at_once(config):
    config["device"] = "cpu"
    run = Run("simclr", "objects-200", 0)
    peaks = []
    for micro in (0, 10):
        config["methods"]["simclr"]["micro_batch"] = micro
        memory = JobMemory(config, on_gpu=False, asked={})
        peaks.append(memory.pretraining(run, 400, classes=0, parts=1).host)
    # 50 images are 10 at a time; but the collapse monitor takes 256 without gradients
    step = 2 * 174_080 * 1.4
    views, loss = 2 * 50 * 12 * 32**2 * 13, 4 * 12 * 50**2
    watched = config["training"]["monitor_images"] * 65_536
    most = [max(count * step + views + loss, watched) for count in (50, 10)]
    assert peaks[0] - peaks[1] == pytest.approx(most[0] - most[1])


def test_a_frozen_encoder_keeps_nothing_for_backward(config):
    config["device"] = "cpu"
    config["evaluation"]["linear_augmented"] = dict(config["evaluation"]["scratch"])
    config["evaluation"]["linear_augmented"]["batch_size"] = 5_000
    config["evaluation"]["scratch"]["batch_size"] = 5_000
    memory = JobMemory(config, on_gpu=False, asked={})
    size = Size(train=400, test=50, classes=24)
    tuned, frozen = (
        memory.evaluation_training(Run("simclr", "objects-200", 0), name, 5_000, size=size).host
        for name in ("scratch", "linear_augmented")
    )
    kept = 1.4 * 5_000 * (174_080 - 65_536)
    weights = 4 * 307_536 * 3  # gradients and two moments; a frozen one is there once
    assert tuned - frozen == pytest.approx(kept + weights, rel=0.05)


def test_what_is_not_known_stays_so(config):
    memory = JobMemory(config, on_gpu=False, asked={})
    assert (
        memory.pretraining(Run("simclr", "objects-all", 0), None, classes=0, parts=1).host is None
    )
    assert memory.features(Run("simclr", "objects-200", 0), [None]).host is None
    assert memory.beton(Size(), 32).host is None
    target = TargetSizes(images=150, labels=100, tested=50, classes=24, neighbours=False)
    assert memory.features(Run("simclr", "objects-200", 0), [target]).host > formulas.TORCH


def test_every_job_of_a_plan_has_its_peak(config, tmp_path):
    config["device"] = "cpu"
    plan = plan_study(config, tmp_path)
    assert all(job.peak.host for job in plan.jobs.values())
    random = plan.jobs[f"pretrain/{RANDOM_INIT}/none/seed0"].peak.host
    trained = plan.jobs["pretrain/simclr/objects-200/seed0"].peak.host
    assert formulas.TORCH < random < trained < 2 * formulas.TORCH
    assert not any(job.peak.gpu for job in plan.jobs.values())
