"""A former key of a config is an error that names the new one."""

import re

import pytest

from fourlenses.config.check import check_config
from fourlenses.config.methods import complete_methods
from fourlenses.config.sentences import former_keys
from fourlenses.config.sentences.former_keys import FORMER_KEYS, now_called, renamed
from fourlenses.core.errors import UserError
from tests.config.test_check import SCHEMA, merged
from tests.config.test_complete_methods import PRESETS


def test_the_new_key_is_that_of_the_same_entry():
    assert renamed(["methods", "byol_long", "momentum_base"]) == "methods.byol_long.ema_momentum"
    assert renamed(["methods", "byol_long", "momentum"]) is None
    assert renamed(["momentum_base"]) is None


def test_no_new_key_is_a_former_one():
    for former, new in FORMER_KEYS.items():
        assert new not in FORMER_KEYS
        assert former.count("*") == new.count("*")
        assert now_called(former.split(".")) == f"key '{former}' is now called '{new}'"


@pytest.mark.parametrize(
    ("method", "former", "new"),
    [
        ("byol", "momentum_base", "ema_momentum"),
        ("moco", "momentum_base", "ema_momentum"),
        ("moco", "momentum_final", "ema_momentum_final"),
        ("barlow_twins", "loss_scale", "loss_weight"),
    ],
)
def test_a_former_key_of_a_method_is_refused_by_its_new_name(method, former, new):
    settings = {"methods": {method: {former: 0.5}}, "augmentations": {}, "image_size": 32}
    message = f"key 'methods.{method}.{former}' is now called 'methods.{method}.{new}'"
    with pytest.raises(UserError, match=re.escape(message)):
        complete_methods(settings, PRESETS, [])


def test_a_former_key_that_the_schema_knows_not_is_refused_by_its_new_name(monkeypatch):
    monkeypatch.setitem(former_keys.FORMER_KEYS, "training.bits", "training.precision")
    message = "key 'training.bits' is now called 'training.precision'"
    with pytest.raises(UserError, match=re.escape(message)):
        check_config(merged({"training": {"bits": 16}}), SCHEMA, [])


def test_a_former_key_of_the_monitor_is_refused_by_its_new_name():
    message = "key 'training.health_images' is now called 'training.monitor_images'"
    with pytest.raises(UserError, match=re.escape(message)):
        check_config(merged({"training": {"health_images": 64}}), SCHEMA, [])
