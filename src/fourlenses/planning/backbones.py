"""What an encoder weighs and what one image costs it, for scaling a speed measured with one encoder to another. Standard library only."""

from typing import NamedTuple


class Backbone(NamedTuple):
    """parameters and feature width of an encoder; multiply-adds of one forward pass of one image of ``side`` px."""

    parameters: int
    width: int
    multiply_adds: float
    side: int

    def at(self, image_size: int) -> float:
        """Multiply-adds of an image of that size: those of convolutions grow with its area."""
        return self.multiply_adds * (image_size / self.side) ** 2


# Counted over convolutions, without the classifier that torchvision's have; tests/planning/test_plan_cost.py counts them again. vit_small16 is
# no backbone of ours: a published speed in throughput.csv was measured with it (Touvron et al., DeiT, ICML 2021, table 5).
BACKBONES = {
    "resnet_small": Backbone(307_536, 128, 4_042_752, 32),
    "resnet_small_wide": Backbone(1_226_400, 256, 15_949_824, 32),
    "resnet18_cifar": Backbone(11_168_832, 512, 555_417_600, 32),
    "resnet18": Backbone(11_176_512, 512, 1_813_561_344, 224),
    "resnet34": Backbone(21_284_672, 512, 3_663_249_408, 224),
    "resnet50": Backbone(23_508_032, 2048, 4_087_136_256, 224),
    "resnet101": Backbone(42_500_160, 2048, 7_799_357_440, 224),
    "vit_small16": Backbone(21_666_000, 384, 4.6e9, 224),
}
