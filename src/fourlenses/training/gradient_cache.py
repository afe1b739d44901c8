"""The gradients of one batch, of one and the same loss, however the batch is cut.

It may be in one piece, in micro-batches, or spread over several processes. A contrastive loss
compares every image with every other, so adding up the losses of small batches would be another
loss (fewer negatives). Instead the batch is cut at its embeddings (gradient caching: Gao, Zhang,
Han, Callan, 2021, section 3, https://arxiv.org/abs/2101.06983): embed every piece, compute the loss
and its gradient with respect to all embeddings at once, then push each piece's share of it through
the encoder.

Equivalent to the whole batch in one piece, to float rounding: the loss, its negatives, the queue,
and the gradients of all layers that treat images one by one. Not equivalent: batch norm, which
takes its statistics from the pieces, as it does on several GPUs without synchronisation. Between
processes it is synchronised (see `fourlenses.models.batch_norm`), between micro-batches it cannot
be.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from fourlenses.methods.method import Diagnostics, Embeddings, Method
from fourlenses.models.batch_norm import frozen_statistics
from fourlenses.parallel.distributed import all_gather_rows, all_reduce_sum, shard_of, world_size


def add_gradients(
    method: Method,
    views: list[Tensor],
    labels: Tensor,
    *,
    micro_batch: int,
    autocast: AbstractContextManager,
) -> tuple[Tensor, Diagnostics, Embeddings]:
    """Add the gradients of a batch's loss to the parameters.

    Args:
        views: float32 (n, 3, S, S) each, this process's rows.
        labels: int64 (B,), of the whole batch, B = processes * n.
        micro_batch: most rows embedded at a time, 0 for all. It takes a second pass through the
            encoder, without gradient.
        autocast: the context that the encoder computes in.

    Returns:
        Loss, diagnostics and the whole batch's targets.
    """
    pieces = -(-len(views[0]) // micro_batch) if micro_batch else 1
    with torch.no_grad(), autocast:
        targets = tuple(all_gather_rows(target) for target in method.targets(views))
    if pieces == 1 and world_size() == 1:
        with autocast:
            embeddings = method.embed(views)
        loss, diagnostics = method.loss(embeddings, targets, labels)
        loss.backward()
        return loss.detach(), diagnostics, targets

    parts = _cut(views, pieces)
    embeddings = _embed(method, parts, autocast)
    gathered = tuple(all_gather_rows(embedding).requires_grad_() for embedding in embeddings)
    loss, diagnostics = method.loss(gathered, targets, labels)
    gradients = torch.autograd.grad(loss, gathered, materialize_grads=True)
    shares = [shard_of(gradient) for gradient in gradients]
    if pieces == 1:
        torch.autograd.backward(embeddings, shares)
    else:
        _embed_again_and_push_back(method, parts, shares, autocast=autocast)
    # Every process has pushed back its rows' share of one global loss: their sum is its gradient.
    all_reduce_sum(
        [parameter.grad for parameter in method.parameters() if parameter.grad is not None]
    )
    return loss.detach(), diagnostics, targets


def _cut(views: list[Tensor], pieces: int) -> list[list[Tensor]]:
    """Return the views of each piece of the batch."""
    if pieces == 1:
        return [views]
    rows = torch.arange(len(views[0]), device=views[0].device)
    return [[view[part] for view in views] for part in rows.tensor_split(pieces)]


def _embed(
    method: Method, parts: Sequence[list[Tensor]], autocast: AbstractContextManager
) -> Embeddings:
    """Return the embeddings of the views of all parts; of several parts without a graph."""
    if len(parts) == 1:
        with autocast:
            return method.embed(parts[0])
    with torch.no_grad(), autocast, frozen_statistics(method):
        embedded = [method.embed(part) for part in parts]
        return tuple(torch.cat(column) for column in zip(*embedded, strict=True))


def _embed_again_and_push_back(
    method: Method,
    parts: Sequence[list[Tensor]],
    shares: Sequence[Tensor],
    *,
    autocast: AbstractContextManager,
) -> None:
    """Embed each part with a graph, and push its rows of ``shares`` back through the encoder.

    Args:
        shares: the gradient of the loss with respect to each embedding of this process's rows.
    """
    pieces = (share.tensor_split(len(parts)) for share in shares)
    for part, *gradients in zip(parts, *pieces, strict=True):
        with autocast:
            embedded = method.embed(part)
        torch.autograd.backward(embedded, gradients)
