"""The encoders that a speed was measured with: those of the vocabulary and published ones.

Standard library only.
"""

from fourlenses.study import vocabulary
from fourlenses.study.vocabulary import Backbone

# no backbone of ours: a published speed in throughput.csv was measured with it
# (DeiT, https://arxiv.org/abs/2012.12877, table 5)
VIT = Backbone(
    "vit_small16", "ViT-S/16", parameters=21_666_000, width=384, multiply_adds=4.6e9, side=224
)
BACKBONES = {**vocabulary.BACKBONES, VIT.name: VIT}
