"""Plans: what lenses share, mistakes in a section of the config."""

import pytest

from fourlenses.core.errors import UserError
from fourlenses.lenses.plan import make_plan
from fourlenses.study import Cell, Run, parse_source


def test_lenses_share_runs_and_cells(default_config):
    default_config["quantity"].update(
        datasets=["objects"], pretrain_images=[100, 200], labelled_images=[50, 200]
    )
    default_config["domain"].update(
        datasets=["objects", "scenes"], pretrain_images=200, labelled_images=200
    )
    default_config["lenses"] = ["quantity", "domain"]
    plan = make_plan(default_config)
    shared = Cell(
        run=Run("simclr", "objects-200", 0), target="objects", labelled="200", protocol="linear"
    )
    assert plan.cells[shared] == {"quantity", "domain"}
    names = [run.name for run in plan.runs]
    assert len(names) == len(set(names))
    assert set(names) == {
        "random/none/seed0",
        "simclr/objects-100/seed0",
        "simclr/objects-200/seed0",
        "simclr/scenes-200/seed0",
        "simclr_half/objects-200/seed0",
    }
    # the supervised baseline is trained when it is evaluated
    scratch = Run("supervised", "objects-50", 0)
    cell = Cell(run=scratch, target="objects", labelled="50", protocol="scratch")
    assert cell in plan.cells


def test_random_init_is_in_every_linear_cell(default_config):
    plan = make_plan(default_config)
    asked = {(cell.target, cell.labelled) for cell in plan.cells if cell.protocol == "linear"}
    floor = {(cell.target, cell.labelled) for cell in plan.cells if cell.run.method == "random"}
    assert asked == floor


def test_seeds_pools_and_corruptions(default_config):
    default_config["seeds"] = [0, 3]
    default_config["domain"]["pools"] = [["objects", "scenes"]]
    default_config["domain"]["pool_images"] = 1000
    names = {run.name for run in make_plan(default_config).runs}
    assert {
        "simclr/objects-1000+scenes-1000/seed0",
        "simclr/objects-1000+scenes-1000/seed3",
    } <= names
    corrupted = {part.corruption for name in names for part in parse_source(name.split("/")[1])} - {
        "none"
    }
    assert corrupted == set(default_config["quality"]["corruptions"])


def test_protocols_and_draws_of_labels(default_config):
    default_config["lenses"] = ["quantity"]
    default_config["quantity"].update(
        datasets=["objects"],
        pretrain_images=[300],
        labelled_images=[100, 2000, "all"],
        protocols=["linear", "fine_tune"],
    )
    default_config["evaluation"].update(
        label_subsets="balanced", label_repeats=3, label_repeats_up_to=100
    )
    cells = make_plan(default_config).cells
    by_protocol = {
        protocol: {cell.labelled for cell in cells if cell.protocol == protocol}
        for protocol in ("linear", "fine_tune", "scratch")
    }
    expected = {"100_balanced", "100_balanced_draw1", "100_balanced_draw2", "2000_balanced", "all"}
    assert by_protocol == {"linear": expected, "fine_tune": expected, "scratch": expected}
    tuned = next(
        cell
        for cell in cells
        if (cell.protocol, cell.labelled) == ("fine_tune", "100_balanced_draw2")
    )
    assert tuned.record == "simclr/objects-300/seed0/fine_tune/objects/100_balanced_draw2.json"
    assert not [
        cell for cell in cells if cell.run.method == "random" and cell.protocol == "fine_tune"
    ]  # that would be scratch


@pytest.mark.parametrize(
    ("lens", "key", "value", "message"),
    [
        (
            "domain",
            "datasets",
            ["object"],
            r"'domain.datasets'.*unknown dataset 'object' \(did you mean 'objects'\?\)",
        ),
        (
            "quantity",
            "methods",
            ["simclrr"],
            r"'quantity.methods'.*unknown method 'simclrr' \(did you mean 'simclr'\?\); "
            "known: byol, moco, simclr, supervised",
        ),
        (
            "domain",
            "concatenated",
            [["objects", "sceness"]],
            r"'domain.concatenated'.*unknown dataset 'sceness'",
        ),
        (
            "domain",
            "concatenated",
            [["objects", {"dataset": "objects", "seed": "next"}]],
            r"'domain.concatenated\[0\]'.*'seeds' is \[0\]; give it two",
        ),
        (
            "domain",
            "concatenated",
            [["objects", {"dataset": "scenes", "method": "bvol"}]],
            r"'domain.concatenated\[0\]': unknown method 'bvol' \(did",
        ),
        (
            "domain",
            "concatenated",
            [["objects", {"dataset": "objects", "method": "simclr"}]],
            r"simclr/objects-all/seed0 twice; give one of",
        ),
        (
            "quality",
            "corruptions",
            ["downsampled2"],
            r"'quality.corruptions'.*'downsampled2' \(did you mean 'downsample2'\?\)",
        ),
        (
            "quality",
            "corruptions",
            ["resize_s5"],
            r"'quality.corruptions': 'resize_s5' changes no image at stored_size: 32",
        ),
        (
            "quantity",
            "pretrain_images",
            [10**6],
            r"'quantity.pretrain_images' asks for 1000000 images.*'scenes'.*train_images: ",
        ),
    ],
)
def test_mistakes_are_named(default_config, lens, key, value, message):
    default_config[lens][key] = value
    with pytest.raises(UserError, match=message):
        make_plan(default_config)


def test_a_pool_whose_folder_would_have_too_long_a_name(default_config):
    names = [f"images_of_the_{k}th_collection" for k in range(9)]
    for name in names:
        default_config["datasets"][name] = default_config["datasets"]["objects"]
    default_config["domain"] |= {"datasets": names, "pools": [names], "pool_controls": []}
    with pytest.raises(UserError, match="characters, at most 200 are possible; give the datasets"):
        make_plan(default_config)
    default_config["domain"]["pools"] = [names[:3]]
    make_plan(default_config)
