"""Batch norm with statistics over the whole global batch, or over equal parts of it.

Neither depends on the number of processes. Only the statistics of training mode are concerned: in
evaluation mode, and in their state_dict, the layers are plain batch norms (Ioffe, Szegedy, ICML
2015, https://arxiv.org/abs/1502.03167), which load into any other plain network.

The parts are MoCo's (He et al., CVPR 2020, section 3.3, https://arxiv.org/abs/1911.05722):
statistics over the whole batch tell a query which batch its key came from, so the authors keep them
within a GPU; here a part stands for a GPU, however many there are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from fourlenses.core.errors import UserError
from fourlenses.parallel.distributed import all_gather_rows, all_reduce_sum, world_size


def set_batch_norm(module: nn.Module, groups: int) -> nn.Module:
    """Let all batch norms take their statistics over each of ``groups`` parts of the batch.

    The module is changed in place and returned. Every process holds ``groups`` / processes parts:
    equal contiguous runs of the rows of a call of the layer. With one part on one process the
    layers are torch's own. To be called once the processes have joined, as the choice depends on
    their number.

    Raises:
        UserError: the parts cannot be shared out evenly among the processes.
    """
    if groups < 1 or (groups > 1 and groups % world_size()):
        raise UserError(
            f"'batch_norm_groups' is {groups}; it must be 1 (statistics of the whole batch) or a "
            f"multiple of the {world_size()} processes"
        )
    plain = groups == 1 and world_size() == 1
    for layer in module.modules():
        for kind, grouped in _KINDS.items():
            if type(layer) in (kind, grouped):
                # not a new layer: optimisers and hooks may know this one
                layer.__class__ = kind if plain else grouped
                layer.groups = groups  # type: ignore[assignment]  # torch: modules and tensors only
    if not plain:
        _check_others(module)
    return module


def _check_others(module: nn.Module) -> None:
    """Raise an error for a batch norm with another forward pass, as some of timm's have."""
    known = {*_KINDS, *_KINDS.values()}
    for layer in module.modules():
        if isinstance(layer, _BatchNorm) and type(layer) not in known:
            raise UserError(
                f"the network has batch norms of another kind ({type(layer).__name__}), whose "
                "statistics can neither be grouped nor shared by several processes; say "
                "`batch_norm_groups: 1` and one process, or choose another backbone"
            )


class _Grouped(_BatchNorm):
    """Batch norm over ``groups`` parts of the global batch, or over all of it with one group.

    It is synchronised between the processes.
    """

    groups: int

    def forward(self, inputs: Tensor) -> Tensor:
        """inputs and result: (rows, C) or (rows, C, H, W), of the same memory format."""
        parts = self.groups // world_size()
        if self.training and self.groups > 1 and (len(inputs) % parts or len(inputs) < 2 * parts):
            raise UserError(
                f"batch norm over 'batch_norm_groups' {self.groups} takes {parts} equal parts of "
                f"at least 2 rows in each of the {world_size()} processes, which {len(inputs)} "
                "rows do not give; choose another batch size or number of groups"
            )
        if not self.training or (self.groups > 1 and parts == 1):
            return super().forward(inputs)
        self._check_input_dim(inputs)
        return self._over_all(inputs) if self.groups == 1 else self._over_parts(inputs, parts)

    def _over_parts(self, inputs: Tensor, parts: int) -> Tensor:
        # Torch's kernel leaves mean and unbiased variance of a part in "running" statistics that
        # forget at once. A loop: as extra channels of one call the parts would have to be copied
        # out of and back into the order of rows, which takes longer.
        means, variances = torch.zeros(
            2, parts, self.num_features, dtype=_precision(inputs), device=inputs.device
        )
        outputs = [
            F.batch_norm(
                part,
                mean,
                variance,
                self.weight,
                self.bias,
                training=True,
                momentum=1.0,
                eps=self.eps,
            )
            for part, mean, variance in zip(inputs.chunk(parts), means, variances, strict=True)
        ]
        self._track(means.mean(0), variances.mean(0))
        return torch.cat(outputs)

    def _over_all(self, inputs: Tensor) -> Tensor:
        mean, variance, count = _global_statistics(inputs)
        self._track(mean, variance * (count / (count - 1)))
        return _Normalise.apply(inputs, self.weight, self.bias, mean, variance, count, self.eps)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor) -> None:
        if not self.track_running_stats:
            return
        assert self.num_batches_tracked is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        self.num_batches_tracked.add_(1)
        weight = self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked)
        self.running_mean.mul_(1 - weight).add_(mean, alpha=weight)
        self.running_var.mul_(1 - weight).add_(variance, alpha=weight)


class GroupedBatchNorm1d(_Grouped, nn.BatchNorm1d):
    pass


class GroupedBatchNorm2d(_Grouped, nn.BatchNorm2d):
    pass


_KINDS = {nn.BatchNorm1d: GroupedBatchNorm1d, nn.BatchNorm2d: GroupedBatchNorm2d}


def _precision(inputs: Tensor) -> torch.dtype:
    """Of statistics: that of the inputs, but at least float32."""
    return torch.promote_types(inputs.dtype, torch.float32)


@torch.no_grad()
def _global_statistics(inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean (C,), biased variance (C,) and count of values per channel (scalar).

    They are over the rows of all processes, in one message. The processes' own means and variances
    are merged (Chan, Golub, LeVeque: Updating formulae and a pairwise algorithm for computing
    sample variances, 1979), which does not cancel as the difference of mean square and squared mean
    would.
    """
    mean, variance = (
        value.to(_precision(inputs))
        for value in torch.batch_norm_update_stats(inputs, None, None, 0.0)
    )
    count = mean.new_full((1,), inputs.numel() // inputs.shape[1])
    means, variances, counts = all_gather_rows(torch.cat([mean, variance, count])[None]).split(
        [len(mean), len(mean), 1], dim=1
    )
    shares = counts / counts.sum()  # (W, 1)
    mean = (shares * means).sum(0)
    variance = (shares * (variances + (means - mean).square())).sum(0)
    return mean, variance, counts.sum()


class _Normalise(torch.autograd.Function):
    """Batch norm by statistics of all processes' rows, with the gradient through these statistics.

    The loss is that of the global batch. A process gets the gradient of its own outputs and gives
    back that of its own inputs, to which all outputs contribute through the statistics; its
    gradients of weight and bias are its rows' share, for the trainer to sum up. That is also the
    convention of torch's SyncBatchNorm, which knows GPUs only.
    """

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        variance: Tensor,
        count: Tensor,
        eps: float,
    ) -> Tensor:
        ctx.save_for_backward(inputs, weight, mean, torch.rsqrt(variance + eps), count)
        return F.batch_norm(inputs, mean, variance, weight, bias, training=False, eps=eps)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight, mean, scale, count = ctx.saved_tensors
        # torch's kernel, asked only for the sums over these rows: of dy * xhat and of dy
        _, by_weight, by_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, inputs, weight, None, None, mean, scale, True, 0.0, (False, True, True)
        )
        result = None
        if ctx.needs_input_grad[0]:
            along, total = by_weight.to(mean.dtype, copy=True), by_bias.to(mean.dtype, copy=True)
            all_reduce_sum([along, total])
            # dx = weight * scale * (dy - mean(dy) - xhat * mean(dy * xhat)), with
            # xhat = (x - mean) * scale: linear in dy and x
            factor = scale if weight is None else weight * scale
            slope = -factor * scale * along / count
            offset = -factor * total / count - slope * mean
            factor, slope, offset = (
                value.view(-1, *[1] * (inputs.ndim - 2)) for value in (factor, slope, offset)
            )
            result = (
                torch.addcmul(offset, gradient, factor).addcmul_(inputs, slope).to(inputs.dtype)
            )
        needs_weight, needs_bias = ctx.needs_input_grad[1:3]
        return (
            result,
            by_weight if needs_weight else None,
            by_bias if needs_bias else None,
            None,
            None,
            None,
            None,
        )


@torch.no_grad()
def average_running_statistics(module: nn.Module) -> None:
    """Average the running statistics of parts over all processes, in place.

    To be called by all processes, before they are saved. A running statistic is linear in those of
    the steps, so that averaging it now equals having averaged at every step.
    """
    layers = [
        layer
        for layer in module.modules()
        if isinstance(layer, _Grouped) and layer.groups > 1 and layer.running_mean is not None
    ]
    statistics = [
        value
        for layer in layers
        for value in (layer.running_mean, layer.running_var)
        if value is not None
    ]
    all_reduce_sum(statistics)
    for value in statistics:
        value.div_(world_size())


@contextmanager
def frozen_statistics(module: nn.Module) -> Iterator[None]:
    """Inside, training mode normalises by the batch but leaves running statistics alone."""
    layers = [
        layer
        for layer in module.modules()
        if isinstance(layer, _BatchNorm) and layer.track_running_stats
    ]
    for layer in layers:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True
