"""What every shipped overlay of config.yaml is to hold."""

import pytest
import yaml

from fourlenses.config.lengths import DURATIONS, parts_of
from fourlenses.config.read import ROOT, read_config
from fourlenses.lenses.plan import make_plan
from fourlenses.study.sizes import largest_size
from fourlenses.study.vocabulary import TRAINING_PROTOCOLS

# An example shows how the parts fit together, and answers no question.
OVERLAYS = sorted(
    file for file in (ROOT / "studies").glob("*.yaml") if not file.stem.startswith("example_")
)
each = pytest.mark.parametrize("file", OVERLAYS, ids=lambda file: file.stem)


@each
def test_fine_tuning_and_training_from_scratch_are_tuned_alike(file):
    config = read_config([file])
    if not set(TRAINING_PROTOCOLS) & {cell.protocol for cell in make_plan(config).cells}:
        pytest.skip("the study trains no classifier on images")
    evaluation = config["evaluation"]
    assert evaluation["fine_tune"] == evaluation["scratch"]
    candidates = len(evaluation["scratch"]["learning_rates"]) * len(
        evaluation["scratch"]["weight_decays"]
    )
    assert candidates > 1


@each
def test_nothing_of_the_default_study_leaks_into_another_preset(file):
    """Dictionaries add up: a key that config.yaml gives an entry is there in an overlay's as well,
    whatever preset it names."""
    overlay, config = yaml.safe_load(file.read_text()), read_config([file])
    for name, given in overlay["methods"].items():
        entry = config["methods"][name]
        presets = ROOT / "presets" / "methods" / f"{entry['method']}.yaml"
        # presets/continued.yaml changes it for an entry that starts from an external encoder
        apart = (*DURATIONS, "learning_rate") if "start" in entry else DURATIONS
        _is_preset(entry, given, presets, apart)
    for name in TRAINING_PROTOCOLS:
        given = overlay.get("evaluation", {}).get(name)
        if given and name in {cell.protocol for cell in make_plan(config).cells}:
            _is_preset(
                config["evaluation"][name], given, ROOT / "presets" / "protocols" / f"{name}.yaml"
            )


def _is_preset(entry: dict, given: dict, presets, apart: tuple = ()) -> None:
    values = yaml.safe_load(presets.read_text())[entry["preset"]] | given
    changed = {key for key in values if key not in apart and entry[key] != values[key]}
    assert changed == set()


@each
def test_seeds_fine_tuning_and_half_the_length(file):
    config = read_config([file])
    lens = config["quantity"]
    if "quantity" not in config["lenses"]:
        pytest.skip("the study does not have the lens quantity")
    assert len(config["seeds"]) == 3
    assert (lens["convergence"], lens["equal"]) == (
        ["half"],
        "epochs" if file.stem == "paper" else "steps",
    )
    cells = make_plan(config).cells
    for dataset in lens["datasets"]:
        sizes = [
            size
            for part in parts_of(lens)
            if dataset in part["datasets"]
            for size in part["pretrain_images"]
        ]
        most = largest_size({"pretrain_images": sizes})
        protocols = {
            cell.protocol
            for cell in cells
            if cell.target == dataset and cell.run.source == f"{dataset}-{most}"
        }
        assert {"linear", "fine_tune"} <= protocols
        assert any(cell.run.method.endswith("_half") and cell.target == dataset for cell in cells)


@each
def test_every_pool_has_its_target_and_controls(file):
    config = read_config([file])
    lens = config["domain"]
    if "domain" not in config["lenses"] or not lens["pools"]:
        pytest.skip("the study has no pools")
    cells = make_plan(config).cells
    evaluated = {(cell.run.source, cell.target) for cell in cells}
    pooled = {dataset for pool in lens["pools"] for dataset in pool}
    assert pooled <= set(lens["datasets"])
    share = lens["pool_images"]
    for pool in lens["pools"]:
        for dataset in pool:
            assert {
                (f"{dataset}-{share}", dataset),
                (f"{dataset}-{share * len(pool)}", dataset),
            } <= evaluated
    # two encoders of one domain next to two of two
    assert any(
        len({part.split("-")[0] for part in source.split("~")}) == 1
        for source, _ in evaluated
        if "~" in source
    )
