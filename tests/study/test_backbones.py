"""Parameters and multiply-adds of the vocabulary are those of the networks."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from fourlenses.models.backbones import build_backbone
from fourlenses.study.vocabulary import BACKBONES


@pytest.mark.parametrize("name", BACKBONES)
def test_backbones_weigh_what_the_table_says(name):
    known = BACKBONES[name]
    encoder, width = build_backbone(name, 0)
    assert (sum(parameter.numel() for parameter in encoder.parameters()), width) == (
        known.parameters,
        known.width,
    )
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        encoder.eval()(torch.zeros(1, 3, known.side, known.side))
    assert counter.get_total_flops() == 2 * known.multiply_adds
