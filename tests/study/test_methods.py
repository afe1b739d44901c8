import pytest

from fourlenses.study import methods
from fourlenses.study.vocabulary import METHODS


def test_a_second_entry_of_a_method_is_drawn_as_its_method_in_another_shade():
    assert methods.marker("simclr_long") == methods.marker("simclr")
    assert methods.colour("simclr_long") not in {look.colour for look in METHODS.values()}
    assert methods.label("simclr_long") == "simclr long"
    assert methods.is_contrastive("simclr_long")
    assert not methods.is_contrastive("supervised_long")
    assert methods.in_order(["random", "supervised", "simclr_long", "moco", "simclr"]) == [
        "simclr",
        "simclr_long",
        "moco",
        "supervised",
        "random",
    ]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("simclr_half", "SimCLR, half as long"),
        ("simclr_twice", "SimCLR, twice as long"),
        ("simclr_steps", "SimCLR, equal steps"),
        ("moco_cold_half", "moco cold, half as long"),
    ],
)
def test_a_derived_entry_is_called_by_that_it_was_made_from(name, label):
    assert methods.label(name) == label
    assert methods.is_contrastive(name)


@pytest.mark.parametrize("name", ["dino", "simclrlong", ""])
def test_other_names_are_no_methods(name):
    assert not methods.known(name)
    with pytest.raises(ValueError, match="the figures know no method"):
        methods.label(name)


def test_shades_are_colours():
    assert methods._shade("#0072B2", 0.5) == "#80B8D8"
    assert methods._shade("#0072B2", -0.5) == "#003959"
