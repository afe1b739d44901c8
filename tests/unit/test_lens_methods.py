import pytest

from fourlenses.lenses import methods


def test_a_second_entry_of_a_method_is_drawn_as_its_method_in_another_shade():
    assert methods.marker("simclr_steps") == methods.marker("simclr")
    assert methods.colour("simclr_steps") not in {look.colour for look in methods.LOOKS.values()}
    assert methods.label("simclr_steps") == "simclr steps"
    assert methods.is_contrastive("simclr_steps")
    assert not methods.is_contrastive("supervised_steps")
    assert methods.in_order(["random", "supervised", "simclr_steps", "moco", "simclr"]) == [
        "simclr", "simclr_steps", "moco", "supervised", "random",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["dino", "simclrsteps", ""])
def test_other_names_are_no_methods(name):
    assert not methods.known(name)
    with pytest.raises(ValueError, match="the figures know no method"):
        methods.label(name)


def test_shades_are_colours():
    assert methods._shade("#0072B2", 0.5) == "#80B8D8"
    assert methods._shade("#0072B2", -0.5) == "#003959"
