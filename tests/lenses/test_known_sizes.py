"""Sizes above those of converted datasets are left out of the plan, with a note."""

import json

import pytest

from fourlenses.lenses.known_sizes import possible_plan
from fourlenses.study.layout import Layout


@pytest.fixture
def converted(tmp_path, default_config):
    """A study of three sizes on a dataset that may be converted; returns a function."""
    default_config.update(lenses=["quantity"], seeds=[0])
    default_config["datasets"] = {
        "pets": {"source": "image_folder", "path": "pets"},
        "birds": {"source": "image_folder", "path": "birds"},
    }
    default_config["quantity"].update(
        datasets=["pets", "birds"],
        pretrain_images=[100, 1000, "all"],
        labelled_images=[50, 500],
        convergence=[],
        more=[],
        equal="epochs",
    )

    def plan(train):
        if train is not None:
            layout = Layout(default_config["study"], default_config["stored_size"])
            file = tmp_path / layout.sidecar("pets")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"images": {"train": train, "test": 9}}))
        return possible_plan(default_config, tmp_path)

    return plan


def asked(known, target):
    cells = [cell for cell in known.plan.cells if cell.target == target]
    sources = {cell.run.source for cell in cells if cell.run.method == "simclr"}
    return sorted(sources), sorted({cell.labelled for cell in cells})


def test_before_the_conversion_nothing_is_left_out(converted):
    known = converted(None)
    assert known.notes == []
    assert asked(known, "pets") == (["pets-100", "pets-1000", "pets-all"], ["50", "500"])


def test_what_is_too_large_is_left_out_and_named(converted):
    known = converted(300)
    assert asked(known, "pets") == (["pets-100", "pets-all"], ["50"])
    assert asked(known, "birds") == (["birds-100", "birds-1000", "birds-all"], ["50", "500"])
    assert [note.partition(";")[0] for note in known.notes] == [
        "left out: 500 images of 'pets', which has 300 usable training images",
        "left out: 1000 images of 'pets', which has 300 usable training images",
    ]
    assert len(known.whole.cells) > len(known.plan.cells)


@pytest.mark.parametrize("train", [1000, 5000])
def test_what_fits_stays(converted, train):
    known = converted(train)
    assert known.notes == []
    assert known.plan.as_json() == known.whole.as_json()


def test_a_damaged_sidecar_says_nothing(converted, tmp_path, default_config):
    layout = Layout(default_config["study"], default_config["stored_size"])
    converted(300)
    (tmp_path / layout.sidecar("pets")).write_text("{")
    assert possible_plan(default_config, tmp_path).notes == []
