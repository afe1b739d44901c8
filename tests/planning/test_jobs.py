"""Jobs and their costs by hand: a tiny plan with round speeds."""

import copy

import pytest

from fourlenses.config.lengths import complete_lengths
from fourlenses.core.errors import UserError
from fourlenses.lenses.plan import make_plan
from fourlenses.planning.costs import left, of_lens, only_of_lens, total
from fourlenses.planning.plan import plan_study
from tests.planning.conftest import linear_seconds


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


def test_evaluations_that_train_hold_devices_of_their_own(config, tmp_path):
    """Two for a pretraining, one for the baseline from scratch; the whole work stays."""
    config["training"]["processes"] = 2
    plan = plan_study(config, tmp_path)
    by_kind = {
        kind: {job.devices for job in plan.jobs.values() if job.kind == kind and job.images}
        for kind in ("pretrain", "scratch")
    }
    assert by_kind == {"pretrain": {2}, "scratch": {1}}
    config["training"]["nodes"] = 2
    with pytest.raises(UserError, match=r"4 devices .*processes' times 'training\.nodes'"):
        plan_study(config, tmp_path)
    config["training"]["nodes"] = 1
    (scratch,) = (key for key, job in plan.jobs.items() if job.kind == "scratch")
    before = plan.jobs[scratch]
    config["evaluation"]["processes"] = 2
    two = plan_study(config, tmp_path).jobs[scratch]
    assert (two.devices, two.seconds, two.elapsed) == (2, before.seconds, before.elapsed / 2)
    config["evaluation"]["processes"] = 3
    with pytest.raises(UserError, match=r"'evaluation\.processes'.*plan\.gpus"):
        plan_study(config, tmp_path)


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


def test_more_of_a_lens_is_checked(config):
    wrong = copy.deepcopy(config)
    wrong["quantity"]["more"] = [{"datasets": ["nowhere"]}]
    with pytest.raises(UserError, match=r"quantity\.more\[0\]\.datasets"):
        make_plan(wrong)
    before = set(make_plan(config).runs)
    config["quantity"]["more"] = [{"methods": ["moco"], "pretrain_images": [200]}]
    added = {run.name for run in set(make_plan(config).runs) - before}
    assert added == {"moco/objects-200/seed0"}


def test_views_cost_by_their_number_and_area(config, tmp_path):
    before = plan_study(config, tmp_path).jobs["pretrain/simclr/objects-200/seed0"].seconds
    size = config["image_size"]
    config["augmentations"] |= {"small": {"flip": 0.5, "size": size // 2}}
    names = config["methods"]["simclr"]["augmentations"]
    config["methods"]["simclr"]["augmentations"] = [*names, "small", "small"]
    after = plan_study(config, tmp_path).jobs["pretrain/simclr/objects-200/seed0"].seconds
    assert after == pytest.approx(before * (2 + 2 * 0.25) / 2)


def test_views_that_grow_cost_by_their_mean_area(config, tmp_path):
    before = plan_study(config, tmp_path).jobs["pretrain/simclr/objects-200/seed0"].seconds
    config["methods"]["simclr"]["progressive_sizes"] = [0.5, 0.5, 0.5, 1]
    after = plan_study(config, tmp_path).jobs["pretrain/simclr/objects-200/seed0"].seconds
    assert after == pytest.approx(before * (3 * 0.25 + 1) / 4)


def test_a_protocol_with_small_views_first_costs_by_their_mean_area(config, tmp_path):
    key = "evaluate/supervised/objects-100/seed0/scratch/objects/100"
    before = plan_study(config, tmp_path).jobs[key].seconds
    tested = 50 / 10  # images of the test split, features a second
    config["evaluation"]["scratch"]["progressive_sizes"] = [0.5, 1]
    after = plan_study(config, tmp_path).jobs[key].seconds
    assert after - tested == pytest.approx((before - tested) * (0.25 + 1) / 2)


def test_an_encoder_that_is_continued_comes_before_even_if_nothing_else_needs_it(config, tmp_path):
    config["methods"]["simclr"]["smaller_first"] = [50, 100]
    jobs = plan_study(config, tmp_path).jobs
    largest, middle, smallest = (
        jobs[f"pretrain/simclr/objects-{images}/seed0"] for images in (200, 100, 50)
    )
    assert largest.needs == ["objects/clean", "pretrain/simclr/objects-100/seed0"]
    assert middle.needs == ["objects/clean", "pretrain/simclr/objects-50/seed0"]
    assert smallest.needs == ["objects/clean"]
    assert middle.lenses == smallest.lenses == {"quantity", "domain"}
    assert smallest.images == 3 * 50
    assert not smallest.done


def test_what_snakemake_would_make_again_is_counted(config, tmp_path):
    results = tmp_path / "results/small"
    encoder = "pretrain/simclr/objects-200/seed0/encoder.safetensors"
    for file in (encoder, "evaluate/simclr/objects-200/seed0/cells.json"):
        (results / file).parent.mkdir(parents=True)
        (results / file).write_text("{}")
    key = "pretrain/simclr/objects-200/seed0"
    assert plan_study(config, tmp_path).jobs[key].done
    outdated = {f"results/small/{encoder}": "its settings changed"}
    plan = plan_study(config, tmp_path, outdated=outdated)
    assert not plan.jobs[key].done
    assert (
        "1 jobs that were done are made again and counted here, as Snakemake says (its settings "
        "changed: 1)." in plan.notes
    )
