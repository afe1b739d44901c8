"""Encoders on disk: safetensors under torchvision's parameter names, without ``fc``."""

import json
import os
import struct
from collections.abc import Mapping

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save, save_file
from torch import Tensor, nn

from fourlenses.core.errors import UserError
from fourlenses.core.files import atomic

FORMAT = {"format": "pt"}  # in the header of every file: the tensors are torch's


def save_weights(
    module: nn.Module, path: str | os.PathLike, metadata: Mapping[str, str] | None = None
) -> None:
    """Write an encoder's or a head's parameters and buffers.

    A reader sees the former file or the whole new one, never a part.

    Args:
        metadata: texts for the header of the file; the same ones give the same bytes.
    """
    # Clones, because safetensors refuses tensors that share storage, as the views of a flattened or
    # tied parameter do.
    tensors = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in _encoder_state(module).items()
    }
    with atomic(path) as temporary:
        if metadata:
            temporary.write_bytes(_with_metadata(save(tensors, metadata=FORMAT), metadata))
        else:
            save_file(tensors, temporary, metadata=FORMAT)


def _with_metadata(file: bytes, metadata: Mapping[str, str]) -> bytes:
    """Return a safetensors file with more texts in its header, in their order.

    The library writes several in an order that differs from process to process, and a file's
    SHA-256 with it, which checkpoints and features are named after. The format is described at
    https://huggingface.co/docs/safetensors: 8 bytes of length, a JSON header, the tensors.
    """
    (length,) = struct.unpack("<Q", file[:8])
    header = json.loads(file[8 : 8 + length])
    header["__metadata__"] = {**FORMAT, **metadata}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8
    return struct.pack("<Q", len(text)) + text + file[8 + length :]


def load_weights(module: nn.Module, path: str | os.PathLike) -> nn.Module:
    """Fill the encoder from a file of ``save_weights``, and return it.

    The file must fit it name by name and shape by shape.

    Raises:
        UserError: a damaged file, or one of another architecture; the message names the file, what
            is wrong and what to do. Nothing in ``module`` is changed then.
        FileNotFoundError: there is no such file.
    """
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise UserError(
            f"{path}: not a readable encoder file ({error}); it was cut short or overwritten: "
            "delete it and pretrain again"
        ) from error
    problem = _mismatch(_encoder_state(module), state)
    if problem:
        raise UserError(
            f"{path}: {problem}; name the backbone that the file was trained with, or delete the "
            "file and pretrain again"
        )
    module.load_state_dict(state, strict=False)
    return module


def _encoder_state(module: nn.Module) -> dict[str, Tensor]:
    """The state without a classifier, which a network fresh from torchvision still has."""
    return {
        name: tensor for name, tensor in module.state_dict().items() if not name.startswith("fc.")
    }


def _mismatch(expected: dict[str, Tensor], state: dict[str, Tensor]) -> str:
    """The first thing in which two states differ, in words; empty where they agree."""
    missing = [name for name in expected if name not in state]
    if missing:
        return f"found no tensor {missing[0]!r} (of {len(missing)} missing) for this backbone"
    surplus = [name for name in state if name not in expected]
    if surplus:
        return f"found a tensor {surplus[0]!r} (of {len(surplus)} surplus) that this backbone lacks"
    for name, tensor in expected.items():
        if tensor.shape != state[name].shape:
            return (
                f"found {name!r} of shape {tuple(state[name].shape)} where this backbone has "
                f"{tuple(tensor.shape)}"
            )
    return ""
