"""Data that the jobs of a study need."""

from fourlenses.config.read import read_config
from fourlenses.lenses.plan import make_plan
from fourlenses.study import Run
from fourlenses.study.layout import Layout
from fourlenses.workflow import needs

CONFIG = read_config([])
PLAN, FILES = make_plan(CONFIG), Layout("default", 32)
DOMAINS = ["landcover", "objects", "scenes", "species"]


def test_datasets_and_their_variants():
    assert needs.targets(PLAN) == needs.datasets(PLAN) == DOMAINS
    corrupted = CONFIG["quality"]["corruptions"]
    assert needs.betons(PLAN, CONFIG) == sorted(
        [FILES.beton(name) for name in DOMAINS]
        + [
            FILES.beton(name, variant)
            for name in CONFIG["quality"]["datasets"]
            for variant in corrupted
        ]
    )


def test_an_evaluation_of_large_images_asks_for_more_memory():
    """8,074 MB were taken at 224 px, cut from 256 px: docs/measured/planning.md."""
    config = {**CONFIG, "encoders": {"lite0": {"stored_size": 256}}}
    assert needs.evaluation_memory(config, Run("simclr", "objects-300", 0)) == 8000
    assert needs.evaluation_memory(config, Run("external", "lite0", 0)) == 16000


def test_most_images():
    sizes = [size for size in CONFIG["quantity"]["pretrain_images"] if size != "all"]
    assert needs.most_images(PLAN, "scenes") == max(sizes)
    assert needs.most_images(PLAN, "objects") == 0  # all of them


def test_a_training_from_scratch_starts_from_an_encoder_that_was_never_trained():
    run = Run("supervised", "scenes-500", 2)
    assert needs.starting_run(run, "scratch") == Run("random", "none", 2)
    assert needs.starting_run(run, "fine_tune") == run


def test_targets_of_an_encoder_name_each_file_of_labels_once():
    run = next(run for run in PLAN.runs if run.source == "scenes-all" and run.method == "simclr")
    targets = needs.evaluation_targets(PLAN, CONFIG, run)
    assert [target["dataset"] for target in targets] == DOMAINS
    scenes = targets[DOMAINS.index("scenes")]
    assert scenes["betons"] == {"32": FILES.beton("scenes")}
    assert needs.beton_files(targets) == [FILES.beton(name) for name in DOMAINS]
    assert scenes["subsets"]["linear"] == {
        labels: FILES.subset("scenes", labels, run.seed) for labels in ("500", "all")
    }
    files = needs.label_files(targets)
    assert files == sorted(set(files))
    assert set(scenes["subsets"]["linear"].values()) < set(files)
