"""Dictionaries that fill dataclasses: a wrong key is named."""

from dataclasses import dataclass

import pytest

from fourlenses.core.dataclass_keys import check_keys, filled, keys_of
from fourlenses.core.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Crop:
    size: int
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Blur:
    sigma: float


def test_values_become_fields_and_others_are_left():
    assert filled(Crop, {"size": 3, "sigma": 2.0}) == Crop(size=3)
    assert keys_of(Crop) == ["size", "scale"]


def test_all_keys_of_several_dataclasses_are_allowed():
    check_keys(["size", "sigma"], Crop, Blur, where="view")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["size", "sigma", "sclae"], r"^view 1: unknown key 'sclae' \(did you mean 'scale'\?\);"),
        (["size"], "^view 1 lacks the key 'sigma'; it needs size, scale, sigma$"),
    ],
)
def test_a_wrong_key_is_named(keys, message):
    with pytest.raises(UserError, match=message):
        check_keys(keys, Crop, Blur, where="view 1")
