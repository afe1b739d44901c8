"""Names of torchvision's and timm's networks as `backbone`, and timm where it is missing."""

import pytest
import yaml

from fourlenses.config import check
from fourlenses.config.read import read_config
from fourlenses.core.errors import UserError


def with_backbone(tmp_path, name):
    overlay = tmp_path / "study.yaml"
    overlay.write_text(yaml.safe_dump({"study": "mine", "backbone": name}))
    return read_config([overlay])


@pytest.mark.parametrize("name", ["timm:vit_small_patch16_224", "torchvision:convnext_tiny"])
def test_a_library_and_a_name_are_a_backbone(tmp_path, name):
    assert with_backbone(tmp_path, name)["backbone"] == name


@pytest.mark.parametrize("name", ["tim:vit_small_patch16_224", "timm:", "vit_small_patch16_224"])
def test_other_names_are_refused(tmp_path, name):
    with pytest.raises(UserError, match=f"key 'backbone' is '{name}'.*; allowed: resnet_small"):
        with_backbone(tmp_path, name)


def test_timm_is_asked_for_where_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(check, "find_spec", lambda name: None if name == "timm" else name)
    with pytest.raises(UserError, match=r"key 'backbone' is 'timm:vit_tiny.*EXTRAS=timm"):
        with_backbone(tmp_path, "timm:vit_tiny_patch16_224")
    with_backbone(tmp_path, "torchvision:resnet18")
    monkeypatch.setattr(check, "find_spec", lambda name: None)  # jobs run elsewhere
    with_backbone(tmp_path, "timm:vit_tiny_patch16_224")
