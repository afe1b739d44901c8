"""What a study costs, by hand: a tiny plan with round speeds."""

import copy
import csv
import json
from pathlib import Path

import pytest
import torch
import yaml

from fourlenses.config.lengths import complete_lengths
from fourlenses.config.read import ROOT, read_config
from fourlenses.core.errors import UserError
from fourlenses.evaluation.finetuning import schedule as evaluation_durations
from fourlenses.lenses.plan import make_plan
from fourlenses.models.backbones import build_backbone
from fourlenses.planning import check, picture, report
from fourlenses.planning.backbones import BACKBONES
from fourlenses.planning.costs import left, of_lens, only_of_lens, total
from fourlenses.planning.durations import (
    evaluation_training_images,
    labelled_training_images,
    pretraining_images,
)
from fourlenses.planning.plan import plan_study
from fourlenses.training.pretrain import make_schedule

# images a second: one hour is 3600 of them, with speed 1
TABLE = """device,backbone,image_size,kind,precision,images_per_second,source
mine,resnet_small,32,simclr,float32,2,by hand
mine,resnet_small,32,supervised,float32,4,by hand
mine,resnet_small,32,scratch,float32,4,by hand
mine,resnet_small,32,features,float32,10,by hand
mine,resnet_small,32,linear,float32,1000000,by hand
mine,resnet_small,32,beton,float32,100,by hand
"""


@pytest.fixture
def config(tmp_path):
    """Quantity at 100 and 200 of 400 images with 100 labels, and domain at 200 with 100 labels: one encoder is shared."""
    (tmp_path / "speeds.csv").write_text(TABLE)
    overlay = {
        "study": "small",
        "stored_size": 32,
        "seeds": [0],
        "lenses": ["quantity", "domain"],
        "datasets": {
            "objects": {
                "source": "synthetic",
                "domain": "objects",
                "train_images": 400,
                "test_images": 50,
                "seed": 1,
            }
        },
        "methods": {"simclr": {"epochs": 3, "batch_size": 50}},
        "evaluation": {
            "scratch": {
                "epochs": 2,
                "min_steps": 1,
                "max_steps": 1000,
                "batch_size": 50,
                "learning_rates": [0.1],
                "weight_decays": [0.0],
            }
        },
        "plan": {"throughput": "speeds.csv", "device": "mine", "gpus": 2},
        "quantity": {
            "datasets": ["objects"],
            "pretrain_images": [100, 200],
            "labelled_images": [100],
            "equal": "epochs",
            "convergence": [],
            "more": [],
        },
        "domain": {
            "datasets": ["objects"],
            "pretrain_images": 200,
            "labelled_images": 100,
            "pools": [],
        },
    }
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(overlay))
    return read_config([tmp_path / "small.yaml"])


def linear_seconds(labels):
    """The table's speed is at 100 classes; objects has 24."""
    return labels * 24 / 100 / 1_000_000


def test_hours_by_hand_with_shared_runs_once(config, tmp_path):
    jobs = plan_study(config, tmp_path).jobs
    encoders = {key for key, job in jobs.items() if job.kind == "pretrain"}
    assert encoders == {
        f"pretrain/{run}/seed0"
        for run in ("random/none", "simclr/objects-100", "simclr/objects-200")
    }
    assert jobs["pretrain/simclr/objects-100/seed0"].images == 3 * 100
    assert jobs["pretrain/simclr/objects-200/seed0"].seconds == 3 * 200 / 2
    assert jobs["pretrain/random/none/seed0"].seconds == 0
    # 100 labels and 50 test images at 10 a second
    assert jobs["evaluate/simclr/objects-200/seed0"].seconds == pytest.approx(
        15 + linear_seconds(100)
    )
    # 2 passes over 100 labels at 4 a second, 50 test images at 10
    scratch = jobs["evaluate/supervised/objects-100/seed0/scratch/objects/100"]
    assert scratch.seconds == 200 / 4 + 50 / 10
    assert jobs["objects/clean"].seconds == 450 / 100
    assert sum(job.kind == "beton" for job in jobs.values()) == 1


def test_sums_per_lens(config, tmp_path):
    jobs = list(plan_study(config, tmp_path).jobs.values())
    features = 15 + linear_seconds(100)
    everything = 150 + 300 + 3 * features + 55
    assert total(jobs).hours == pytest.approx(everything / 3600)
    assert total(of_lens(jobs, "quantity")).hours == pytest.approx(everything / 3600)
    assert total(of_lens(jobs, "domain")).hours == pytest.approx((300 + 2 * features) / 3600)
    assert total(only_of_lens(jobs, "domain")).hours == 0
    assert total(only_of_lens(jobs, "quantity")).hours == pytest.approx(
        (150 + features + 55) / 3600
    )


def test_what_is_done_is_subtracted(config, tmp_path):
    results = tmp_path / "results/small"
    # an encoder that is there, and one that is not but whose only evaluation is
    for file in (
        "pretrain/simclr/objects-200/seed0/encoder.safetensors",
        "evaluate/simclr/objects-100/seed0/cells.json",
    ):
        (results / file).parent.mkdir(parents=True)
        (results / file).write_text("{}")
    jobs = plan_study(config, tmp_path).jobs
    done = {key for key, job in jobs.items() if job.done}
    assert done == {
        "pretrain/simclr/objects-200/seed0",
        "pretrain/simclr/objects-100/seed0",
        "evaluate/simclr/objects-100/seed0",
    }
    features = 15 + linear_seconds(100)
    assert total(left(list(jobs.values()))).hours == pytest.approx((2 * features + 55) / 3600)


def test_wall_time_follows_what_needs_what(config, tmp_path):
    plan = plan_study(config, tmp_path)
    for key, (start, _) in plan.times.items():
        assert all(plan.times[need][1] <= start for need in plan.jobs[key].needs)
    # two devices: the longest chain is beton (8 threads), 200 images, evaluation; everything else fits beside it
    assert plan.wall_seconds == pytest.approx(4.5 / 8 + 300 + 15 + linear_seconds(100))
    config["plan"]["gpus"] = 1
    serial = plan_study(config, tmp_path)
    assert serial.wall_seconds == pytest.approx(
        4.5 / 8 + total(list(serial.jobs.values())).hours * 3600
    )
    config["training"]["processes"] = 2
    with pytest.raises(UserError, match=r"'training\.processes'.*plan\.gpus"):
        plan_study(config, tmp_path)


def test_evaluations_that_train_hold_devices_of_their_own(config, tmp_path):
    """Two for a pretraining, one for the baseline from scratch; the whole work stays."""
    config["training"]["processes"] = 2
    plan = plan_study(config, tmp_path)
    by_kind = {
        kind: {job.devices for job in plan.jobs.values() if job.kind == kind and job.images}
        for kind in ("pretrain", "scratch")
    }
    assert by_kind == {"pretrain": {2}, "scratch": {1}}
    (scratch,) = (key for key, job in plan.jobs.items() if job.kind == "scratch")
    one = plan.jobs[scratch]
    config["evaluation"]["processes"] = 2
    two = plan_study(config, tmp_path).jobs[scratch]
    assert (two.devices, two.seconds, two.elapsed) == (2, one.seconds, one.elapsed / 2)
    config["evaluation"]["processes"] = 3
    with pytest.raises(UserError, match=r"'evaluation\.processes'.*plan\.gpus"):
        plan_study(config, tmp_path)


def test_scaled_or_unknown_is_said(config, tmp_path):
    config["backbone"], config["image_size"] = "resnet18", 64
    jobs = plan_study(config, tmp_path).jobs
    job = jobs["pretrain/simclr/objects-100/seed0"]
    ratio = BACKBONES["resnet_small"].multiply_adds_at(32) / BACKBONES["resnet18"].multiply_adds_at(
        64
    )
    assert job.images / job.seconds == pytest.approx(2 * ratio)
    assert "scaled by multiply-adds from simclr, resnet_small, 32 px" in job.how
    config["datasets"]["objects"] = {"source": "image_folder", "path": "nowhere"}
    plan = plan_study(config, tmp_path)
    assert plan.jobs["objects/clean"].seconds is None
    assert "unknown" in plan.page()


def test_errors_name_the_key(config, tmp_path):
    config["plan"]["device"] = "yours"
    with pytest.raises(UserError, match=r"plan\.device.*'yours'.*mine"):
        plan_study(config, tmp_path)
    (tmp_path / "speeds.csv").write_text(TABLE.replace(",2,by", ",fast,by"))
    with pytest.raises(UserError, match=r"speeds\.csv, row 1"):
        plan_study(config, tmp_path)


def test_tables_and_picture(config, tmp_path):
    plan = plan_study(config, tmp_path)
    report.write_jobs(list(plan.jobs.values()), plan.times, tmp_path / "plan.csv")
    with open(tmp_path / "plan.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["job"] for row in rows if row["kind"] == "pretrain"] == sorted(
        key for key in plan.jobs if key.startswith("pretrain/")
    )
    device = [row for row in rows if row["hours_of"] == "device"]
    assert sum(float(row["hours"]) for row in device) == pytest.approx(
        total(list(plan.jobs.values())).hours, rel=1e-3
    )
    axes = picture.draw(list(plan.jobs.values()), plan.device).axes[0]
    widths = sum(
        bar.get_width() for bar in axes.patches if round(bar.get_y() + bar.get_height() / 2) == 4
    )  # all, each once; in minutes
    assert widths == pytest.approx(60 * total(list(plan.jobs.values())).hours)


def test_check_puts_the_actual_beside_the_estimate(config, tmp_path):
    folder = tmp_path / "results/small/pretrain/simclr/objects-200/seed0"
    with pytest.raises(UserError, match="no finished job"):
        check.compare(plan_study(config, tmp_path), tmp_path)
    folder.mkdir(parents=True)
    (folder / "encoder.safetensors").touch()
    (folder / "run.json").write_text(
        json.dumps({"wall_time_seconds": 200, "effective": {"processes": 1}})
    )
    (row,) = check.compare(plan_study(config, tmp_path), tmp_path)
    assert (row["estimated"], row["actual"], row["ratio"]) == (300, 200, 1.5)
    assert "| 300.0 | 200.0 | 1.50 |" in check.table([row])


def test_durations_are_those_of_the_trainings():
    hyper = {
        "batch_size": 64,
        "batch_norm_groups": 2,
        "epochs": 7,
        "warmup_epochs": 1,
        "learning_rate": 1,
        "lr_scaling": "none",
    }
    for images in (33, 64, 1000, 12345):
        schedule, _ = make_schedule(hyper, images)
        assert pretraining_images(hyper, images) == schedule.batch_size * schedule.total_steps
        steps, _ = make_schedule(hyper | {"steps": 70, "warmup_steps": 9}, images)
        assert (steps.total_steps, steps.warmup_steps) == (70, 9)
        assert pretraining_images(hyper | {"steps": 70}, images) == steps.batch_size * 70
    own = {
        "batch_size": 64,
        "epochs": 3,
        "min_steps": 20,
        "max_steps": 300,
        "lr_scaling": "none",
        "warmup_share": 0.0,
    }
    for labels in (5, 60, 1000, 12345):
        schedule, _ = evaluation_durations.make_schedule(own, labels, 0.1)
        assert labelled_training_images(own, labels) == schedule.batch_size * schedule.total_steps
    # two rates with three decays each tried on 80 % of 1000 labels, then one training on all
    tried = evaluation_training_images(
        own | {"learning_rates": [1, 2], "weight_decays": [0, 1, 2]}, 1000, 0.2
    )
    assert tried == (
        labelled_training_images(own, 1000) + 6 * labelled_training_images(own, 800),
        1200,
    )
    one = evaluation_training_images(own | {"learning_rates": [1], "weight_decays": [0]}, 1000, 0.2)
    assert one == (labelled_training_images(own, 1000), 0)


@pytest.mark.parametrize("name", ["resnet_small", "resnet18_cifar", "resnet18", "resnet50"])
def test_backbones_weigh_what_the_table_says(name):
    known = BACKBONES[name]
    encoder, width = build_backbone(name, 0)
    assert (sum(parameter.numel() for parameter in encoder.parameters()), width) == (
        known.parameters,
        known.width,
    )
    counted = []
    for module in encoder.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(
                lambda module, _, maps: counted.append(maps.numel() * module.weight[0].numel())
            )
    with torch.no_grad():
        encoder.eval()(torch.zeros(1, 3, known.side, known.side))
    assert sum(counted) == known.multiply_adds


def test_the_study_of_the_paper():
    config = read_config([ROOT / "studies" / "paper.yaml"])
    plan = make_plan(config)
    names = {run.name.removesuffix("/seed0") for run in plan.runs}
    assert config["seeds"] == [0, 1, 2]
    names = {name for name in names if "/seed" not in name}
    quantities = {
        f"simclr/{dataset}-{n}"
        for dataset in ("imagenet", "inat21", "places365")
        for n in (50000, 125000, 250000, 500000, 1000000)
    }
    assert quantities <= names
    # figure 3, and figure 5 with the full sets
    full = {f"moco/{dataset}-all" for dataset in ("imagenet", "inat21", "places365")}
    assert {name for name in names if name.startswith(("moco", "byol"))} == {
        "moco/inat21-1000000",
        "byol/inat21-1000000",
    } | full
    byol = config["methods"]["byol"]
    assert (byol["epochs"], byol["learning_rate"], byol["weight_decay"], byol["ema_momentum"]) == (
        100,
        0.45,
        1e-6,
        0.99,
    )
    assert sum("@" in name for name in names) == 2 * 5
    assert sum("+" in name for name in names) == 4
    assert {
        cell.run.source for cell in plan.cells if "~" in cell.run.source and cell.run.seed == 2
    } == {
        "imagenet-1000000~inat21-1000000",
        "imagenet-1000000~inat21-1000000.supervised",
        "inat21-1000000~imagenet-1000000.supervised",
        "imagenet-1000000~imagenet-1000000.seed0",
        "inat21-1000000~inat21-1000000.seed0",
    }
    # equal steps on ImageNet, half the length everywhere, 50,000 images for 1000 epochs
    assert {name for name in names if "_steps" in name} == {
        f"simclr_steps/imagenet-{n}" for n in (50000, 125000, 250000, 500000)
    }
    assert {name for name in names if "_half" in name} == {
        f"simclr_half/{dataset}-1000000" for dataset in ("imagenet", "inat21", "places365")
    }
    assert "simclr_1000/imagenet-50000" in names
    # table 1's supervised row
    assert {
        cell.target for cell in plan.cells if (cell.protocol, cell.labelled) == ("scratch", "all")
    } == set(config["domain"]["datasets"])


def test_more_of_a_lens_is_checked(config):
    wrong = copy.deepcopy(config)
    wrong["quantity"]["more"] = [{"datasets": ["nowhere"]}]
    with pytest.raises(UserError, match=r"quantity\.more\[0\]\.datasets"):
        make_plan(wrong)
    before = set(make_plan(config).runs)
    config["quantity"]["more"] = [{"methods": ["moco"], "pretrain_images": [200]}]
    added = {run.name for run in set(make_plan(config).runs) - before}
    assert added == {"moco/objects-200/seed0"}


def test_other_lengths_cost_what_they_are(tmp_path, config):
    """Half of 3 epochs of the 200 images, and 3 epochs of 200 as steps for the 100."""
    config["quantity"] |= {"equal": "both", "convergence": ["half", "twice"]}
    complete_lengths(config, [])
    jobs = plan_study(config, tmp_path).jobs
    images = {
        key.split("/")[1]: job.images
        for key, job in jobs.items()
        if key.startswith("pretrain/simclr_")
    }
    assert images == {"simclr_half": 300, "simclr_twice": 1200, "simclr_steps": 600}
    assert jobs["pretrain/simclr_steps/objects-100/seed0"].seconds == 600 / 2
    assert jobs["pretrain/simclr/objects-100/seed0"].images == 300


def test_a_baseline_needs_no_encoder_but_the_initialisation(tmp_path, config):
    config["domain"]["baselines"] = ["scratch", "scratch_published"]
    config["evaluation"]["scratch_published"] |= {"epochs": 3, "batch_size": 50}
    jobs = plan_study(config, tmp_path).jobs
    job = jobs["evaluate/supervised/objects-100/seed0/scratch_published/objects/100"]
    assert (job.images, job.needs) == (300, ["pretrain/random/none/seed0", "objects/clean"])
    assert job.lenses == {"domain"}
    assert jobs["evaluate/supervised/objects-100/seed0/scratch/objects/100"].lenses == {
        "quantity",
        "domain",
    }
    assert "pretrain/supervised/objects-100/seed0" not in jobs


def test_shipped_table_can_be_read():
    from fourlenses.planning.throughput import SHIPPED, read_table

    rows = read_table(Path(SHIPPED))
    assert all(row.source for row in rows)
    assert all(
        row.device.endswith("-published") for row in rows if "measured here" not in row.source
    )
