import pytest
import torch
from torch import nn

from fourlenses.models.heads import ProjectionHead


@pytest.mark.parametrize(("layers", "kinds"), [(1, "L"), (2, "LBRL"), (3, "LBRLBRL")])
def test_layers_are_linear_maps_with_norm_and_relu_between(layers, kinds):
    head = ProjectionHead(8, 16, 4, layers)
    letters = {nn.Linear: "L", nn.BatchNorm1d: "B", nn.ReLU: "R"}
    assert "".join(letters[type(module)] for module in head.layers) == kinds
    assert head(torch.rand(5, 8)).shape == (5, 4)
    assert all(module.bias is None for module in head.layers if isinstance(module, nn.Linear))


def test_two_layers_equal_the_formula():
    torch.manual_seed(0)
    head = ProjectionHead(8, 16, 4, 2)
    features = torch.rand(32, 8)
    hidden = features @ head.layers[0].weight.T
    hidden = (hidden - hidden.mean(0)) / (hidden.var(0, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(head(features), hidden.clamp(min=0) @ head.layers[3].weight.T, atol=1e-5, rtol=1e-4)


def test_a_head_without_layers_is_refused():
    with pytest.raises(ValueError, match="at least one layer"):
        ProjectionHead(8, 16, 4, 0)
