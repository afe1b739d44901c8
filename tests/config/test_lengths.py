"""Methods of a study at equal steps, at equal epochs and at both, and half and twice as long."""

import copy

import pytest
import yaml

from fourlenses.config.job_settings import with_views
from fourlenses.config.lengths import complete_lengths
from fourlenses.config.read import ROOT, read_config
from fourlenses.core.errors import UserError
from fourlenses.lenses.plan import make_plan
from fourlenses.study import entry_of
from fourlenses.study.sizes import images_of
from fourlenses.training.schedule import pretraining_schedule
from fourlenses.training.settings import Hyperparameters

SHIPPED = [ROOT / "config.yaml", *sorted((ROOT / "studies").glob("*.yaml"))]
SIMCLR = {"epochs": 6, "warmup_epochs": 1, "batch_size": 50}


def study(tmp_path, entries: dict | None = None, **quantity) -> dict:
    """A completed config: SimCLR for 6 epochs on 100, 200 and 400 images of one dataset."""
    drawn = {"source": "synthetic", "domain": "objects", "train_images": 400, "test_images": 50}
    lens = {"datasets": ["objects"], "pretrain_images": [100, 200, 400], "labelled_images": [100]}
    overlay = {
        "study": "small",
        "lenses": ["quantity"],
        "seeds": [0],
        "datasets": {"objects": {**drawn, "seed": 1}, "plants": {**drawn, "seed": 2}},
        "methods": {"simclr": SIMCLR, **(entries or {})},
        "quantity": {**lens, "protocols": ["linear"], "convergence": [], "more": [], **quantity},
    }
    file = tmp_path / "small.yaml"
    file.write_text(yaml.safe_dump(overlay))
    return read_config([file])


def names(config: dict) -> set[str]:
    return {run.name.removesuffix("/seed0") for run in make_plan(config).runs} - {"random/none"}


def schedules(config: dict) -> set[tuple[int, int]]:
    """Steps and warm-up of every SimCLR encoder of the study, as its training will see them."""
    lengths = set()
    for run in make_plan(config).runs:
        if run.method != "random":
            dataset, size = run.source.split("-")
            images = images_of(config, dataset, size if size == "all" else int(size))
            hyper = Hyperparameters.from_json(run.method, with_views(config["methods"][run.method]))
            schedule, _ = pretraining_schedule(hyper, images)
            lengths.add((schedule.total_steps, schedule.warmup_steps))
    return lengths


def test_at_equal_steps_all_sizes_have_the_steps_of_the_largest(tmp_path):
    config = study(tmp_path, equal="steps")
    entry = config["methods"]["simclr"]
    assert (entry["steps"], entry["warmup_steps"]) == (6 * 400 / 50, 400 / 50)
    assert "epochs" not in entry
    assert "warmup_epochs" not in entry
    assert schedules(config) == {(48, 8)}
    assert "epochs" in config["methods"]["supervised"]  # no method of the lens


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_studies_have_equal_schedules_or_say_otherwise(file):
    """Encoders of one entry, whatever their images, where the quantity lens asks for steps."""
    config = read_config([file])
    if config["quantity"]["equal"] != "steps":
        assert file.stem == "paper"
        return
    if "quantity" not in config["lenses"]:
        pytest.skip("the study does not have the lens")
    config["lenses"] = ["quantity"]
    lengths: dict[str, set] = {}
    for run in make_plan(config).runs:
        if run.method != "random":
            entry = config["methods"][run.method]
            dataset, size = run.source.split("-")
            images = images_of(config, dataset, size if size == "all" else int(size))
            hyper = Hyperparameters.from_json(run.method, with_views(entry))
            schedule, _ = pretraining_schedule(hyper, max(hyper.batch_size, images or 0))
            lengths.setdefault(run.method, set()).add((schedule.total_steps, schedule.warmup_steps))
    assert lengths
    assert all(len(of_method) == 1 for of_method in lengths.values())
    for name in lengths:
        if name.endswith("_half"):
            (half,), (whole,) = lengths[name], lengths[entry_of(name)]
            assert abs(2 * half[0] - whole[0]) <= 1


def test_an_entry_in_steps_stays_and_its_warm_up_is_equal_too(tmp_path):
    given = {"simclr_short": {"steps": 30, "warmup_epochs": 1, "batch_size": 50}}
    config = study(tmp_path, given, equal="steps", methods=["simclr_short"])
    assert config["methods"]["simclr_short"]["steps"] == 30
    assert schedules(config) == {(30, 8)}
    assert config["methods"]["simclr"]["epochs"] == 6  # named by no lens of the study


def test_at_equal_epochs_entries_are_as_they_are(tmp_path):
    config = study(tmp_path, equal="epochs")
    assert config["methods"]["simclr"]["epochs"] == 6
    assert schedules(config) == {(12, 2), (24, 4), (48, 8)}


def test_both_has_the_smaller_sizes_twice(tmp_path):
    config = study(tmp_path, equal="both")
    assert names(config) == {
        *("simclr/objects-100", "simclr/objects-200", "simclr/objects-400"),
        *("simclr_steps/objects-100", "simclr_steps/objects-200"),
    }
    entry = config["methods"]["simclr_steps"]
    assert (entry["steps"], entry["warmup_steps"], entry["method"]) == (48, 8, "simclr")
    assert schedules(config) == {(12, 2), (24, 4), (48, 8)}


def test_both_leaves_an_entry_in_steps_alone(tmp_path):
    given = {"simclr_short": {"steps": 30, "batch_size": 50}}
    config = study(tmp_path, given, equal="both", methods=["simclr_short"])
    assert {name.split("/")[0] for name in names(config)} == {"simclr_short"}


@pytest.mark.parametrize(
    ("equal", "lengths"),
    [
        ("steps", {"half": (24, 4), "twice": (96, 16)}),
        ("epochs", {"half": (24, 4), "twice": (96, 16)}),
    ],
)
def test_the_largest_size_at_other_lengths(tmp_path, equal, lengths):
    config = study(
        tmp_path, equal=equal, convergence=list(lengths), protocols=["linear", "fine_tune"]
    )
    for ending, expected in lengths.items():
        method = f"simclr_{ending}"
        cells = [cell for cell in make_plan(config).cells if cell.run.method == method]
        # on features alone
        assert {(cell.run.source, cell.protocol) for cell in cells} == {("objects-400", "linear")}
        hyper = Hyperparameters.from_json(method, with_views(config["methods"][method]))
        schedule, _ = pretraining_schedule(hyper, 400)
        assert (schedule.total_steps, schedule.warmup_steps) == expected


def test_parts_with_one_size_have_no_derived_entries(tmp_path):
    more = [
        {"datasets": ["plants"], "pretrain_images": [200]},
        {"methods": ["moco"], "pretrain_images": [100, 200]},
    ]
    config = study(
        tmp_path,
        {"moco": {"epochs": 6, "batch_size": 50, "batch_norm_groups": 1}},
        equal="both",
        convergence=["half"],
        more=more,
    )
    derived = {name for name in names(config) if entry_of(name.split("/")[0]) != name.split("/")[0]}
    assert derived == {
        *("simclr_steps/objects-100", "simclr_steps/objects-200", "simclr_half/objects-400"),
        # the steps are those of the lens' largest size, which this part has not
        *("moco_steps/objects-100", "moco_steps/objects-200", "moco_half/objects-200"),
    }


def test_a_part_may_have_both_where_the_lens_has_epochs(tmp_path):
    more = [{"pretrain_images": [100, 400], "equal": "both"}]
    config = study(tmp_path, equal="epochs", more=more)
    assert {name for name in names(config) if "_steps" in name} == {"simclr_steps/objects-100"}
    with pytest.raises(
        UserError,
        match=r"'quantity.more\[0\].equal' is 'both', but with 'quantity.equal: steps' every",
    ):
        study(tmp_path, equal="steps", more=more)


def test_all_images_count_where_the_definition_has_their_number(tmp_path):
    config = study(tmp_path, equal="steps", pretrain_images=[100, "all"])
    assert schedules(config) == {(48, 8)}
    before = copy.deepcopy(config)
    config = study(tmp_path, equal="both", pretrain_images=[100, "all"])
    assert {name for name in names(config) if "_steps" in name} == {"simclr_steps/objects-100"}
    del before["datasets"]["objects"]["train_images"]
    before["methods"]["simclr"] = {"batch_size": 50, "epochs": 6, "warmup_epochs": 1}
    with pytest.raises(
        UserError,
        match=r"'quantity.equal'.*'all' of dataset 'objects'.*"
        "give the method `steps`, or choose `equal: epochs`",
    ):
        complete_lengths(before, [])


def test_without_the_lens_nothing_is_converted(tmp_path):
    config = study(tmp_path, equal="epochs")
    config["quantity"]["equal"], config["lenses"] = "steps", ["domain"]
    methods = copy.deepcopy(config["methods"])
    complete_lengths(config, [])
    assert config["methods"] == methods


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("simclr_half", "simclr"),
        ("barlow_twins_steps", "barlow_twins"),
        ("simclr_cold_twice", "simclr_cold"),
        ("simclr", "simclr"),
        ("barlow_twins", "barlow_twins"),
        ("simclr_1000", "simclr_1000"),
        ("half", "half"),
    ],
)
def test_the_entry_that_a_derived_one_was_made_from(name, entry):
    assert entry_of(name) == entry


def test_one_size_alone_has_nothing_to_be_equal_to(tmp_path):
    """As of a new dataset, with all images, whose number the config does not say."""
    entries = {"plants": {"source": "image_folder", "path": "plants"}}
    file = tmp_path / "new.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "study": "new",
                "lenses": ["quantity"],
                "datasets": entries,
                "quantity": {"datasets": ["plants"], "pretrain_images": ["all"]},
            }
        )
    )
    config = read_config([file])
    assert "epochs" in config["methods"]["simclr"]
    assert {run.source for run in make_plan(config).runs} == {"none", "plants-all"}
