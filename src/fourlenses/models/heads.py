"""The projection head g(h) of SimCLR (Chen et al., ICML 2020, section 4.2)."""

from itertools import pairwise

from torch import Tensor, nn


class ProjectionHead(nn.Module):
    """``layers`` linear maps, with batch norm and ReLU between them: features (B, inputs) to projections (B, outputs).

    Every inner linear map lacks a bias, because the batch norm behind it has one. The last one has neither batch norm nor bias:
    the loss compares directions, and a common offset of all projections would only pull them together. With ``layers=1`` the
    head is the linear one of the paper's figure 8.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, layers: int):
        super().__init__()
        if layers < 1:
            raise ValueError(f"a projection head needs at least one layer, not {layers}")
        widths = [inputs, *[hidden] * (layers - 1), outputs]
        modules: list[nn.Module] = []
        for before, after in pairwise(widths[:-1]):
            modules += [nn.Linear(before, after, bias=False), nn.BatchNorm1d(after), nn.ReLU(inplace=True)]
        modules.append(nn.Linear(widths[-2], widths[-1], bias=False))
        self.layers = nn.Sequential(*modules)

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features)  # (B, outputs)
