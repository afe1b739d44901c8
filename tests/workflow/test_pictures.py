"""Which images, treatments and encoders the pictures of a study show."""

from tests.workflow.test_report_rule import jobs
from tests.workflow.test_whole import snakemake, write_config

from fourlenses.config.read import read_config
from fourlenses.lenses.plan import make_plan
from fourlenses.study import Run
from fourlenses.study.vocabulary import EXTERNAL
from fourlenses.workflow.pictures import compared_encoders, treatments

CONFIG = read_config([])
PLAN = make_plan(CONFIG)


def test_treatments_are_the_augmentations_of_methods_and_the_corruptions_of_the_study():
    of_scenes = treatments(PLAN, CONFIG, "scenes")
    labels = [label for label, _ in of_scenes["augmentations"]]
    assert labels == ["SimCLR", "supervised"]  # without SimCLR half as long: its views are the same
    views = CONFIG["methods"]["simclr"]["augmentations"]
    expected = [CONFIG["augmentations"][view] for view in views]
    assert of_scenes["augmentations"][0][1] == expected
    assert of_scenes["corruptions"] == CONFIG["quality"]["corruptions"]
    assert treatments(PLAN, CONFIG, "species")["corruptions"] == []


def test_methods_that_continue_a_download_get_other_images_and_are_not_shown():
    simclr = CONFIG["methods"]["simclr"] | {"start": "rn50"}
    config = CONFIG | {"methods": CONFIG["methods"] | {"simclr": simclr}}
    labels = [label for label, _ in treatments(PLAN, config, "scenes")["augmentations"]]
    assert "supervised" in labels
    assert "SimCLR" not in labels


def test_encoders_are_compared_with_one_of_another_domain():
    chosen = compared_encoders(PLAN, "scenes", 0)
    assert list(chosen.values()) == [
        Run("random", "none", 0),
        Run("simclr", "scenes-all", 0),
        Run("simclr", "landcover-all", 0),
        Run("supervised", "scenes-all", 0),
    ]
    assert list(chosen)[:2] == ["random encoder", "SimCLR on scenes"]
    assert not [run for run in chosen.values() if run.method == EXTERNAL]


def test_all_makes_no_pictures_and_the_targets_do(tmp_path):
    config = write_config(tmp_path, lenses=["quantity"])
    planned = {
        target: set(jobs(snakemake(tmp_path, target, "-n", "--quiet", "host", config=config)))
        for target in ("all", "pictures", "classes")
    }
    made = {"draw_images", "draw_neighbours", "collect_classes"}
    assert planned["all"] & made == set()
    assert planned["pictures"] & made == {"draw_images", "draw_neighbours"}
    assert planned["classes"] & made == {"collect_classes"}
    assert "pretrain" in planned["pictures"]
