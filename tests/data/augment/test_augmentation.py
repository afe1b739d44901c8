import pytest

from fourlenses.data.augment.augmentation import Augmentation


def test_a_recipe_reads_lists_and_what_it_does_not_name_is_off():
    recipe = Augmentation.from_config("byol", {"jitter": [0.4, 0.4, 0.2, 0.1], "solarise": 0.2})
    off = {
        "crop_scale": (1.0, 1.0),
        "crop_ratio": (1.0, 1.0),
        "flip": 0.0,
        "grey": 0.0,
        "blur": 0.0,
    }
    assert recipe == Augmentation(jitter=(0.4, 0.4, 0.2, 0.1), solarise=0.2, **off)
    assert Augmentation.from_config("none", {"jitter": None}).jitter is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"colour": 1},
            "augmentation 'x': unknown key 'colour'; allowed: crop_scale, crop_ratio, flip",
        ),
        ({"flip": 1.5}, r"augmentation 'x': flip is a probability in \[0, 1\], not 1.5"),
        ({"flip": "often"}, "augmentation 'x': "),
        ({"crop_scale": [1.0, 0.1]}, "augmentation 'x': crop_scale is a pair 0 < low <= high"),
        ({"jitter": [0.4, 0.4, 0.4, 0.6]}, "hue"),
        ({"mean": [0.5, 0.5, 0.5]}, "mean and std are given together"),
    ],
)
def test_wrong_settings_name_the_recipe(settings, message):
    with pytest.raises(ValueError, match=message):
        Augmentation.from_config("x", settings)
