import lightly.models.modules.heads as lightly_heads
import pytest
import torch
from torch import nn

from fourlenses.methods import build_method, method_settings
from fourlenses.methods.method import DataInfo
from fourlenses.models.heads import ProjectionHead

LETTERS = {nn.Linear: "L", nn.BatchNorm1d: "B", nn.ReLU: "R"}


def kinds(head):
    return "".join(LETTERS[type(module)] for module in head.layers)


@pytest.mark.parametrize(("layers", "expected"), [(1, "L"), (2, "LBRL"), (3, "LBRLBRL")])
def test_layers_are_linear_maps_with_norm_and_relu_between(layers, expected):
    head = ProjectionHead(8, 16, 4, layers=layers)
    assert kinds(head) == expected
    assert head(torch.rand(5, 8)).shape == (5, 4)
    assert all(module.bias is None for module in head.layers if isinstance(module, nn.Linear))


def test_two_layers_equal_the_formula():
    torch.manual_seed(0)
    head = ProjectionHead(8, 16, 4, layers=2)
    features = torch.rand(32, 8)
    hidden = features @ head.layers[0].weight.T
    hidden = (hidden - hidden.mean(0)) / (hidden.var(0, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(
        head(features), hidden.clamp(min=0) @ head.layers[3].weight.T, atol=1e-5, rtol=1e-4
    )


def test_a_head_without_layers_is_refused():
    with pytest.raises(ValueError, match="at least one layer"):
        ProjectionHead(8, 16, 4, layers=0)


PROJECTION = {"projection_hidden": 16, "projection_out": 4}
SETTINGS = {
    "moco": PROJECTION
    | {
        "projection_layers": 2,
        "temperature": 0.2,
        "queue_size": 8,
        "ema_momentum": 0.9,
        "ema_momentum_final": 0.9,
        "symmetric": False,
    },
    "byol": PROJECTION | {"prediction_hidden": 12, "ema_momentum": 0.9},
    "simsiam": PROJECTION | {"projection_layers": 3, "prediction_hidden": 2},
    "barlow_twins": PROJECTION
    | {"projection_layers": 3, "off_diagonal_weight": 0.005, "loss_weight": 1.0},
    "vicreg": PROJECTION
    | {
        "projection_layers": 3,
        "invariance_weight": 25,
        "variance_weight": 25,
        "covariance_weight": 1,
    },
}


# lightly's heads, and at which linear maps ours has another bias than theirs. In front of a batch
# norm a bias changes nothing but the running mean; the last maps of BYOL, Barlow Twins and VICReg
# have none in the papers' official code, and one in lightly.
@pytest.mark.parametrize(
    ("method", "part", "theirs", "biases", "lightlys"),
    [
        ("moco", "head", lightly_heads.MoCoProjectionHead(8, 16, 4), [1, 1], [1, 1]),
        ("byol", "head", lightly_heads.BYOLProjectionHead(8, 16, 4), [1, 0], [0, 1]),
        ("byol", "predictor", lightly_heads.BYOLPredictionHead(4, 12, 4), [1, 0], [0, 1]),
        ("simsiam", "head", lightly_heads.SimSiamProjectionHead(8, 16, 4), [0, 0, 0], [0, 0, 0]),
        ("simsiam", "predictor", lightly_heads.SimSiamPredictionHead(4, 2, 4), [0, 1], [0, 1]),
        (
            "barlow_twins",
            "head",
            lightly_heads.BarlowTwinsProjectionHead(8, 16, 4),
            [0, 0, 0],
            [0, 0, 1],
        ),
        ("vicreg", "head", lightly_heads.VICRegProjectionHead(8, 16, 4), [1, 1, 0], [0, 0, 1]),
    ],
)
def test_heads_have_the_layers_of_lightlys(method, part, theirs, biases, lightlys):
    method_keys = method_settings(method, SETTINGS[method])
    info = DataInfo(images=100, num_classes=5, batch_size=8, seed=0)
    built = build_method(method, nn.Flatten(), 8, settings=method_keys, info=info)
    ours = getattr(built, part)
    assert kinds(ours) == kinds(theirs)
    for a, b in zip(ours.layers, theirs.layers, strict=True):
        shapes = [
            getattr(module, "weight", None) is not None and tuple(module.weight.shape)
            for module in (a, b)
        ]
        assert shapes[0] == shapes[1]
        if isinstance(a, nn.BatchNorm1d):
            assert (a.affine, a.eps, a.momentum) == (b.affine, b.eps, b.momentum)
    for head, expected in ((ours, biases), (theirs, lightlys)):
        assert [
            module.bias is not None for module in head.layers if isinstance(module, nn.Linear)
        ] == [bool(bias) for bias in expected]
