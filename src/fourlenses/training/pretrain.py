"""One pretraining run: from betons and settings to an encoder, a head, a history and a record of what was effective."""

import csv
import hashlib
import json
import logging
import platform
import resource
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from fourlenses.data.resident import Images, concatenate, load_images
from fourlenses.data.views import Recipe, Views
from fourlenses.devices import choose_device
from fourlenses.files import atomic, read_json, write_json
from fourlenses.methods import build_method
from fourlenses.methods.method import Facts
from fourlenses.models.backbones import build_backbone
from fourlenses.models.weights import save_weights
from fourlenses.randomness import named_seed
from fourlenses.training.checkpoint import Checkpoints
from fourlenses.training.loop import Outcome, Schedule, train
from fourlenses.training.optimizers import build_optimizer
from fourlenses.training.schedule import scaled_learning_rate

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """Everything that has a say in the final weights, besides the images. hyperparameters and recipes are those of config.yaml."""

    method: str
    backbone: str
    source: str
    seed: int
    stored_size: int
    image_size: int
    torch_threads: int
    hyperparameters: dict
    recipes: dict


def run_key(settings: Settings, fingerprints: list[dict]) -> str:
    """A short hash of the settings and the images; checkpoints of one key never meet a run of another."""
    return hashlib.sha256(json.dumps([asdict(settings), fingerprints], sort_keys=True).encode()).hexdigest()[:16]


def pretrain(
    settings: Settings,
    betons: list[Path],
    subsets: list[Path],
    datasets: list[str],
    output: Path,
    checkpoint_root: Path,
    device_name: str,
    workers: int,
    checkpoint_seconds: float = 600,
) -> None:
    """Train and write ``encoder.safetensors``, ``head.safetensors``, ``history.csv`` and, last, ``run.json`` into ``output``.

    The method ``random`` trains nothing: its encoder is the initialisation that every other method of this seed starts from.
    """
    torch.set_num_threads(settings.torch_threads)
    device = choose_device(device_name)
    encoder, width = build_backbone(settings.backbone, named_seed(settings.seed, "encoder"))
    if settings.method == "random":
        _write(settings, encoder, None, Outcome(), {}, [], device, output)
        return

    hyper = settings.hyperparameters
    parts = [
        load_images(beton, np.load(subset, allow_pickle=False), settings.stored_size, dataset, workers)
        for beton, subset, dataset in zip(betons, subsets, datasets, strict=True)
    ]
    data = concatenate(parts)
    fingerprints = [
        {"dataset": d, "images": len(p.labels), **_fingerprint(b, s)} for d, p, b, s in zip(datasets, parts, betons, subsets, strict=True)
    ]
    schedule = make_schedule(hyper, data)
    facts = Facts(len(data.labels), data.num_classes, schedule.batch_size, named_seed(settings.seed, "head"))
    method = build_method(settings.method, encoder, width, hyper, facts)
    optimizer = build_optimizer(hyper["optimizer"], method, schedule.peak_learning_rate, hyper["momentum"], hyper["weight_decay"])
    seed = named_seed(settings.seed, "training")
    views = [Views(Recipe.from_config(name, settings.recipes[name]), settings.image_size, seed) for name in hyper["views"]]
    description = f"{settings.method}/{settings.source}/seed{settings.seed}"
    log.info(
        "%s: %d images, %d steps of %d, peak learning rate %.4g, on %s",
        description,
        len(data.labels),
        schedule.total_steps,
        schedule.batch_size,
        schedule.peak_learning_rate,
        device,
    )
    checkpoints = Checkpoints(checkpoint_root / run_key(settings, fingerprints))
    outcome = train(method, data, views, optimizer, schedule, seed, device, checkpoints, checkpoint_seconds, description)
    effective = {
        **hyper,
        **asdict(schedule),
        "images": len(data.labels),
        "classes": data.num_classes,
        "effective_epochs": outcome.images / len(data.labels),
    }
    _write(settings, method.encoder, method.head, outcome, effective, fingerprints, device, output)
    checkpoints.clear()


def make_schedule(hyper: dict, data: Images) -> Schedule:
    """Batch size clamped to the data, duration in steps, learning rate after scaling."""
    images = len(data.labels)
    batch_size = min(hyper["batch_size"], images)
    if batch_size < hyper["batch_size"]:
        log.warning("batch_size %d clamped to the %d images there are", hyper["batch_size"], images)
    total = hyper.get("steps") or max(1, round(images * hyper["epochs"] / batch_size))
    # a warm-up longer than the run would never reach the peak
    warmup = min(round(images * hyper["warmup_epochs"] / batch_size), total // 2)
    return Schedule(batch_size, total, warmup, scaled_learning_rate(hyper["learning_rate"], batch_size, hyper["lr_scaling"]))


def _write(
    settings: Settings, encoder, head, outcome: Outcome, effective: dict, fingerprints: list, device: torch.device, output: Path
) -> None:
    output.mkdir(parents=True, exist_ok=True)
    save_weights(encoder, output / "encoder.safetensors")
    save_weights(head if head is not None else torch.nn.Identity(), output / "head.safetensors")
    with atomic(output / "history.csv") as temporary:
        columns = list(outcome.history[0]) if outcome.history else ["step", "epoch", "loss", "learning_rate", "images_per_second"]
        with open(temporary, "w", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(outcome.history)
    peak = torch.cuda.max_memory_allocated() if device.type == "cuda" else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    record = {
        "settings": asdict(settings),
        "effective": effective,
        "datasets": fingerprints,
        "wall_time_seconds": round(outcome.seconds, 3),
        "images_per_second": round(outcome.images / outcome.seconds, 1) if outcome.seconds else None,
        "peak_memory_bytes": peak,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
        "git_commit": _git_commit(),
    }
    write_json(output / "run.json", record)


def _fingerprint(beton: Path, subset: Path) -> dict:
    """The beton's hash is that of its sidecar: hashing 200 GB again for every run would take longer than starting it."""
    sidecar = beton.with_suffix(".json")
    known = read_json(sidecar)["content_sha256"] if sidecar.exists() else None
    return {"beton": beton.name, "beton_sha256": known, "subset_sha256": hashlib.sha256(subset.read_bytes()).hexdigest()}


def _git_commit() -> str | None:
    here = Path(__file__).parent
    try:
        result = subprocess.run(["git", "-C", str(here), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:  # no git on this node
        return None
    return result.stdout.strip() or None
